/** Which files belong to the project, as against packages and ourselves. */
import { dirname, sep } from 'node:path';

const NODE_MODULES = `${sep}node_modules${sep}`;
/** Packages that the project's own tools write: what is in them is as good as the project's code. */
const GENERATED = /[\\/]node_modules[\\/](?:\.prisma|\.zenstack|@prisma[\\/]client)[\\/]/;
/** A read file that is larger is data, not settings. */
export const MAX_READ_BYTES = 1024 * 1024;

const ownFolder = dirname(__filename) + sep;

export function isOurs(file: string): boolean {
  return file.startsWith(ownFolder);
}

/** A file of a package that is installed, and so is only changed by an installation. */
export function isPackaged(file: string): boolean {
  return file.includes(NODE_MODULES) && !GENERATED.test(file);
}

/** The outermost `node_modules` folder that the file is in. */
export function packagesFolder(file: string): string {
  return file.slice(0, file.indexOf(NODE_MODULES) + NODE_MODULES.length - 1);
}

/** Whether reading the file makes it one of the program's: in the folder of the server, not in packages or caches. */
export function isReadable(file: string, root: string): boolean {
  if (!file.startsWith(root + sep)) return false;
  const folders = file
    .slice(root.length + 1)
    .split(sep)
    .slice(0, -1);
  if (folders.includes('node_modules')) return GENERATED.test(file);
  return !folders.some((folder) => folder.startsWith('.'));
}

/** The same for a thread that has none of our code. */
export const ownFilesData = { ownFolder, nodeModules: NODE_MODULES, generated: GENERATED.source };
