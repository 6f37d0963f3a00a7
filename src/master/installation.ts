/** The files that stand for the packages of a `node_modules` folder: whoever installs something writes them. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What npm, pnpm and yarn note down in the folder itself. */
const INSIDE = ['.package-lock.json', '.pnpm/lock.yaml', '.yarn-state.yml', '.yarn-integrity'];
const LOCK_FILES = ['package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'yarn.lock', 'bun.lock', 'bun.lockb'];

/** Where nothing is noted down, or nothing is installed yet, all that may come to be. */
export function installationOf(folder: string): string[] {
  const all = INSIDE.map((name) => join(folder, name));
  const inside = all.filter((file) => existsSync(file));
  return [...(inside.length > 0 ? inside : all), ...nearestLockFiles(dirname(folder))];
}

/** The folders that an installation would put a package into which this file asked for. */
export function packageFoldersFor(file: string): string[] {
  const above: string[] = [];
  for (let folder = dirname(file); !above.includes(folder); folder = dirname(folder)) above.push(folder);
  const roots = above.filter((folder) => existsSync(join(folder, 'package.json')));
  return (roots.length > 0 ? roots : above.slice(0, 1)).map((folder) => join(folder, 'node_modules'));
}

/** The package that `name`, `name/part` or `@scope/name` is of; undefined for what is no package. */
export function packageOf(specifier: string): string | undefined {
  return /^(?:@[^/\\:]+\/)?[^./\\:#@][^/\\:]*(?=\/|$)/.exec(specifier)?.[0];
}

/** A package of a workspace has them in the folder of the whole. */
function nearestLockFiles(folder: string): string[] {
  const found = LOCK_FILES.map((name) => join(folder, name)).filter((file) => existsSync(file));
  const above = dirname(folder);
  return found.length > 0 || above === folder ? found : nearestLockFiles(above);
}
