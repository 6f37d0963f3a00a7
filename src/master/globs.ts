/** Globs of `include` and `exclude`, relative to the start folder. */
import { matchesGlob, relative } from 'node:path';

export function isExcludedBy(globs: readonly string[], root: string): (file: string) => boolean {
  if (globs.length === 0) return () => false;
  return (file) => globs.some((glob) => matchesGlob(relative(root, file), glob) || matchesGlob(file, glob));
}
