/** The folder that servers are found through: 0700, ours, no symlink; one per user, the same for every program. */
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { RUNTIME_DIR_VARIABLE } from '../protocol/registry.ts';
import { messageOf, UserError } from '../protocol/userError.ts';
import { isWindows } from './processes.ts';

export function runtimeFolder(): string {
  const chosen = process.env[RUNTIME_DIR_VARIABLE];
  if (chosen) return resolve(chosen);
  if (isWindows) return join(process.env['LOCALAPPDATA'] ?? userInfo().homedir, 'graceful-reload');
  return `/tmp/graceful-reload-${ownUid()}`;
}

/** Not from `userInfo()`, which throws where nobody has given the user a name, as in many containers. POSIX only. */
function ownUid(): number {
  return process.getuid!();
}

/** Undefined when all is well or nothing is there yet, else what is wrong with the folder. */
export function runtimeFolderProblem(folder: string): string | undefined {
  let stat;
  try {
    stat = lstatSync(folder);
  } catch {
    return undefined;
  }
  if (!stat.isDirectory()) return 'is not a folder (symlinks are refused)';
  if (isWindows) return undefined;
  if (stat.uid !== ownUid()) return `belongs to another user (uid ${stat.uid})`;
  if ((stat.mode & 0o077) !== 0) return `is open to other users (mode ${(stat.mode & 0o777).toString(8)}, wanted 700)`;
  return undefined;
}

/** What to do about a problem with the folder. */
export const runtimeFolderRemedy = `Run chmod 700 on it if it is yours, or set ${RUNTIME_DIR_VARIABLE} to a folder of your own.`;

/** The folder is there, but what a server needs in it cannot be made. */
export function runtimeFolderRefuses(folder: string, error: unknown): UserError {
  return new UserError(
    'internal',
    `The runtime folder ${folder} takes no files: ${messageOf(error)}. Make room in it, or set ${RUNTIME_DIR_VARIABLE} to a folder of your own, with a short path.`,
  );
}

/** Makes the folder where it is missing; throws a UserError when it cannot be trusted. */
export function ensureRuntimeFolder(): string {
  const folder = runtimeFolder();
  const remedy = runtimeFolderRemedy;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const problem = runtimeFolderProblem(folder);
    if (problem !== undefined) throw new UserError('internal', `The runtime folder ${folder} ${problem}. ${remedy}`);
    if (!isWindows) chmodSync(folder, 0o700);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError('internal', `The runtime folder ${folder} cannot be made: ${messageOf(error)}. ${remedy}`);
  }
  return folder;
}
