/** examples/shop as the tests see it: what its rows say, what it answers, and the same server from a shell. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { Row } from './sidebar.ts';
import type { StatusItem } from './statusBar.ts';
import { waitFor } from './waitFor.ts';
import type { Window, Workbench, WorkbenchOptions } from './workbench.ts';

const cli = join(import.meta.dirname, '../../../dist/cli.js');

/** A copy of the shop on a port of its own. */
export function shopOn(port: number, more: Partial<WorkbenchOptions> = {}): WorkbenchOptions {
  return { fixture: 'examples/shop', ...more, env: { PORT: String(port), ...more.env } };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface WorkerRow {
  slot: number;
  state: string;
  generation: number;
  pid: number | undefined;
}

/** The rows below a group, as data. */
export function workersOf(rows: readonly Row[], group: string): WorkerRow[] {
  const start = rows.findIndex((row) => row.level === 2 && row.label === group);
  if (start < 0) return [];
  const after = rows.slice(start + 1);
  const end = after.findIndex((row) => row.level <= 2);
  return after.slice(0, end < 0 ? undefined : end).map(({ label, description }) => ({
    slot: Number(label),
    state: description.split(' · ')[0] ?? '',
    generation: Number(/\bg(\d+)\b/.exec(description)?.[1]),
    pid:
      /\bpid (\d+)\b/.exec(description)?.[1] === undefined ? undefined : Number(/\bpid (\d+)\b/.exec(description)?.[1]),
  }));
}

export const pidsOf = (workers: readonly WorkerRow[]): (number | undefined)[] => workers.map(({ pid }) => pid);

/** Slots of a group in which a worker serves. */
export const readySlots = (workers: readonly WorkerRow[]): number =>
  new Set(workers.filter(({ state }) => state === 'ready').map(({ slot }) => slot)).size;

/** Until each slot of the group has one worker, ready, of this generation. */
export async function settled(
  window: Window,
  generation: number,
  { group = 'web', slots = 3, timeout = 30_000 } = {},
): Promise<WorkerRow[]> {
  const isSettled = (workers: WorkerRow[]): boolean =>
    workers.length === slots &&
    workers.every((worker) => worker.state === 'ready' && worker.generation === generation && worker.pid !== undefined);
  const rows = await window.sidebar.waitForRows(
    (now) => isSettled(workersOf(now, group)),
    `${slots} workers of ${group}, all ready in generation ${generation}`,
    timeout,
  );
  return workersOf(rows, group);
}

export interface Moment {
  workers: WorkerRow[];
  status: StatusItem | undefined;
}

/** What the view and the status bar show from now on, until `stop`. */
export function watch(window: Window, group = 'web'): { stop(): Promise<Moment[]> } {
  const moments: Moment[] = [];
  let isOver = false;
  const looking = (async () => {
    while (!isOver) {
      const workers = workersOf(await window.sidebar.rows(), group);
      const status = await window.statusBar.find('gracefulReload.status');
      const last = moments.at(-1);
      const moment = { workers, status };
      if (JSON.stringify(moment) !== JSON.stringify(last)) moments.push(moment);
    }
  })();
  // A test that has failed closes the window and does not stop this.
  looking.catch(() => undefined);
  return {
    stop: async () => {
      isOver = true;
      await looking;
      return moments;
    },
  };
}

export async function get(port: number, path: string): Promise<string> {
  const response = await fetch(`http://localhost:${port}${path}`, { headers: { connection: 'close' } });
  return await response.text();
}

export async function answers(port: number, path: string, pattern: RegExp): Promise<void> {
  await waitFor(async () => pattern.test(await get(port, path)), { what: `${String(pattern)} at ${path}` });
}

/** `graceful-reload ...` in a shell beside VS Code, in the folder of the shop. */
export function shell(
  workbench: Workbench,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [cli, ...args], { cwd: workbench.folder, env: workbench.env }, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}
