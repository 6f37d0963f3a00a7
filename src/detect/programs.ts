/** Programs that run a Node program: what each would hand to Node, read from its command line. */
import { basename, join } from 'node:path/posix';
import { buildCommand } from './builders.ts';
import { allFlags, leadingFlags, nodeFlagTakesValue, takeFlags, type Flag, type Flagged } from './flags.ts';
import { isRecord, listOf, readJson, readManifest, resolveFile, textOf } from './folder.ts';
import { interpret } from './interpret.ts';
import { isTypeScript } from './loaders.ts';
import { nest } from './nest.ts';
import { buildPlan, NOTHING, merge, serverPlan, type Context, type EnvFile, type Plan, type Server } from './plan.ts';

export type Program = (words: readonly string[], context: Context) => Plan;

export function problem(text: string): Plan {
  return { ...NOTHING, problems: [text] };
}

/** The server that a program's file makes; the file has to be there, or a builder has yet to write it. */
function run(context: Context, file: string | undefined, rest: Partial<Server>): Plan {
  if (file === undefined) return problem('it names no file');
  const found = resolveFile(context.folder, context.at, file);
  const entry = found === undefined ? withExtension(file) : relativeTo(context.at, found);
  return serverPlan(context, { entry, ...rest });
}

/** A file that is not there yet, as Node would look for it first. */
function withExtension(file: string): string {
  return join(/\.\w+$/.test(basename(file)) ? file : `${file}.js`);
}

function relativeTo(at: string, path: string): string {
  return at === '.' ? path : path.slice(at.length + 1);
}

/** Own work, or of no use to a worker. */
const OWN_NODE_FLAGS = /^--(watch|watch-path|watch-preserve-output|watch-kill-signal|test-\w+)$/;

interface NodeFlags {
  readonly nodeArgs: readonly string[];
  readonly envFiles: readonly EnvFile[];
}

function nodeFlags(flags: readonly Flag[]): NodeFlags {
  const envFiles: EnvFile[] = [];
  const nodeArgs: string[] = [];
  for (const { name, value, words } of flags) {
    if (name === '--env-file' || name === '--env-file-if-exists') {
      if (value !== undefined) envFiles.push({ path: value, optional: name !== '--env-file' });
    } else if (!OWN_NODE_FLAGS.test(name)) {
      nodeArgs.push(...words);
    }
  }
  return { nodeArgs, envFiles };
}

function node(words: readonly string[], context: Context): Plan {
  const { flags, rest } = leadingFlags(words.slice(1), (flag) => nodeFlagTakesValue(flag) || flag === '--watch-path');
  const script = flags.find(({ name }) => name === '--run');
  if (script) return interpret(['npm', 'run', script.value ?? rest[0] ?? ''], context);
  if (flags.some(({ name }) => /^(-e|-p|-c|--eval|--print|--check|--test|--build-sea)$/.test(name)))
    return problem('it runs no file');
  const [file, ...args] = rest;
  const inner = /(?:^|\/)node_modules\/(?:\.bin\/([\w.-]+)|(nodemon|tsx|ts-node|ts-node-dev|typescript|pm2)\/.*)$/.exec(
    file ?? '',
  );
  if (inner) return interpret([inner[1] ?? inner[2]!, ...args], context);
  if (file === 'ace' || file === 'ace.js') return { ...NOTHING, own: ['node ace serve'] };
  const isFolder = file === '.' || file === './';
  const main = isFolder ? (readManifest(context.folder, context.at).main ?? 'index.js') : file;
  return run(context, main, { args, ...nodeFlags(flags) });
}

function tsx(words: readonly string[], context: Context): Plan {
  const isWatch = words[1] === 'watch';
  const values = new Set(['--tsconfig', '--include', '--exclude', '--ignore']);
  const takesValue = (flag: string): boolean => values.has(flag) || nodeFlagTakesValue(flag);
  const { flags, rest } = leadingFlags(words.slice(isWatch ? 2 : 1), takesValue);
  const env: Record<string, string> = {};
  const exclude: string[] = [];
  const others = flags.filter(({ name, value = '' }) => {
    if (name === '--tsconfig') env['TSX_TSCONFIG_PATH'] = value;
    else if (name === '--no-cache') env['TSX_DISABLE_CACHE'] = '1';
    else if (name === '--exclude' || name === '--ignore') exclude.push(globOf(value));
    else return !/^--(include|clear-screen|no-clear-screen|watch)$/.test(name);
    return false;
  });
  const [file, ...args] = rest;
  const { nodeArgs, envFiles } = nodeFlags(others);
  return run(context, file, { args, env, exclude, envFiles, nodeArgs: ['--import', 'tsx', ...nodeArgs] });
}

/** By flag: the variable of ts-node that means the same. */
const TS_NODE_VARIABLES: Readonly<Record<string, string>> = {
  '-P': 'TS_NODE_PROJECT',
  '--project': 'TS_NODE_PROJECT',
  '-O': 'TS_NODE_COMPILER_OPTIONS',
  '--compiler-options': 'TS_NODE_COMPILER_OPTIONS',
  '--compilerOptions': 'TS_NODE_COMPILER_OPTIONS',
  '-C': 'TS_NODE_COMPILER',
  '--compiler': 'TS_NODE_COMPILER',
  '-I': 'TS_NODE_IGNORE',
  '--ignore': 'TS_NODE_IGNORE',
  '-D': 'TS_NODE_IGNORE_DIAGNOSTICS',
  '--ignore-diagnostics': 'TS_NODE_IGNORE_DIAGNOSTICS',
  '-T': 'TS_NODE_TRANSPILE_ONLY',
  '--transpile-only': 'TS_NODE_TRANSPILE_ONLY',
  '--transpileOnly': 'TS_NODE_TRANSPILE_ONLY',
  // There is no variable for SWC: the compiler gives the same result, unchecked too.
  '--swc': 'TS_NODE_TRANSPILE_ONLY',
  '--files': 'TS_NODE_FILES',
  '--prefer-ts-exts': 'TS_NODE_PREFER_TS_EXTS',
  '--log-error': 'TS_NODE_LOG_ERROR',
  '--type-check': 'TS_NODE_TYPE_CHECK',
};
const TS_NODE_VALUES = new Set([
  ...['-P', '--project', '-O', '--compiler-options', '--compilerOptions', '-C', '--compiler', '-I', '--ignore', '-D'],
  ...['--ignore-diagnostics', '--cwd', '--dir', '--scope-dir', '-r', '--require'],
  ...['--watch', '--ignore-watch', '--cache-directory', '--debounce', '--interval'],
]);

/** `ts-node`, its ESM form, and `ts-node-dev`, which adds flags for its own watching. */
const tsNode =
  (isEsmByName: boolean): Program =>
  (words, context) => {
    const { flags, rest } = leadingFlags(words.slice(1), (flag) => TS_NODE_VALUES.has(flag));
    const env: Record<string, string> = {};
    const nodeArgs: string[] = [];
    const exclude: string[] = [];
    for (const { name, value, words: written } of flags) {
      const variable = TS_NODE_VARIABLES[name];
      if (variable !== undefined) env[variable] = value ?? 'true';
      else if (name === '-r' || name === '--require') nodeArgs.push('-r', value ?? '');
      else if (name === '--ignore-watch' && value !== 'node_modules') exclude.push(globOf(value ?? ''));
      else if (name.startsWith('--inspect')) nodeArgs.push(...written);
    }
    const isEsm = isEsmByName || flags.some(({ name }) => name === '--esm');
    const loader = isEsm ? ['--loader', 'ts-node/esm'] : ['-r', 'ts-node/register'];
    const [file, ...args] = rest;
    return run(context, file, { args, env, exclude, nodeArgs: [...loader, ...nodeArgs] });
  };

const NODEMON_VALUES = new Set([
  ...['-x', '--exec', '-w', '--watch', '-e', '--ext', '-i', '--ignore', '-s', '--signal', '-d', '--delay'],
  ...['--config', '--cwd', '-I-', '--on-change-only', '--spawn-delay', '-r', '--require', '--import'],
]);

function nodemon(words: readonly string[], context: Context): Plan {
  const { flags, rest } = nodemonWords(words.slice(1));
  const valueOf = (...names: string[]): string | undefined => flags.find(({ name }) => names.includes(name))?.value;
  const cwd = valueOf('--cwd');
  const at = cwd === undefined ? context : { ...context, at: join(context.at, cwd) };
  const manifest = readManifest(at.folder, at.at);
  const config =
    readJson(at.folder, join(at.at, valueOf('--config') ?? 'nodemon.json')) ?? manifest.nodemonConfig ?? {};
  const ignored = [
    ...flags.filter(({ name }) => name === '-i' || name === '--ignore').map(({ value = '' }) => value),
    ...listOf(config['ignore']),
  ];
  const exclude = ignored.filter((glob) => !/node_modules|\.git\b|\.(test|spec)\b/.test(glob)).map(globOf);
  const env = isRecord(config['env'])
    ? Object.fromEntries(Object.entries(config['env']).map(([name, value]) => [name, String(value)]))
    : {};
  const inner: Context = { ...at, env: { ...at.env, ...env } };
  const [named, ...args] = rest;
  const exec = valueOf('-x', '--exec') ?? textOf(config['exec']);
  const plan = ((): Plan => {
    if (exec !== undefined) return interpretExec(exec, named === undefined ? [] : rest, inner);
    const script = named ?? textOf(config['script']) ?? manifest.main;
    if (script === undefined && manifest.scripts['start'] !== undefined) return interpret(['npm', 'start'], inner);
    const file = script ?? 'index.js';
    const mapped = isRecord(config['execMap']) ? textOf(config['execMap'][file.split('.').at(-1) ?? '']) : undefined;
    const own = flags.flatMap((flag) => (isNodemonFlag(flag) ? [] : flag.words));
    if (mapped !== undefined) return interpretExec(mapped, [file, ...args], inner);
    return interpret([isTypeScript(file) ? 'ts-node' : 'node', ...own, file, ...args], inner);
  })();
  return { ...plan, servers: plan.servers.map((server) => ({ ...server, exclude: [...server.exclude, ...exclude] })) };
}

/** It takes its own flags out of what stands behind the file too, up to a `--`, which the program does not see. */
function nodemonWords(words: readonly string[]): Flagged {
  const end = words.includes('--') ? words.indexOf('--') : words.length;
  const after = words.slice(end + 1);
  const leading = leadingFlags(words.slice(0, end), (flag) => NODEMON_VALUES.has(flag) || nodeFlagTakesValue(flag));
  const [file, ...args] = leading.rest;
  if (file === undefined) return { flags: leading.flags, rest: after };
  const { flags, rest } = takeFlags(args, isNodemonFlag, (flag) => NODEMON_VALUES.has(flag));
  return { flags: [...leading.flags, ...flags], rest: [file, ...rest, ...after] };
}

function isNodemonFlag({ name }: Flag): boolean {
  const booleans =
    /^(-q|-Q|-V|-L|-C|-v|-h|-t|-I|--quiet|--verbose|--legacy-watch|--no-\w+|--dump|--\w*stdin|--exitcrash)$/;
  return booleans.test(name) || (NODEMON_VALUES.has(name) && !/^(-r|--require|--import)$/.test(name));
}

/** The command that nodemon runs: a shell line, to which the file is appended. */
function interpretExec(exec: string, file: readonly string[], context: Context): Plan {
  return interpret(['sh', '-c', exec, ...file], context);
}

/** The command line of Fastify is the entry: it reads the plugin's file and listens. */
function fastify(words: readonly string[], context: Context): Plan {
  if (words[1] !== 'start') return problem(`fastify ${words[1] ?? ''} starts no server`);
  const cli = 'node_modules/fastify-cli/cli.js';
  const args = words
    .slice(1)
    .filter(
      (word, index, all) =>
        !/^(-w|--watch|--verbose-watch|--ignore-watch(=.*)?|-V)$/.test(word) && all[index - 1] !== '--ignore-watch',
    );
  const up = context.at === '.' ? [] : context.at.split('/').map((_, index, all) => '../'.repeat(all.length - index));
  const entry = ['', ...up].map((way) => `${way}${cli}`).find((path) => context.folder.isFile(join(context.at, path)));
  return serverPlan(context, { entry: entry ?? cli, args });
}

function pm2(words: readonly string[], context: Context): Plan {
  const name = words[0];
  const rest = words.slice(name === 'pm2' || words[1] === 'start' ? 2 : 1);
  if (name === 'pm2' && words[1] !== 'start' && words[1] !== 'startOrReload' && words[1] !== 'startOrRestart')
    return problem(`pm2 ${words[1] ?? ''} starts no server`);
  const values =
    /^(-i|--instances|-n|--name|--env|--only|-o|-e|-l|--log|--output|--error|--cwd|--node-args|--max-memory-restart|--ignore)$/;
  const { flags, rest: files } = leadingFlagsAnywhere(rest, values);
  const [file, ...args] = files;
  const flags9 = flags.find(({ name: flag }) => flag === '--node-args')?.value;
  return run(context, file, { args, nodeArgs: flags9 === undefined ? [] : flags9.split(/\s+/) });
}

function leadingFlagsAnywhere(words: readonly string[], values: RegExp): ReturnType<typeof allFlags> {
  return allFlags(words, (flag) => values.test(flag));
}

/** `tsc-watch --onSuccess "node dist/server.js"`, and `tsup` and `tsdown` with the same option. */
function builderWithCommand(words: readonly string[], context: Context): Plan {
  const [program = '', ...rest] = words;
  const builder = program === 'tsc-watch' ? 'tsc' : program;
  const { flags } = allFlags(rest, (flag) =>
    /^--(onSuccess|on-success|onFailure|onFirstSuccess|onCompilationComplete)$/i.test(flag),
  );
  const command = flags.find(({ name }) => /^--on-?success$/i.test(name));
  const own = (word: string): boolean =>
    /^--(on\w+|noClear|no-clear|silent|signalEmittedFiles|on-success)$/i.test(word);
  const drop = new Set(flags.filter(({ name }) => own(name)).flatMap(({ words: written }) => written));
  const build = buildCommand([builder, ...rest.filter((word) => !drop.has(word))])!;
  if (command?.value === undefined) return buildPlan(context, build);
  return merge(buildPlan(context, build), interpret(['sh', '-c', command.value], context));
}

function swcNode(words: readonly string[], context: Context): Plan {
  const { flags, rest } = leadingFlags(words.slice(1), nodeFlagTakesValue);
  const [file, ...args] = rest;
  const { nodeArgs, envFiles } = nodeFlags(flags);
  return run(context, file, { args, envFiles, nodeArgs: ['--import', '@swc-node/register/esm-register', ...nodeArgs] });
}

export const programs: Readonly<Record<string, Program>> = {
  node,
  nodejs: node,
  tsx,
  esno: tsx,
  esmo: tsx,
  'ts-node': tsNode(false),
  'ts-node-script': tsNode(false),
  'ts-node-esm': tsNode(true),
  'ts-node-dev': tsNode(false),
  tsnd: tsNode(false),
  nodemon,
  'node-dev': (words, context) =>
    node(
      words.filter((word) => !/^--(respawn|notify=?.*|no-notify|clear)$/.test(word)),
      context,
    ),
  fastify,
  nest,
  pm2,
  'pm2-dev': pm2,
  'pm2-runtime': pm2,
  'tsc-watch': builderWithCommand,
  tsup: builderWithCommand,
  tsdown: builderWithCommand,
  'swc-node': swcNode,
};

/** What a tool calls a folder or pattern to ignore, as a glob. */
function globOf(pattern: string): string {
  const plain = pattern.replace(/^\.\//, '').replace(/\/$/, '');
  return /[*?]|\.\w+$/.test(plain) ? plain : `${plain}/**`;
}
