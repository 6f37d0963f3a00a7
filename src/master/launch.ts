/** How a process of a group is started: Node's flags, the loader for TypeScript, environment and configuration of the preload. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseEnv } from 'node:util';
import { CONFIG_VARIABLE, type PreloadConfig } from '../protocol/worker.ts';
import { acceptsInMaster } from '../platform/accepting.ts';
import { withBinFolders } from '../platform/searchPath.ts';
import { isTypeScript, mayLoad, onlyLoads, preloadsOf } from '../detect/loaders.ts';
import { ABSENT, digestOf } from '../protocol/digest.ts';
import { messageOf, UserError, wholeFile } from '../protocol/userError.ts';
import { hasLoader, loaderFor, nodeOptionsOf } from './loader.ts';
import { mixesLoadersBadly, type NodeBinary } from './nodeVersion.ts';
import type { EnvFile } from '../protocol/startOptions.ts';

const ENV_TEMPLATES = ['example', 'sample', 'template', 'dist', 'defaults'];

export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** What may be done once the process has booted, for the program not to wait for it. */
  readonly warmUp: WarmUp;
}

export interface WarmUp {
  /** Node itself takes the types away. */
  readonly stripsTypes: boolean;
  /** No code of others runs before the program, which would see a request that nobody made. */
  readonly asksItself: boolean;
}

export interface LaunchRequest {
  readonly node: NodeBinary;
  readonly entry: string;
  readonly args: readonly string[];
  readonly nodeArgs: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly role: PreloadConfig['role'];
  readonly readyMessage?: boolean;
  /** Debuggers are told where to connect by the master: Node keeps to itself where the inspector really listens. */
  readonly inspects?: boolean;
  /** Files below it count when the program reads them. */
  readonly root?: string;
  /** For the role `check`: the files to compile. */
  readonly check?: readonly string[];
}

/** What runs where, with which flags of Node. */
export type Program = Pick<LaunchRequest, 'entry' | 'nodeArgs' | 'cwd'>;

export function launchOf(request: LaunchRequest): Launch {
  const { node, entry, env } = request;
  const worker = join(__dirname, 'worker.js');
  const preload = [...(request.inspects ? ['--inspect-publish-uid=http'] : []), '--require', worker];
  const loader = loaderFor(entry, request.nodeArgs, env, node);
  const flags = [...loader.flags, ...request.nodeArgs];
  const given = [...flags, ...nodeOptionsOf(env)];
  const usesAsyncLoader = preloadsOf(given).length > 0;
  const config: PreloadConfig = {
    role: request.role,
    asyncLoader: usesAsyncLoader && mixesLoadersBadly(node.version),
    root: request.root ?? null,
    readyMessage: request.readyMessage ?? false,
    ...(request.check ? { check: request.check } : {}),
    acceptsInMaster,
    ownExecArgv: preload.length,
    indexFile: join(__dirname, 'index.js'),
  };
  return {
    file: node.path,
    // The check needs the loader of the entry, but must not run it: the preload itself stands in as an entry that does nothing.
    args:
      request.role === 'check'
        ? [...preload, ...flags, '--experimental-vm-modules', '--no-warnings', worker]
        : [...preload, ...flags, entry, ...request.args],
    cwd: request.cwd,
    env: { ...loader.env, ...withBinFolders(env, request.cwd), [CONFIG_VARIABLE]: JSON.stringify(config) },
    warmUp: { stripsTypes: isTypeScript(entry) && !mayLoad(given), asksItself: onlyLoads(given) },
  };
}

export function nearestManifest(folder: string): string | undefined {
  return nearestFile('package.json', folder);
}

/** In the folder, or the next one above that has it. */
function nearestFile(name: string, folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, name);
    if (existsSync(file)) return file;
    if (dirname(at) === at) return undefined;
  }
}

/** Files that decide how the entry is run, without it loading them. */
export function configFilesOf({ entry, nodeArgs, cwd, env }: Program & Pick<LaunchRequest, 'env'>): string[] {
  // Node's own type stripping does not look at tsconfig.json.
  const options = hasLoader(entry, nodeArgs, env) ? nearestFile('tsconfig.json', dirname(entry)) : undefined;
  // Some Nodes load these where nothing of ours sees it.
  const hooks = preloadsOf([...nodeArgs, ...nodeOptionsOf(env)])
    .filter(({ flag, specifier }) => flag.endsWith('loader') && /^(?:\.{0,2}\/|file:)/.test(specifier))
    .map(({ specifier }) => fileURLToPath(new URL(specifier, pathToFileURL(join(cwd, 'here')))));
  const files = [nearestManifest(dirname(entry)), options];
  return [...files.filter((file) => file !== undefined), ...hooks];
}

/** The environment of a process, with the files it partly comes from. */
export interface Environment {
  readonly env: NodeJS.ProcessEnv;
  /** Of it: what only the files gave. */
  readonly fromFiles: NodeJS.ProcessEnv;
  /** Digests of the files, as they were read. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * What is inherited wins over env files, a later file over an earlier one, as with Node's own `--env-file`; what the
 * group's `env` says wins over all.
 *
 * @throws UserError `usage` when a file that is not optional is missing
 */
export function readEnvironment(
  envFiles: readonly EnvFile[],
  inherited: NodeJS.ProcessEnv,
  own: NodeJS.ProcessEnv = {},
): Environment {
  const given: NodeJS.ProcessEnv = {};
  const files = new Map<string, string>();
  for (const file of envFiles) {
    const text = readEnvFile(file);
    files.set(file.path, text === undefined ? ABSENT : digestOf(text));
    Object.assign(given, parseEnv(text ?? ''));
  }
  const fromFiles = Object.fromEntries(Object.entries(given).filter(([name]) => inherited[name] === undefined));
  return { env: { ...fromFiles, ...inherited, ...own }, fromFiles, files };
}

function readEnvFile(file: EnvFile): string | undefined {
  try {
    return readFileSync(file.path, 'utf8');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (isMissing && file.optional) return undefined;
    const why = isMissing
      ? `is not there. ${creating(file.path)}, or say --env-file-if-exists`
      : `cannot be read: ${messageOf(error)}`;
    throw new UserError('usage', `The env file ${file.path} ${why}.`, wholeFile(file.path));
  }
}

/** Projects keep a template of the env file that git ignores: a fresh clone has only that. */
function creating(path: string): string {
  const name = basename(path);
  const siblings = ENV_TEMPLATES.flatMap((kind) => [`${name}.${kind}`, `.env.${kind}`]);
  const template = siblings.find((sibling) => sibling !== name && existsSync(join(dirname(path), sibling)));
  return template === undefined ? 'Create it' : `Create it from ${template}, which lies beside it`;
}
