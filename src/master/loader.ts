/** Node's flags for a TypeScript entry: explicit ones win, then the project's own loader, then Node's type stripping. */
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { diskFolder } from '../detect/folder.ts';
import { isTypeScript, mayLoad, type Preload } from '../detect/loaders.ts';
import { loadingOf, type Loading } from '../detect/loading.ts';
import { stripsTypes, type NodeBinary } from './nodeVersion.ts';

export interface Loader {
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export function loaderFor(
  entry: string,
  nodeArgs: readonly string[],
  env: NodeJS.ProcessEnv,
  node: NodeBinary,
): Loader {
  if (!isTypeScript(entry) || isGiven(nodeArgs, env)) return { flags: [], env: {} };
  const loading = projectsOwn(entry);
  const flags = loading?.preloads.map((preload) => flagFor(preload, loading.folder));
  // One that the project names but has not installed is told by Node.
  if (loading && flags) return { flags, env: loading.env };
  return { flags: stripsTypes(node.version) ? [] : ['--experimental-strip-types'], env: {} };
}

/** Whether anything but Node itself takes the types away. */
export function hasLoader(entry: string, nodeArgs: readonly string[], env: NodeJS.ProcessEnv): boolean {
  return isTypeScript(entry) && (isGiven(nodeArgs, env) || projectsOwn(entry) !== undefined);
}

function isGiven(nodeArgs: readonly string[], env: NodeJS.ProcessEnv): boolean {
  return mayLoad([...nodeArgs, ...nodeOptionsOf(env)]);
}

function projectsOwn(entry: string): Loading | undefined {
  return loadingOf(diskFolder(''), entry.split(sep).join('/'));
}

export function nodeOptionsOf(env: NodeJS.ProcessEnv): string[] {
  return (env['NODE_OPTIONS'] ?? '').split(/\s+/);
}

/** The package as the project has it, since Node looks from the folder where the program runs. */
function flagFor({ flag, specifier }: Preload, folder: string): string {
  const isUrl = flag !== '--require' && flag !== '-r';
  const name = flag === '-r' ? '--require' : flag;
  const path = pathOf(specifier, folder);
  return `${name}=${path === undefined ? specifier : isUrl ? pathToFileURL(path).href : path}`;
}

function pathOf(specifier: string, folder: string): string | undefined {
  try {
    return createRequire(join(folder, 'package.json')).resolve(specifier);
  } catch {
    // Only for `import`, or not installed: Node finds it, or says so.
    return undefined;
  }
}
