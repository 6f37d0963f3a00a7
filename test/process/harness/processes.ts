/** Which processes a test has started, directly or not: all carry its mark in their environment. */
import { readdirSync, readFileSync } from 'node:fs';
import { poll } from './events.ts';

export const MARK_VARIABLE = 'GR_TEST_MARK';

export function isAlive(pid: number): boolean {
  return stateOf(pid) !== undefined;
}

/** The letter that the system has for it, `T` when it was stopped. Undefined for a process that has ended, whether or not anybody has asked for its exit code. */
export function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    return state === 'Z' || state === 'X' ? undefined : state;
  } catch {
    return undefined;
  }
}

/** The pids of all running processes with this mark, and what they run. */
export function marked(mark: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const pid of readdirSync('/proc').map(Number)) {
    if (!(pid > 0) || pid === process.pid) continue;
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
      if (!environment.includes(`${MARK_VARIABLE}=${mark}`) || !isAlive(pid)) continue;
      found.set(pid, readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim());
    } catch {
      // It has just ended.
    }
  }
  return found;
}

/** What runs in the process group that this process leads or led. */
export function groupOf(mark: string, leader: number): number[] {
  return [...marked(mark).keys()].filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]) === leader;
    } catch {
      return false;
    }
  });
}

/** Resolves once none is left. */
export async function allGone(mark: string): Promise<void> {
  const list = (): string => [...marked(mark)].map(([pid, command]) => `  ${pid} ${command}`).join('\n');
  await poll(() => marked(mark).size === 0, 'the end of every process', list);
}

export function killMarked(mark: string): void {
  for (const pid of marked(mark).keys()) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
}

/** Memory that the process has in RAM, in MB. */
export function rssMb(pid: number): number {
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024);
}

/** How many files, sockets and pipes it has open. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
