/**
 * Servers speak in real paths, the editor in the paths that folders were opened by. Where a workspace folder is reached
 * through a symlink the two differ, and a diagnostic on the real path would stand in a file nobody has open.
 */
import { realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { isWithin } from '../platform/within.ts';

export interface FolderPaths {
  /** As the editor shows it. */
  readonly path: string;
  readonly real: string;
}

/** A path of a snapshot (relative to the start folder, or absolute) as the editor would open it. */
export function editorPath(file: string, cwd: string, folders: readonly FolderPaths[]): string {
  const real = isAbsolute(file) ? file : resolve(cwd, file);
  const folder = folders.find((candidate) => isWithin(real, candidate.real));
  return folder ? join(folder.path, relative(folder.real, real)) : real;
}

/** A path of the editor as programs know it; of a file that is not there yet, as it is. */
export function realPath(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

/** Whether a server started in `cwd` is a matter of these folders: started within one, or above one. */
export function concernsFolders(cwd: string, folders: readonly FolderPaths[]): boolean {
  return folders.some(({ real }) => isWithin(cwd, real) || isWithin(real, cwd));
}

/** A name as a pattern that fits nothing else. */
export function globOf(name: string): string {
  return name.replace(/[[{*?]/g, '[$&]');
}

/** `src/config.ts:3` → the file and the line; a text without a line stands for line 1. */
export function splitPosition(place: string): { file: string; line: number } {
  const match = /^(.+):(\d+)$/.exec(place);
  return match ? { file: match[1]!, line: Math.max(1, Number(match[2])) } : { file: place, line: 1 };
}
