import { dirname } from 'node:path/posix';

/** A folder and all above it. */
export function ancestorsOf(at: string): string[] {
  return dirname(at) === at ? [at] : [at, ...ancestorsOf(dirname(at))];
}
