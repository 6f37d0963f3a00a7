/**
 * Ends the workers when the master dies without a word, even those that are stuck in a busy loop and cannot notice it
 * themselves: a `/bin/sh` that waits on a pipe of the master's and then kills their process groups. Windows needs none:
 * libuv puts children into a job object that is closed with the master.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { isWindows } from './processes.ts';

const SCRIPT = `
trap '' HUP INT TERM
list=""
while read -r what pid; do
  case $what in
    +) list="$list $pid" ;;
    -) rest=""; for each in $list; do [ "$each" = "$pid" ] || rest="$rest $each"; done; list=$rest ;;
  esac
done
for each in $list; do kill -9 -"$each" 2>/dev/null || kill -9 "$each" 2>/dev/null; done
`;

export class Reaper {
  private child: ChildProcess | undefined;
  private readonly watched = new Set<number>();

  watch(pid: number): void {
    if (isWindows) return;
    const isNew = this.child === undefined;
    this.child ??= this.start();
    this.watched.add(pid);
    for (const each of isNew ? this.watched : [pid]) this.child?.stdin?.write(`+ ${each}\n`);
  }

  forget(pid: number): void {
    this.watched.delete(pid);
    this.child?.stdin?.write(`- ${pid}\n`);
  }

  dispose(): void {
    this.child?.stdin?.end();
    this.child = undefined;
  }

  /** Undefined where there is no process to be had: the next one that is watched tries again, and when the shell was killed. */
  private start(): ChildProcess | undefined {
    const child = startShell();
    child.once('exit', () => {
      if (this.child === child) this.child = undefined;
    });
    return child.pid === undefined ? undefined : child;
  }
}

function startShell(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'graceful-reload-reaper'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.unref();
  (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  child.stdin?.on('error', () => undefined);
  child.on('error', () => undefined);
  return child;
}
