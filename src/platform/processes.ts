/** What the operating system says of a process, and how one is ended. Windows and macOS: from the documentation, untested. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import treeKill from 'tree-kill';

const run = promisify(execFile);
export const isWindows = process.platform === 'win32';

/**
 * When the process started, as text that stays the same for its life and differs from that of a later process with the
 * same pid. Undefined when there is no such process.
 */
export async function processStart(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? undefined : fields[19];
    } catch {
      return undefined;
    }
  }
  try {
    const { stdout } = isWindows
      ? await run('powershell', ['-NoProfile', '-Command', `(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`])
      : await run('ps', ['-o', 'lstart=', '-p', String(pid)]);
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}

/**
 * Names what our pids are numbers of. Containers number their processes by themselves: what another one's pid means is not
 * seen from here. Empty where the system does not tell.
 */
export function pidSpace(): string {
  try {
    return process.platform === 'linux' ? readlinkSync('/proc/self/ns/pid') : '';
  } catch {
    return '';
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  EMFILE: 'This server may not have more files open: raise the limit (ulimit -n) and start it again',
  ENFILE: 'The system may not have more files open: end what has many',
  EAGAIN: 'This user may not have more processes: raise the limit (ulimit -u), or end some',
  ENOMEM: 'The system has no memory left: end what takes much',
};

/** Why a process could not be started in a folder, and what to do, for the end of a sentence. */
export function startFailure({ code = '', message }: NodeJS.ErrnoException, cwd: string): string {
  // The system says the same of a program and of a folder that there is not, and Node then names the program.
  if (code === 'ENOENT' && !existsSync(cwd)) return `could not be started: its folder ${cwd} is gone`;
  const remedy = REMEDIES[code];
  return `could not be started: ${remedy === undefined ? message : `${message}. ${remedy}`}`;
}

/**
 * Ends a process at once, with everything it started. On POSIX the process leads a group of its own; where it does not
 * (any more), its tree is looked up by parent pids.
 */
export function killTree(pid: number): void {
  if (isWindows) treeKill(pid, 'SIGKILL', () => undefined);
  else if (!killGroup(pid) && isAlive(pid)) treeKill(pid, 'SIGKILL', () => undefined);
}

/** Ends what is left of a process group. False when there is no such group. POSIX only. */
export function killGroup(pid: number): boolean {
  try {
    process.kill(-pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
