// Starts a program that must leave nothing behind: however this process ends, the program and everything it started end too.
//
// A small process of its own (this file, run as a program) holds the other end of a pipe. When the pipe closes, because
// stop() was called or because we were killed, it ends all processes of the guarded program. They are found by a variable
// in their environment, for a daemon of a daemon has no parent that would tell; where there is no /proc, by their parents.
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const markName = 'GRACEFUL_RELOAD_GUARD';
const graceMs = 5000;
const onLinux = process.platform === 'linux';

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions & {removeAfterwards?: string}} options removeAfterwards: a folder
 *   that is deleted when all is over
 * @returns {{child: import('node:child_process').ChildProcess, mark: string, stop: () => Promise<void>}}
 */
export function startGuarded(command, args, { removeAfterwards, ...options } = {}) {
  const mark = randomUUID();
  const child = spawn(command, args, { ...options, env: { ...(options.env ?? process.env), [markName]: mark } });
  const guardArgs = [fileURLToPath(import.meta.url), mark, String(child.pid ?? 0), removeAfterwards ?? ''];
  // Detached: Ctrl+C in the terminal must not reach it before it has done its work.
  const guard = spawn(process.execPath, guardArgs, { stdio: ['pipe', 'inherit', 'inherit'], detached: true });
  const gone = once(guard, 'exit');
  const stop = async () => {
    guard.stdin?.end();
    await gone;
  };
  return { child, mark, stop };
}

/** Pids of the running processes that carry the mark in their environment (Linux only). @param {string} mark */
export function marked(mark, name = markName) {
  if (!onLinux) return [];
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        // A zombie has no environment left, and nothing that could be ended.
        return pid > 0 && readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${name}=${mark}`);
      } catch {
        return false;
      }
    });
}

/** A process and everything below it, where there is no /proc. @param {number} root */
function tree(root) {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  const pids = [root];
  for (const pid of pids) pids.push(...pairs.filter(([, parent]) => parent === pid).map(([child = 0]) => child));
  return pids;
}

/** @param {number} pid @param {NodeJS.Signals | 0} name */
function signal(pid, name) {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** Ends processes politely, then by force. @param {() => number[]} find called again, for they may start others meanwhile */
export async function endAll(find) {
  const asked = new Set();
  for (const deadline = Date.now() + graceMs; ;) {
    const alive = find();
    if (alive.length === 0) return;
    const force = Date.now() > deadline;
    for (const pid of alive) if (force || !asked.has(pid)) signal(pid, force ? 'SIGKILL' : 'SIGTERM');
    for (const pid of alive) asked.add(pid);
    if (Date.now() > deadline + graceMs) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [mark = '', root = '0', folder = ''] = process.argv.slice(2);
  for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(name, () => undefined);
  process.stdin.resume();
  await once(process.stdin, 'close');
  // Elsewhere than on Linux: read once, before its root is gone.
  const family = onLinux ? [] : tree(Number(root));
  await endAll(() => (onLinux ? marked(mark) : family.filter((pid) => signal(pid, 0))));
  if (folder) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
