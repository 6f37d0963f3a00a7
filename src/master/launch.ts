/** How a process of a group is started: Node's flags, the loader for TypeScript, environment and configuration of the preload. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseEnv } from 'node:util';
import { CONFIG_VARIABLE, type PreloadConfig } from '../protocol/worker.ts';
import { acceptsInMaster } from '../platform/accepting.ts';
import { withBinFolders } from '../platform/searchPath.ts';
import { messageOf, UserError } from '../protocol/userError.ts';
import type { GroupDefinition } from './definitions.ts';
import { mixesLoadersBadly, stripsTypes, type NodeBinary } from './nodeVersion.ts';
import type { EnvFile } from '../protocol/startOptions.ts';

export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

const TYPESCRIPT = new Set(['.ts', '.mts', '.cts', '.tsx']);

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
  /** For the role `check`: the files to compile. */
  readonly check?: readonly string[];
}

export function launchOf(request: LaunchRequest): Launch {
  const { node, entry, env } = request;
  const worker = join(__dirname, 'worker.js');
  const preload = [...(request.inspects ? ['--inspect-publish-uid=http'] : []), '--require', worker];
  const flags = [...loaderFlags(entry, request.nodeArgs, env, node), ...request.nodeArgs];
  const usesAsyncLoader = mentionsLoader(flags) || mentionsLoader((env['NODE_OPTIONS'] ?? '').split(/\s+/));
  const config: PreloadConfig = {
    role: request.role,
    asyncLoader: usesAsyncLoader && mixesLoadersBadly(node.version),
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
    env: { ...withBinFolders(env, request.cwd), [CONFIG_VARIABLE]: JSON.stringify(config) },
  };
}

/** Explicit flags win, then tsx where the project has it, then Node's own type stripping. */
function loaderFlags(entry: string, nodeArgs: readonly string[], env: NodeJS.ProcessEnv, node: NodeBinary): string[] {
  if (!TYPESCRIPT.has(extname(entry))) return [];
  if (mentionsLoader(nodeArgs) || mentionsLoader((env['NODE_OPTIONS'] ?? '').split(/\s+/))) return [];
  const tsx = findTsx(entry);
  if (tsx !== undefined) return ['--import', pathToFileURL(tsx).href];
  return stripsTypes(node.version) ? [] : ['--experimental-strip-types'];
}

/** A loader, or something that may register one. */
function mentionsLoader(flags: readonly string[]): boolean {
  return flags.some((flag) => /^(--import|--require|-r|--loader|--experimental-loader)(=|$)/.test(flag));
}

function findTsx(entry: string): string | undefined {
  const manifest = nearestManifest(dirname(entry));
  if (manifest === undefined) return undefined;
  try {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(manifest, 'utf8')) as Record<
      string,
      Record<string, string> | undefined
    >;
    if (!dependencies?.['tsx'] && !devDependencies?.['tsx']) return undefined;
    return createRequire(manifest).resolve('tsx');
  } catch {
    return undefined;
  }
}

export function nearestManifest(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const manifest = join(at, 'package.json');
    if (existsSync(manifest)) return manifest;
    if (dirname(at) === at) return undefined;
  }
}

/**
 * The environment of a worker: what the group inherits wins over env files, a later file over an earlier one, as with
 * Node's own `--env-file`; what the group's `env` says wins over all.
 *
 * @throws UserError `usage` when a file that is not optional is missing
 */
export function environmentOf(group: GroupDefinition): NodeJS.ProcessEnv {
  const fromFiles: NodeJS.ProcessEnv = {};
  for (const file of group.envFiles) Object.assign(fromFiles, readEnvFile(file));
  return { ...fromFiles, ...group.inherited, ...group.options.env };
}

function readEnvFile(file: EnvFile): NodeJS.ProcessEnv {
  let text: string;
  try {
    text = readFileSync(file.path, 'utf8');
  } catch (error) {
    if (file.optional && (error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new UserError('usage', `The env file ${file.path} cannot be read: ${messageOf(error)}`);
  }
  return parseEnv(text);
}
