/** The command line, read strictly: own options stand before the file, flags that Node knows go to Node, all after the file to the program. */
import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { nodeFlagTakesValue } from '../detect/flags.ts';
import type { EnvFile, ScriptStart, StartOptions } from '../protocol/startOptions.ts';
import { isServerName, parseDuration, SERVER_NAME_RULE } from '../protocol/bootstrap.ts';
import { reloadOnSchema } from '../protocol/status.ts';
import { UserError, wholeFile } from '../protocol/userError.ts';
import { takeInspect, type InspectWish } from '../protocol/inspect.ts';
import { nearest } from './nearest.ts';
import { serverHere, serverOfCommand, type ServerHere } from './serverHere.ts';

type OptionSpecs = NonNullable<ParseArgsConfig['options']>;

const startOptions = {
  workers: { type: 'string' },
  name: { type: 'string' },
  order: { type: 'string' },
  'drain-timeout': { type: 'string' },
  'boot-timeout': { type: 'string' },
  spares: { type: 'string' },
  watch: { type: 'boolean' },
  'no-watch': { type: 'boolean' },
  poll: { type: 'string' },
  include: { type: 'string', multiple: true },
  exclude: { type: 'string', multiple: true },
  'reload-on': { type: 'string' },
  'env-file': { type: 'string', multiple: true },
  'env-file-if-exists': { type: 'string', multiple: true },
  node: { type: 'string' },
  import: { type: 'string', multiple: true },
  require: { type: 'string', multiple: true, short: 'r' },
  build: { type: 'string' },
  prefix: { type: 'string' },
  config: { type: 'string' },
  command: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies OptionSpecs;

/** What `--poll` without a value means. */
const POLL_MS = 100;

export type StartArguments =
  | { readonly help: true }
  | {
      readonly help: false;
      readonly options: StartOptions;
      /** What was found, where no file was given. */
      readonly note: string | undefined;
      /** What says so, where that is a script. */
      readonly script: ScriptStart | undefined;
    };

/**
 * @param inspect what is asked for elsewhere; what stands in `args` wins
 * @throws UserError `usage`
 */
export function parseStart(args: readonly string[], cwd: string, inspect?: InspectWish): StartArguments {
  const { own, node: nodeFlags, file: given, rest } = splitStart(args);
  const { rest: node, wish } = takeInspect(nodeFlags);
  const { values } = parseOwn(own, startOptions);
  if (values.help) return { help: true };
  const group: StartOptions['group'] = {
    workers: values.workers === 'max' ? 'max' : wholeNumber('--workers', values.workers, 1, 1024, ' or "max"'),
    order: oneOf('--order', values.order, ['auto', 'start-first', 'stop-first']),
    drainTimeout: duration('--drain-timeout', values['drain-timeout']),
    bootTimeout: duration('--boot-timeout', values['boot-timeout']),
    spares: wholeNumber('--spares', values.spares, 0, 16),
  };
  if (values.build?.trim() === '') throw new UserError('usage', '--build is a command such as "tsc --watch".');
  if (values.watch && values['no-watch']) throw new UserError('usage', '--watch and --no-watch contradict each other.');
  if (values.poll !== undefined && values['no-watch'])
    throw new UserError('usage', '--poll and --no-watch contradict each other.');
  if (given !== undefined && values.config !== undefined)
    throw new UserError('usage', `--config names the file to run: leave out ${given}.`);
  const file = given ?? values.config;
  if (file !== undefined && values.command !== undefined)
    throw new UserError('usage', `--command says what is run: leave out ${file}.`);
  const here = file === undefined ? found(values.command, realpathSync(cwd)) : undefined;
  const folder = realpathSync(here?.cwd ?? cwd);
  const build = values.build ?? here?.build;
  for (const name of values.require ?? []) requireFile('--require', name, folder);
  for (const name of values.import ?? []) requireFile('--import', name, folder);
  for (const [flag, name] of loadersOf(node)) requireFile(flag, name, folder);
  const preloads = [
    ...(values.require ?? []).flatMap((name) => ['--require', name]),
    ...(values.import ?? []).flatMap((name) => ['--import', name]),
  ];
  const nodeArgs = [...(here?.nodeArgs ?? []), ...node, ...preloads];
  const options: StartOptions = {
    script: scriptPath(file ?? here!.file, folder, { hasLoader: nodeArgs.length > 0, isBuilt: build !== undefined }),
    cwd: folder,
    args: [...(here?.args ?? []), ...rest],
    nodeArgs,
    name: serverName(values.name),
    node: values.node,
    watch: !values['no-watch'],
    poll: pollInterval(values.poll),
    reloadOn: oneOf('--reload-on', values['reload-on'], reloadOnSchema.options),
    include: values.include ?? [],
    exclude: [...(here?.exclude ?? []), ...(values.exclude ?? [])],
    // What is given here is seen from here, and wins.
    envFiles: [...envFilesFound(here), ...envFilesOf(own, realpathSync(cwd))],
    inspect: wish ?? inspect,
    prefix: oneOf('--prefix', values.prefix, ['auto', 'always', 'never']) ?? 'auto',
    group: {
      ...group,
      ...(build === undefined ? {} : { build }),
      ...(here && Object.keys(here.env).length > 0 ? { env: here.env } : {}),
    },
  };
  const script =
    here?.manifest === undefined ? undefined : { file: here.manifest, name: here.script!, words: args, cwd };
  return { help: false, options, note: here?.note, script };
}

/** The same for words that start a server, not help. */
export function parseOptions(args: readonly string[], cwd: string, inspect?: InspectWish): StartOptions {
  const parsed = parseStart(args, cwd, inspect);
  if (parsed.help) throw new UserError('usage', '--help starts no server.');
  return parsed.options;
}

function found(command: string | undefined, cwd: string): ServerHere {
  return command === undefined ? serverHere(cwd) : serverOfCommand(command, cwd);
}

function envFilesFound(here: ServerHere | undefined): EnvFile[] {
  return (here?.envFiles ?? []).map(({ path, optional }) => ({ path: resolve(here!.cwd, path), optional }));
}

/** In the order in which they stand, since a later file wins; the values of two options come without it. */
function envFilesOf(own: readonly string[], folder: string): EnvFile[] {
  const { tokens } = parseArgs({ args: [...own], options: startOptions, allowPositionals: true, tokens: true });
  return tokens.flatMap((token) => {
    if (token.kind !== 'option' || token.value === undefined || !token.name.startsWith('env-file')) return [];
    return [{ path: resolve(folder, token.value), optional: token.name === 'env-file-if-exists' }];
  });
}

interface Split {
  readonly own: string[];
  readonly node: string[];
  readonly file: string | undefined;
  readonly rest: string[];
}

/** Everything before the first word that is neither an option nor the value of one. */
function splitStart(args: readonly string[]): Split {
  const own: string[] = [];
  const node: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const word = args[index]!;
    if (word === '--') return { own, node, file: args[index + 1], rest: args.slice(index + 2) };
    if (!word.startsWith('-') || word === '-') return { own, node, file: word, rest: args.slice(index + 1) };
    const flag = word.split('=', 1)[0]!;
    const ownSpec = specOf(flag);
    if (ownSpec) {
      if (word === '--poll') {
        // Its value may be left out, and no program is called "100" or "1s".
        const hasValue = parseDuration(args[index + 1] ?? '') !== undefined;
        own.push(`--poll=${hasValue ? args[++index]! : POLL_MS}`);
        continue;
      }
      const takesNext = ownSpec.type === 'string' && !word.includes('=') && index + 1 < args.length;
      // One word, so that a value such as -1 is not taken for an option.
      if (takesNext && word.startsWith('--')) own.push(`${word}=${args[++index]!}`);
      else own.push(word, ...(takesNext ? [args[++index]!] : []));
      continue;
    }
    const takesValue = nodeFlag(flag);
    if (takesValue === undefined) throw unknownFlag(flag, Object.keys(startOptions));
    node.push(word);
    if (takesValue && !word.includes('=') && index + 1 < args.length) node.push(args[++index]!);
  }
  return { own, node, file: undefined, rest: [] };
}

function specOf(flag: string): { readonly type: 'string' | 'boolean' } | undefined {
  if (flag === '-r') return startOptions.require;
  if (flag === '-h') return startOptions.help;
  const name = flag.replace(/^--/, '');
  return flag.startsWith('--') && Object.hasOwn(startOptions, name)
    ? startOptions[name as keyof typeof startOptions]
    : undefined;
}

/** The modules among the flags of Node, each with its flag. */
function loadersOf(node: readonly string[]): [flag: string, name: string][] {
  return node.flatMap((word, index) => {
    const [, flag, , inWord] = /^(--(?:experimental-)?loader)(=(.*))?$/.exec(word) ?? [];
    return flag === undefined ? [] : [[flag, inWord ?? node[index + 1] ?? '']];
  });
}

/** Whether the flag takes a value; undefined when Node does not know it. */
function nodeFlag(flag: string): boolean | undefined {
  if (nodeFlagTakesValue(flag)) return true;
  const known =
    process.allowedNodeEnvironmentFlags.has(flag) ||
    /^--(expose[-_]gc|allow|permission|harmony|v8|no-warnings)/.test(flag);
  return known ? false : undefined;
}

export function parseOwn<T extends OptionSpecs>(
  args: readonly string[],
  options: T,
): ReturnType<typeof parseArgs<{ options: T; allowPositionals: true; strict: true }>> {
  try {
    return parseArgs({ args: withNegatives(args, options), options, allowPositionals: true, strict: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const lacking = /^Option '(?:-\w, )?(--[\w-]+).* argument (?:missing|is ambiguous)/.exec(message)?.[1];
    if (lacking !== undefined) throw new UserError('usage', `${lacking} needs a value. See: graceful-reload --help`);
    const unknown = /Unknown option '([^' ]+)/.exec(message)?.[1];
    if (unknown !== undefined) throw unknownFlag(unknown.split(',')[0]!, Object.keys(options));
    throw new UserError('usage', message.split('\n')[0]!);
  }
}

/** A negative number is no option: that it is wrong is told as of any other value. */
function withNegatives(args: readonly string[], options: OptionSpecs): string[] {
  const words: string[] = [];
  for (const [index, word] of args.entries()) {
    const last = args[index - 1] ?? '';
    if (/^-\d/.test(word) && options[last.replace(/^--/, '')]?.type === 'string')
      words.splice(-1, 1, `${last}=${word}`);
    else words.push(word);
  }
  return words;
}

function unknownFlag(flag: string, names: readonly string[]): UserError {
  const near = nearest(flag.replace(/^-+/, ''), names);
  return new UserError(
    'usage',
    `Unknown option ${flag}.${near === undefined ? '' : ` Did you mean --${near}?`} See: graceful-reload --help`,
  );
}

/** A path that is no file; what a bare name means is for Node to find out. */
function requireFile(flag: string, name: string, cwd: string): void {
  if (!/^\.{0,2}[\\/]/.test(name)) return;
  try {
    createRequire(join(cwd, 'here.js')).resolve(name);
  } catch {
    throw new UserError('usage', `${flag} ${name}: there is no file ${resolve(cwd, name)}.`);
  }
}

/** What Node runs by itself, or through a loader of the project's. */
const PROGRAM = /^$|^\.([cm]?[jt]s|[jt]sx|node|wasm|json)$/;

interface Script {
  /** Flags for Node are given that may make it run anything. */
  readonly hasLoader: boolean;
  /** A build may still have to write it. */
  readonly isBuilt: boolean;
}

function scriptPath(file: string, cwd: string, { hasLoader, isBuilt }: Script): string {
  const path = resolve(cwd, file);
  const isThere = existsSync(path);
  if (!isThere && !isBuilt)
    throw new UserError(
      'usage',
      `There is no file ${path}. Give the file that starts your server, or a bootstrap script.`,
      wholeFile(path),
    );
  if (isThere && !statSync(path).isFile())
    throw new UserError(
      'usage',
      statSync(path).isDirectory()
        ? `${path} is not a file but a folder. Give the file that starts your server, or run graceful-reload start without one in that folder.`
        : `${path} is not a file. Give the file that starts your server.`,
      wholeFile(path),
    );
  if (!PROGRAM.test(extname(path)) && !hasLoader)
    throw new UserError(
      'usage',
      `${path} is not a program that Node runs. Give the JavaScript or TypeScript file that starts your server.`,
      wholeFile(path),
    );
  if (!isThere) return realPathToBe(path);
  try {
    accessSync(path, constants.R_OK);
  } catch {
    throw new UserError('usage', `${path} cannot be read: this user has no permission to.`, wholeFile(path));
  }
  return realpathSync(path);
}

/** Of a file whose folder may not be there yet either. */
export function realPathToBe(path: string): string {
  if (existsSync(path) || dirname(path) === path) return realpathSync(path);
  return join(realPathToBe(dirname(path)), basename(path));
}

function oneOf<T extends string>(flag: string, value: string | undefined, legal: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  const found = legal.find((item) => item === value);
  if (found === undefined) throw new UserError('usage', `${flag} is one of ${legal.join(', ')}, not "${value}".`);
  return found;
}

export function wholeNumber(
  flag: string,
  value: string | undefined,
  least: number,
  most: number,
  more = '',
): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < least || number > most) {
    throw new UserError('usage', `${flag} is a whole number from ${least} to ${most}${more}, not "${value}".`);
  }
  return number;
}

function serverName(name: string | undefined): string | undefined {
  if (name !== undefined && !isServerName(name))
    throw new UserError('usage', `--name ${SERVER_NAME_RULE}, not "${name}".`);
  return name;
}

function pollInterval(value: string | undefined): number | undefined {
  const ms = duration('--poll', value);
  if (ms === 0) throw new UserError('usage', '--poll is an interval of at least 1 ms.');
  return ms;
}

export function duration(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = parseDuration(value);
  if (ms === undefined)
    throw new UserError('usage', `${flag} is a duration such as 500 (ms), 10s or 2m, not "${value}".`);
  return ms;
}
