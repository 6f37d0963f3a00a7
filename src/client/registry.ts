/** Finds running servers through the runtime folder, and cleans up entries whose process is gone. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { realpathSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { registryEntrySchema, type RegistryEntry } from '../protocol/registry.ts';
import { UserError } from '../protocol/userError.ts';
import { pidSpace, processStart } from '../platform/processes.ts';
import { runtimeFolder, runtimeFolderProblem, runtimeFolderRemedy } from '../platform/runtimeFolder.ts';
import { isWithin } from '../platform/within.ts';

/** Every server of this user that is alive, the oldest first. */
export async function listServers(): Promise<RegistryEntry[]> {
  const folder = runtimeFolder();
  const problem = runtimeFolderProblem(folder);
  if (problem !== undefined)
    throw new UserError(
      'internal',
      `The runtime folder ${folder} ${problem}. Nothing in it is used. ${runtimeFolderRemedy}`,
    );
  let names: string[];
  try {
    names = await readdir(folder);
  } catch {
    return [];
  }
  const entries = await Promise.all(
    names.filter((name) => name.endsWith('.json')).map((name) => readEntry(join(folder, name))),
  );
  return entries.filter((entry) => entry !== undefined).sort((a, b) => a.startedAt.localeCompare(b.startedAt));
}

async function readEntry(path: string): Promise<RegistryEntry | undefined> {
  try {
    const entry = registryEntrySchema.parse(JSON.parse(await readFile(path, 'utf8')));
    if (entry.pidSpace !== undefined && entry.pidSpace !== pidSpace()) {
      // The server of another container, which has its own commands. Nobody but the system can tell whether it runs.
      if (await isListenedOn(entry.socket)) return undefined;
    } else if ((await processStart(entry.pid)) === entry.processStart) return entry;
    await rm(path, { force: true });
    if (!entry.socket.startsWith('\\\\.\\pipe\\')) await rm(entry.socket, { force: true });
  } catch {
    // Half written or removed meanwhile: the next look finds it.
  }
  return undefined;
}

function isListenedOn(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path, () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', ({ code }: NodeJS.ErrnoException) => done(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}

export interface Wanted {
  readonly cwd: string;
  /** A server's name or pid. */
  readonly server?: string | undefined;
}

/**
 * The server that a command is meant for: the one whose start folder is `cwd` or the nearest parent of it, else the only
 * one started below it.
 *
 * @throws UserError `no-server`, `ambiguous`
 */
export function pickServer(entries: readonly RegistryEntry[], wanted: Wanted): RegistryEntry {
  const cwd = realPath(wanted.cwd);
  const named = entries.filter(
    (entry) => wanted.server === undefined || entry.name === wanted.server || String(entry.pid) === wanted.server,
  );
  if (wanted.server !== undefined && named.length === 1) return named[0]!;
  const above = named.filter((entry) => isWithin(cwd, entry.cwd));
  const nearest = above.filter((entry) => entry.cwd.length === Math.max(...above.map((other) => other.cwd.length)));
  const below = named.filter((entry) => isWithin(entry.cwd, cwd));
  // Several servers of that name, and none of them here: whoever named them gets them listed.
  const candidates = [nearest, below, wanted.server === undefined ? [] : named].find((some) => some.length > 0) ?? [];
  const [only] = candidates;
  if (only && candidates.length === 1) return only;
  if (only) {
    const list = candidates.map((entry) => `${entry.name} (pid ${entry.pid}, ${entry.script})`).join(', ');
    throw new UserError('ambiguous', `Several servers run here: ${list}. Pick one with --server NAME|PID.`);
  }
  if (wanted.server !== undefined) {
    const others = entries.map((entry) => entry.name).join(', ');
    throw new UserError('no-server', `No server "${wanted.server}" is running${others ? `; running: ${others}` : ''}.`);
  }
  throw new UserError('no-server', `No server is running for ${cwd}. Start one with: graceful-reload start <file>`);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
