/** The files that stand for the packages of a `node_modules` folder: whoever installs something writes them. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What npm, pnpm and yarn note down in the folder itself. */
const INSIDE = ['.package-lock.json', '.pnpm/lock.yaml', '.yarn-state.yml', '.yarn-integrity'];
const LOCK_FILES = ['package-lock.json', 'npm-shrinkwrap.json', 'pnpm-lock.yaml', 'yarn.lock', 'bun.lock', 'bun.lockb'];

export function installationOf(folder: string): string[] {
  const inside = INSIDE.map((name) => join(folder, name)).filter((file) => existsSync(file));
  return [...inside, ...nearestLockFiles(dirname(folder))];
}

/** A package of a workspace has them in the folder of the whole. */
function nearestLockFiles(folder: string): string[] {
  const found = LOCK_FILES.map((name) => join(folder, name)).filter((file) => existsSync(file));
  const above = dirname(folder);
  return found.length > 0 || above === folder ? found : nearestLockFiles(above);
}
