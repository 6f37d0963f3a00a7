/** The loader that is chosen for a TypeScript file, where no flag names one. */
import { dirname, join } from 'node:path/posix';
import { ancestorsOf } from './ancestors.ts';
import { detect } from './detect.ts';
import { readJson, readManifest, type Folder } from './folder.ts';
import { preloadsOf, type Preload } from './loaders.ts';
import { compilerOption } from './tsconfig.ts';

/** How a TypeScript file of a project is loaded. */
export interface Loading {
  readonly preloads: readonly Preload[];
  readonly env: Readonly<Record<string, string>>;
  /** Its package.json decides, and its packages are meant. */
  readonly folder: string;
}

/**
 * What the project's own script uses, else what it has installed: where decorators need the types at run time, a loader
 * that emits them, else tsx. Undefined where Node itself takes the types away.
 *
 * @param folder the whole file system
 * @param entry absolute
 */
export function loadingOf(folder: Folder, entry: string): Loading | undefined {
  const manifests = ancestorsOf(dirname(entry)).filter((at) => folder.isFile(join(at, 'package.json')));
  for (const at of manifests) {
    const used = usedByScript(folder, at, entry);
    if (used) return used.preloads.length === 0 ? undefined : used;
  }
  const emitsTypes = compilerOption(folder, dirname(entry), 'emitDecoratorMetadata') === true;
  const wanted = emitsTypes ? ['@swc-node/register', 'ts-node', 'tsx'] : ['tsx'];
  for (const name of wanted) {
    const at = manifests.find((each) => readManifest(folder, each).dependencies.has(name));
    if (at !== undefined)
      return { folder: at, env: {}, preloads: [preloadOf(name, isModule(folder, entry, manifests[0]!))] };
  }
  return undefined;
}

function usedByScript(folder: Folder, at: string, entry: string): Loading | undefined {
  const detection = detect(folder, at);
  const servers = detection.kind === 'server' ? [detection.server] : detection.candidates;
  const known = servers.filter(({ loader, from }) => loader !== undefined && from.startsWith('script'));
  const server = known.find((each) => join(each.folder, each.entry) === entry) ?? known[0];
  if (!server) return undefined;
  const env = Object.entries(server.env).filter(([name]) => /^(TS_NODE|TSX|SWC)_/.test(name));
  const preloads = server.loader === 'native' ? [] : preloadsOf(server.nodeArgs);
  return { folder: at, preloads, env: Object.fromEntries(env) };
}

function preloadOf(name: string, isEsm: boolean): Preload {
  switch (name) {
    case 'ts-node':
      return isEsm
        ? { flag: '--loader', specifier: 'ts-node/esm' }
        : { flag: '--require', specifier: 'ts-node/register' };
    case '@swc-node/register':
      return isEsm
        ? { flag: '--import', specifier: '@swc-node/register/esm-register' }
        : { flag: '--require', specifier: '@swc-node/register' };
    default:
      return { flag: '--import', specifier: name };
  }
}

function isModule(folder: Folder, entry: string, at: string): boolean {
  if (/\.[mc]ts$/.test(entry)) return entry.endsWith('.mts');
  return readJson(folder, join(at, 'package.json'))?.['type'] === 'module';
}
