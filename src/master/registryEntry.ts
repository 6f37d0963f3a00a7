/** This server's entry in the runtime folder: taken before anything starts, so that the same server cannot run twice. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, linkSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isWindows, pidSpace, processStart } from '../platform/processes.ts';
import { ensureRuntimeFolder, runtimeFolder, runtimeFolderRefuses } from '../platform/runtimeFolder.ts';
import { REGISTRY_VERSION, registryEntrySchema, type RegistryEntry } from '../protocol/registry.ts';
import { isUserError, messageOf, UserError } from '../protocol/userError.ts';
import type { Logger } from './logger.ts';

export interface RegistryFile {
  readonly entry: RegistryEntry;
  /** The bootstrap script has told its name. What the entry is called by in the folder stays, and where that cannot be written the old name is found there. */
  rename(name: string, log: Logger): void;
  /**
   * Writes the entry anew where it is gone.
   *
   * @returns whether it was
   * @throws UserError when it cannot be written, or another server has taken its place
   */
  restore(): Promise<boolean>;
  remove(): void;
}

/** @throws UserError `already-running` with the pid of the one that runs */
export async function register(server: { name: string; cwd: string; script: string }): Promise<RegistryFile> {
  const folder = ensureRuntimeFolder();
  const space = pidSpace();
  const id = createHash('sha1').update(`${server.script}\0${server.name}\0${space}`).digest('hex').slice(0, 16);
  const path = join(folder, `${id}.json`);
  const socket = isWindows
    ? `\\\\.\\pipe\\graceful-reload-${randomBytes(16).toString('hex')}`
    : join(folder, `${id}-${process.pid}.sock`);
  let entry: RegistryEntry = {
    version: REGISTRY_VERSION,
    pid: process.pid,
    processStart: (await processStart(process.pid)) ?? '',
    pidSpace: space,
    ...server,
    socket,
    token: randomBytes(24).toString('base64url'),
    startedAt: new Date().toISOString(),
  };
  const draft = join(folder, `${id}-${process.pid}.tmp`);
  const write = async (): Promise<void> => {
    try {
      writeFileSync(draft, JSON.stringify(entry), { mode: 0o600 });
      await take(draft, path);
    } catch (error) {
      throw isUserError(error) ? error : runtimeFolderRefuses(folder, error);
    } finally {
      removeIfPossible(draft);
    }
  };
  await write();
  const isThere = (): boolean => readEntry(path)?.token === entry.token;
  let isOver = false;
  const remove = (): void => {
    isOver = true;
    // Another server may have come to the place of an entry that was taken away.
    if (isThere()) removeIfPossible(path);
    if (!isWindows) removeIfPossible(socket);
  };
  return {
    get entry() {
      return entry;
    },
    rename: (name, log) => {
      if (name === entry.name) return;
      const before = entry.name;
      entry = { ...entry, name };
      try {
        writeFileSync(draft, JSON.stringify(entry), { mode: 0o600 });
        renameSync(draft, path);
      } catch (error) {
        removeIfPossible(draft);
        log.error(
          `the name ${name} cannot be written to ${folder}: ${messageOf(error)}. Other commands find the server as ${before}.`,
        );
      }
    },
    restore: async () => {
      if (isOver || isThere()) return false;
      ensureRuntimeFolder();
      await write();
      if (isOver) remove();
      return !isOver;
    },
    remove,
  };
}

/** What stays where nothing may be removed any more is cleaned up by whoever looks for servers. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Nobody can help it.
  }
}

/** The other server whose master has one of these pids. */
export function serverOf(pids: readonly number[]): RegistryEntry | undefined {
  const folder = runtimeFolder();
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
  const entries = names.map((name) => readEntry(join(folder, name)));
  return entries.find((entry) => entry && isOfOurs(entry) && pids.includes(entry.pid));
}

/** A link is made only where nothing is yet: of two that start at once one gets it. */
async function take(draft: string, path: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      linkSync(draft, path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 3) throw error;
    }
    const other = readEntry(path);
    if (other && (await processStart(other.pid)) === other.processStart) {
      throw new UserError(
        'already-running',
        `${other.name} is running already (pid ${other.pid}). See it with: graceful-reload status`,
      );
    }
    rmSync(path, { force: true });
  }
}

/** Whether its pid means something here. */
function isOfOurs({ pidSpace: space }: RegistryEntry): boolean {
  return space === undefined || space === pidSpace();
}

function readEntry(path: string): RegistryEntry | undefined {
  try {
    return registryEntrySchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
