/** Workers that crash. Which connections go with them is known exactly, so that no other request may fail. */
import { poll } from '../harness/events.ts';
import { remotePorts, stateOf } from '../harness/processes.ts';
import type { Stage } from './stage.ts';

export type How = 'exit' | 'throw' | 'SIGKILL';

/**
 * The process is made to stand still first: what it holds then is cut off with it, what it has not taken yet is not.
 * Over when every client has noticed.
 */
export async function crash({ project, clients }: Stage, pid: number, how: How): Promise<void> {
  if (how !== 'SIGKILL') project.write('how', how);
  signal(pid, how === 'SIGKILL' ? 'SIGSTOP' : 'SIGUSR2');
  // One that was about to leave may be gone.
  await poll(() => stateOf(pid) === undefined || stateOf(pid) === 'T', `process ${pid} to stand still`);
  const noticed = clients.doom(portsOf(pid));
  signal(pid, how === 'SIGKILL' ? 'SIGKILL' : 'SIGCONT');
  await noticed;
}

function portsOf(pid: number): Set<number> {
  try {
    return remotePorts(pid);
  } catch {
    return new Set();
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}
