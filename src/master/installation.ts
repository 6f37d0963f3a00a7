/** The files that stand for the packages of a `node_modules` folder: whoever installs something writes them. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What npm, pnpm and yarn note down in the folder itself. */
const INSIDE = ['.package-lock.json', '.pnpm/lock.yaml', '.yarn-state.yml', '.yarn-integrity'];
/** And which command brings in what they name. */
const LOCK_FILES: Readonly<Record<string, string>> = {
  'package-lock.json': 'npm install',
  'npm-shrinkwrap.json': 'npm install',
  'pnpm-lock.yaml': 'pnpm install',
  'yarn.lock': 'yarn install',
  'bun.lock': 'bun install',
  'bun.lockb': 'bun install',
};
const DEPENDENCIES = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];

/** Where nothing is noted down, or nothing is installed yet, all that may come to be. */
export function installationOf(folder: string): string[] {
  const all = INSIDE.map((name) => join(folder, name));
  const inside = all.filter((file) => existsSync(file));
  return [...(inside.length > 0 ? inside : all), ...nearestLockFiles(dirname(folder))];
}

/** The folders that an installation would put a package into which this file asked for. */
export function packageFoldersFor(file: string): string[] {
  const above = foldersAbove(file);
  const roots = above.filter((folder) => existsSync(join(folder, 'package.json')));
  return (roots.length > 0 ? roots : above.slice(0, 1)).map((folder) => join(folder, 'node_modules'));
}

/** The package that `name`, `name/part` or `@scope/name` is of; undefined for what is no package. */
export function packageOf(specifier: string): string | undefined {
  return /^(?:@[^/\\:]+\/)?[^./\\:#@][^/\\:]*(?=\/|$)/.exec(specifier)?.[0];
}

/**
 * What brings in a package that was not found, where the project says that it needs it.
 *
 * @param from a file of the project
 * @returns undefined when it is installed, or nobody says so
 */
export function installCommandFor(specifier: string, from: string): string | undefined {
  const name = packageOf(specifier);
  const folders = foldersAbove(from);
  if (name === undefined || folders.some((folder) => existsSync(join(folder, 'node_modules', name)))) return undefined;
  const manifest = folders.map((folder) => join(folder, 'package.json')).find((file) => existsSync(file));
  if (manifest === undefined || !declares(manifest, name)) return undefined;
  const [lockFile = ''] = nearestLockFiles(dirname(manifest));
  return LOCK_FILES[basename(lockFile)] ?? 'npm install';
}

function declares(manifest: string, name: string): boolean {
  try {
    const content = JSON.parse(readFileSync(manifest, 'utf8')) as Record<string, unknown>;
    return DEPENDENCIES.some((kind) => Object.hasOwn(Object(content[kind]), name));
  } catch {
    // Somebody is writing it.
    return false;
  }
}

function foldersAbove(file: string): string[] {
  const above: string[] = [];
  for (let folder = dirname(file); !above.includes(folder); folder = dirname(folder)) above.push(folder);
  return above;
}

/** A package of a workspace has them in the folder of the whole. */
function nearestLockFiles(folder: string): string[] {
  const found = Object.keys(LOCK_FILES)
    .map((name) => join(folder, name))
    .filter((file) => existsSync(file));
  const above = dirname(folder);
  return found.length > 0 || above === folder ? found : nearestLockFiles(above);
}
