/** Which paths lie in a folder: `..data` does, although its name begins like the way out. */
import { relative, resolve, sep } from 'node:path';

/** Whether `path` is `folder` or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (!way.startsWith(`..${sep}`) && way !== '..' && resolve(folder, way) === path);
}
