/** Globs of `include` and `exclude`, each relative to the folder it is meant from. */
import { readdirSync, type Dirent } from 'node:fs';
import { isAbsolute, join, matchesGlob, relative, sep } from 'node:path';
import { withoutWarnings } from '../platform/nodeWarnings.ts';
import { isWithin } from '../platform/within.ts';

export interface Glob {
  readonly folder: string;
  readonly pattern: string;
}

export function globsOf(patterns: readonly string[], folder: string): Glob[] {
  return patterns.map((pattern) =>
    isAbsolute(pattern)
      ? { folder: sep, pattern: relative(sep, pattern) }
      : { folder, pattern: pattern.replace(/^\.\//, '').replace(/\/+$/, '') },
  );
}

/** The first of the globs that means the file. One that names a folder means all that is in it. */
export function globFor(globs: readonly Glob[], file: string): Glob | undefined {
  return globs.find(({ folder, pattern }) => {
    if (!isWithin(file, folder)) return false;
    const path = relative(folder, file);
    return isMatch(path, pattern) || isMatch(path, `${pattern}/**`);
  });
}

/** The files that the globs mean now. */
export function filesOf(globs: readonly Glob[]): string[] {
  const found = new Set<string>();
  for (const glob of globs) walk(startOf(glob), (file) => globFor([glob], file) && found.add(file));
  return [...found];
}

/** The deepest folder (or the file) that everything a glob means lies in. */
export function startOf({ folder, pattern }: Glob): string {
  const parts = pattern.split('/');
  const magic = parts.findIndex((part) => /[*?[{!(]/.test(part));
  return join(folder, ...(magic === -1 ? parts : parts.slice(0, magic)));
}

/** Folders that no glob goes down into: packages, and caches of tools. */
export function isSkipped(folderName: string): boolean {
  return folderName === 'node_modules' || folderName.startsWith('.');
}

function walk(path: string, take: (file: string) => void): void {
  let entries: Dirent[];
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch (error) {
    // A glob without magic is a file's name.
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') take(path);
    return;
  }
  for (const entry of entries) {
    if (entry.isDirectory()) {
      if (!isSkipped(entry.name)) walk(join(path, entry.name), take);
    } else take(join(path, entry.name));
  }
}

/** The first call makes Node 22.15 warn of an API that has not changed since. */
const isMatch = ((): typeof matchesGlob => {
  let match = (path: string, pattern: string): boolean => {
    match = matchesGlob;
    return withoutWarnings(() => matchesGlob(path, pattern));
  };
  return (path, pattern) => match(path, pattern);
})();
