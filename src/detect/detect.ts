/**
 * Which server a folder holds: what its package.json says is run while it is developed, as what Graceful Reload runs
 * instead. What cannot be read is never guessed: then the file has to be chosen.
 */
import { join, relative } from 'node:path/posix';
import { isJson, readManifest, resolveFile, type Folder, type Manifest } from './folder.ts';
import { interpretScript, runScript } from './interpret.ts';
import { loaderOf } from './loaders.ts';
import { NOTHING, serverPlan, type Build, type Context, type Plan, type Server } from './plan.ts';
import { commandText } from './shell.ts';
import { packagesOf } from './workspaces.ts';

export interface DetectedServer extends Server {
  /** What says so: `script "dev"`, or the file itself. */
  readonly from: string;
  /** What makes JavaScript of the sources; undefined for JavaScript. */
  readonly loader: string | undefined;
  /** Keeps building what the server runs. */
  readonly build: string | undefined;
  /** What the script would run beside it, which is left out. */
  readonly beside: readonly string[];
}

export type Detection =
  | { readonly kind: 'server'; readonly server: DetectedServer }
  | {
      readonly kind: 'own-reload';
      readonly tool: string;
      readonly from: string;
      readonly candidates: readonly DetectedServer[];
    }
  /** Nothing was found, or too much, or it cannot be read. */
  | { readonly kind: 'choose'; readonly reason: string; readonly candidates: readonly DetectedServer[] };

const EXTENSIONS = ['ts', 'mts', 'js', 'mjs', 'cjs'];
export const configFiles = EXTENSIONS.map((extension) => `graceful-reload.config.${extension}`);
const PM2_FILES = ['ecosystem.config.js', 'ecosystem.config.cjs', 'pm2.config.js', 'pm2.config.cjs'];
const SERVER_FILES = ['server', 'src/server'].flatMap((base) => EXTENSIONS.map((extension) => `${base}.${extension}`));
const USUAL_FILES = ['src/index', 'src/main', 'src/app', 'index', 'main', 'app'].flatMap((base) =>
  EXTENSIONS.map((extension) => `${base}.${extension}`),
);
/** A change to one of these, in a folder that is looked at, may change what is detected. */
export const DETECTION_FILES = [
  ...['package.json', 'pnpm-workspace.yaml', 'nodemon.json', 'nest-cli.json'],
  ...[...configFiles, ...PM2_FILES, ...SERVER_FILES],
];

/** Scripts that start a server for development, the most telling first. */
const DEV_SCRIPTS = ['dev', 'start:dev', 'develop', 'dev:start'];
const SERVER_SCRIPTS = [
  'dev:server',
  'server:dev',
  'dev:api',
  'dev:backend',
  'start:server',
  'server',
  'api',
  'backend',
];
const START_SCRIPTS = ['start:watch', 'watch', 'serve', 'start'];

/** @param at the folder that is looked at, relative to `folder` */
export function detect(folder: Folder, at = '.'): Detection {
  const config = configFiles.find((name) => folder.isFile(join(at, name)));
  const context: Context = { folder, at, env: {}, envFiles: [], trail: [] };
  if (config !== undefined) return { kind: 'server', server: plain(context, config) };
  const manifest = readManifest(folder, at);
  const isThere = (name: string): boolean =>
    manifest.scripts[name] !== undefined || (name === 'start' && folder.isFile(join(at, 'server.js')));
  const names = [...DEV_SCRIPTS, ...SERVER_SCRIPTS, ...START_SCRIPTS].filter(isThere);
  const found = names
    .map((name) => ({ name, plan: runScript(name, context) }))
    // Often it is the builder alone.
    .filter(({ name, plan }) => name !== 'watch' || plan.servers.length > 0);
  const [best] = found.filter(({ name }) => !SERVER_SCRIPTS.includes(name));
  if (best && best.plan.own.length > 0 && best.plan.servers.length === 0) {
    // A front end that reloads by itself; its API may have a script of its own.
    const api = found.find(({ name, plan }) => SERVER_SCRIPTS.includes(name) && plan.servers.length > 0);
    if (!api) return ownReload(best.name, best.plan, found, context);
    return verdictOn(scriptNamed(api.name), api.plan, manifest, context, found);
  }
  const usable = found.find(({ name }) => !SERVER_SCRIPTS.includes(name)) ?? found[0];
  if (usable) return verdictOn(scriptNamed(usable.name), usable.plan, manifest, context, found);
  return withoutScript(manifest, context);
}

/** The server that a command would run which stands in no script, as a person would type it. */
export function detectCommand(folder: Folder, command: string): Detection {
  const context: Context = { folder, at: '.', env: {}, envFiles: [], trail: [] };
  return verdictOn(`command "${command}"`, interpretScript(command, context), readManifest(folder, '.'), context, []);
}

const scriptNamed = (name: string): string => `script "${name}"`;

/** Every server of a folder and of the packages of its workspace, for a list to pick from. */
export function detectAll(folder: Folder): DetectedServer[] {
  const root = detect(folder);
  const servers = root.kind === 'server' ? [root.server] : root.candidates;
  const inPackages = packagesOf({ folder, at: '.' }).flatMap(({ at }) => {
    const detection = detect(folder, at);
    return detection.kind === 'server' ? [detection.server] : [];
  });
  return unique([...servers, ...inPackages]);
}

interface Found {
  readonly name: string;
  readonly plan: Plan;
}

function verdictOn(from: string, plan: Plan, manifest: Manifest, context: Context, found: readonly Found[]): Detection {
  const servers = unique(plan.servers.map((server) => complete(server, plan, from, context)));
  const choose = (reason: string): Detection => ({
    kind: 'choose',
    reason,
    candidates: othersOf(servers, found, context),
  });
  const [server] = servers;
  if (!server)
    return choose(
      plan.own.length > 0
        ? `the ${from} runs ${plan.own.join(' and ')}, with a reload of its own`
        : `the ${from} does not tell which file starts the server: ${plan.problems[0] ?? 'it runs none'}`,
    );
  if (servers.length > 1) return choose(`the ${from} starts several servers`);
  if (plan.problems.length > 0) return choose(`a part of the ${from} cannot be read: ${plan.problems[0]}`);
  if (plan.before.length > 0)
    return choose(
      `the ${from} first runs "${plan.before[0]}", which Graceful Reload does not know: run it yourself, and then the server`,
    );
  if (server.build === undefined && resolveFile(context.folder, server.folder, server.entry) === undefined) {
    const build = manifest.scripts['build'] === undefined ? '' : ', or is still to be built with "npm run build"';
    return choose(`the ${from} runs ${server.entry}, which is not there${build}`);
  }
  return { kind: 'server', server };
}

function ownReload(name: string, plan: Plan, found: readonly Found[], context: Context): Detection {
  const candidates = othersOf([], found, context);
  return { kind: 'own-reload', tool: plan.own[0]!, from: `script "${name}"`, candidates };
}

/** What else could be meant: servers of other scripts, else files with the usual names. */
function othersOf(servers: readonly DetectedServer[], found: readonly Found[], context: Context): DetectedServer[] {
  const others = found.flatMap(({ name, plan }) =>
    plan.servers.map((server) => complete(server, plan, `script "${name}"`, context)),
  );
  const there = [...servers, ...others].filter(
    (server) => server.build !== undefined || resolveFile(context.folder, server.folder, server.entry) !== undefined,
  );
  return unique([...there, ...(servers.length > 0 ? [] : filesNamed([...SERVER_FILES, ...USUAL_FILES], context))]);
}

function withoutScript(manifest: Manifest, context: Context): Detection {
  const [pm2] = filesNamed(PM2_FILES, context);
  if (pm2) return { kind: 'server', server: pm2 };
  const servers = filesNamed(SERVER_FILES, context);
  if (servers.length === 1) return { kind: 'server', server: servers[0]! };
  const inPackages = packagesOf(context).flatMap(({ at }) => {
    const detection = detect(context.folder, at);
    return detection.kind === 'server' ? [detection.server] : [];
  });
  if (servers.length === 0 && inPackages.length === 1) return { kind: 'server', server: inPackages[0]! };
  const main = manifest.isExtension || manifest.main === undefined ? [] : filesNamed([manifest.main], context);
  const usual = inPackages.length > 0 || manifest.isExtension ? [] : filesNamed(USUAL_FILES, context);
  const candidates = unique([...servers, ...inPackages, ...main, ...usual]);
  const reason =
    candidates.length > 0 && inPackages.length > 0 ? 'the workspace holds several servers' : whyNoScript(context);
  return { kind: 'choose', reason, candidates };
}

function whyNoScript({ folder, at }: Context): string {
  const text = folder.read(join(at, 'package.json'));
  if (text === undefined) return 'there is no package.json here';
  return isJson(text) ? 'no script of package.json starts a server' : 'the package.json here does not parse as JSON';
}

function filesNamed(names: readonly string[], context: Context): DetectedServer[] {
  return names
    .filter((name) => context.folder.isFile(join(context.at, name)))
    .map((name) => plain(context, join(name)));
}

function plain(context: Context, entry: string): DetectedServer {
  return complete(serverPlan(context, { entry }).servers[0]!, NOTHING, entry, context);
}

/** Folders that builders write to. */
const OUTPUT = /^(\.\/)?(dist|build|lib|out|output|\.?tmp|\.build|compiled|target|es|cjs)[\w-]*\//;

function complete(server: Server, plan: Plan, from: string, { folder }: Context): DetectedServer {
  const used = plan.builds.filter((build) => isUsed(build, server, folder));
  const commands = used.map((build) => {
    const way = relative(server.folder, build.folder);
    return way === '' ? build.command : `(cd ${commandText([way])} && ${build.command})`;
  });
  return {
    ...server,
    from,
    loader: loaderOf(server.entry, server.nodeArgs, server.env['NODE_OPTIONS']),
    build: commands.length > 1 ? `${commands.join(' & ')} & wait` : commands[0],
    beside: [...plan.beside, ...plan.builds.filter((build) => !used.includes(build)).map(({ command }) => command)],
  };
}

/** Whether the server runs what it writes: beside a loader, a builder makes something for others. */
function isUsed(build: Build, { folder: at, entry, args }: Server, folder: Folder): boolean {
  if (build.folder !== at) {
    const name = readManifest(folder, build.folder).name;
    return name !== undefined && readManifest(folder, at).dependencies.has(name);
  }
  return [entry, ...args].some((word) => OUTPUT.test(word)) || resolveFile(folder, at, entry) === undefined;
}

function unique(servers: readonly DetectedServer[]): DetectedServer[] {
  const key = ({ folder, entry, args }: DetectedServer): string => JSON.stringify([folder, entry, args]);
  return servers.filter((server, index) => servers.findIndex((other) => key(other) === key(server)) === index);
}
