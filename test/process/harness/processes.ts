/**
 * Which processes a test has started, directly or not: all carry its mark in their environment, where the system tells it.
 * macOS and Windows: from the documentation, untested.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { poll } from './events.ts';

export const MARK_VARIABLE = 'GR_TEST_MARK';

export function isAlive(pid: number): boolean {
  return stateOf(pid) !== undefined;
}

/** The letter that the system has for it, `T` when it was stopped. Undefined for a process that has ended, whether or not anybody has asked for its exit code. */
export function stateOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return stateElsewhere(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const state = stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
    return state === 'Z' || state === 'X' ? undefined : state;
  } catch {
    return undefined;
  }
}

function stateElsewhere(pid: number): string | undefined {
  if (process.platform === 'win32') {
    try {
      process.kill(pid, 0);
      return 'R';
    } catch {
      return undefined;
    }
  }
  const state = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
    .stdout.trim()
    .charAt(0);
  return state === '' || state === 'Z' ? undefined : state;
}

/** The pids of all running processes with this mark, and what they run. */
export function marked(mark: string): Map<number, string> {
  if (process.platform === 'win32') return descendants();
  if (process.platform !== 'linux') return markedByPs(mark);
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

/** `-E` adds the environment to the command, for processes of the same user. */
function markedByPs(mark: string): Map<number, string> {
  const { stdout } = spawnSync('ps', ['-A', '-ww', '-E', '-o', 'pid=,command='], { encoding: 'utf8' });
  const rows = stdout.split('\n').filter((row) => row.includes(`${MARK_VARIABLE}=${mark}`));
  return new Map(
    rows.flatMap((row): [number, string][] => {
      const pid = Number.parseInt(row, 10);
      return pid === process.pid || !isAlive(pid) ? [] : [[pid, row.trim()]];
    }),
  );
}

/** Windows shows nobody the environment of another process. One whose parent has ended is not found. */
function descendants(): Map<number, string> {
  const script =
    'Get-CimInstance Win32_Process | ForEach-Object { "$($_.ProcessId) $($_.ParentProcessId) $($_.CommandLine)" }';
  const { stdout } = spawnSync('powershell', ['-NoProfile', '-Command', script], { encoding: 'utf8' });
  const rows = stdout.split(/\r?\n/).map((row) => /^(\d+) (\d+) (.*)$/.exec(row) ?? []);
  const found = new Map<number, string>([[process.pid, '']]);
  for (let before = 0; before !== found.size;) {
    before = found.size;
    for (const [, pid, parent, command = ''] of rows)
      if (found.has(Number(parent)) && !command.includes(script)) found.set(Number(pid), command);
  }
  found.delete(process.pid);
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

/** The other ends' ports of the TCP connections that the process holds. */
export function remotePorts(pid: number): Set<number> {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  const rows = ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'latin1').split('\n').slice(1),
  );
  return new Set(
    rows.flatMap((row) => {
      const [, , remote = '', , , , , , , inode = ''] = row.trim().split(/\s+/);
      return inodes.has(inode) ? Number.parseInt(remote.split(':')[1] ?? '', 16) : [];
    }),
  );
}

/** Memory that the process has in RAM, in MB. */
export function rssMb(pid: number): number {
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024);
}

/** How many files, sockets and pipes it has open. */
export function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
