/** A folder as detection reads it, made of the files in a table. */
import { dirname, join } from 'node:path/posix';
import type { Folder } from '../../../src/detect/folder.ts';

export function folderOf(files: Readonly<Record<string, string>>): Folder {
  const paths = Object.keys(files);
  return {
    isFile: (path) => files[join(path)] !== undefined,
    read: (path) => files[join(path)],
    folders: (path) => {
      const all = paths.flatMap((file) => ancestorsOf(file)).filter((folder) => folder !== '.');
      return [...new Set(all)]
        .filter((folder) => dirname(folder) === join(path))
        .map((folder) => folder.split('/').at(-1)!);
    },
  };
}

function ancestorsOf(file: string): string[] {
  const folder = dirname(file);
  return folder === '.' ? ['.'] : [folder, ...ancestorsOf(folder)];
}
