/** Where spares keep what V8 has made of packages, for the next ones that load them. */
import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { isWindows } from '../platform/processes.ts';

/**
 * In the user's own cache folder, since code is run out of it. One for each quarter of a year: what is left of projects and
 * versions of Node that are gone goes with it.
 *
 * @returns undefined where there is no folder that only this user writes to; then nothing is kept
 */
export function compileCacheFolder(now: Date, env: NodeJS.ProcessEnv = process.env): string | undefined {
  try {
    const all = join(cacheHome(env), 'graceful-reload', 'compile-cache');
    const name = `${now.getFullYear()}-${Math.floor(now.getMonth() / 3) + 1}`;
    const folder = join(all, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isOwn(all) || !isOwn(folder)) return undefined;
    for (const other of readdirSync(all))
      if (other !== name) rmSync(join(all, other), { recursive: true, force: true });
    return folder;
  } catch {
    return undefined;
  }
}

function cacheHome(env: NodeJS.ProcessEnv): string {
  const chosen = isWindows ? env['LOCALAPPDATA'] : env['XDG_CACHE_HOME'];
  if (chosen !== undefined && isAbsolute(chosen)) return chosen;
  return process.platform === 'darwin' ? join(homedir(), 'Library', 'Caches') : join(homedir(), '.cache');
}

function isOwn(folder: string): boolean {
  const stat = lstatSync(folder);
  if (!stat.isDirectory()) return false;
  return isWindows || (stat.uid === process.getuid!() && (stat.mode & 0o022) === 0);
}
