/** A task of tasks.json as the arguments of `graceful-reload start`. Pure; what is wrong in them the CLI says, once for all. */
import type { DetectedServer } from '../../detect/detect.ts';
import { commandText } from '../../detect/shell.ts';

/** The properties that package.json describes; anything may stand in a file that a person writes. */
export interface ServerTaskDefinition {
  readonly type: string;
  readonly [property: string]: unknown;
}

/** Properties whose value goes behind an option of the same meaning; a list repeats the option. */
const optionOf: readonly (readonly [property: string, option: string])[] = [
  ['workers', '--workers'],
  ['name', '--name'],
  ['order', '--order'],
  ['drainTimeout', '--drain-timeout'],
  ['bootTimeout', '--boot-timeout'],
  ['spares', '--spares'],
  ['reloadOn', '--reload-on'],
  ['include', '--include'],
  ['exclude', '--exclude'],
  ['envFile', '--env-file'],
  ['build', '--build'],
];

/** Options that may stand without a value, which then has to be joined to them. */
const switchOf: readonly (readonly [property: string, option: string])[] = [
  ['poll', '--poll'],
  ['inspect', '--inspect'],
];

/** The task that starts a detected server, with nothing in it that goes without saying. */
export function detectedTask(type: string, server: DetectedServer): ServerTaskDefinition {
  const { folder, entry, args, nodeArgs, env, envFiles, exclude, build } = server;
  const properties = {
    script: entry,
    ...(folder === '.' ? {} : { cwd: folder }),
    nodeArgs,
    args,
    env,
    envFile: envFiles.map(({ path }) => path),
    exclude,
    build,
  };
  const said = Object.entries(properties).filter(([, value]) => value !== undefined && Object.keys(value).length > 0);
  return { type, ...Object.fromEntries(said) };
}

/** What follows `cli.js`: `start <options> [node flags] <script> [args]`. */
export function startArguments(definition: ServerTaskDefinition): string[] {
  const words = ['start'];
  for (const [property, option] of optionOf) {
    for (const value of listOf(definition[property])) words.push(option, value);
  }
  if (definition['watch'] === false) words.push('--no-watch');
  for (const [property, option] of switchOf) {
    const value = definition[property];
    if (value === true) words.push(option);
    else if (value !== false) words.push(...listOf(value).map((text) => `${option}=${text}`));
  }
  const command = textOf(definition['command']);
  words.push(...listOf(definition['nodeArgs']));
  // No word may follow that would be taken for the file.
  if (command !== undefined) return [...words, '--command', commandWith(command, listOf(definition['args']))];
  const script = textOf(definition['script']);
  if (script !== undefined) words.push(script);
  words.push(...listOf(definition['args']));
  return words;
}

function commandWith(command: string, args: readonly string[]): string {
  return args.length === 0 ? command : `${command} ${commandText(args)}`;
}

/** The command line as a person would have typed it without us, for the task's detail line. */
export function describeTask(definition: ServerTaskDefinition): string {
  const command = textOf(definition['command']);
  if (command !== undefined) return command;
  const words = [
    'node',
    ...listOf(definition['nodeArgs']),
    textOf(definition['script']) ?? '',
    ...listOf(definition['args']),
  ];
  return words.filter((word) => word !== '').join(' ');
}

/** Same key, same server: what tells two tasks of one folder apart. */
export function taskKey(definition: ServerTaskDefinition): string {
  const { script, command, name, cwd } = definition;
  return JSON.stringify([script ?? null, command ?? null, name ?? null, cwd ?? null]);
}

export function environmentOf(definition: ServerTaskDefinition): Record<string, string> {
  const env = definition['env'];
  if (typeof env !== 'object' || env === null) return {};
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]));
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function listOf(value: unknown): string[] {
  if (value === undefined || value === null || value === '') return [];
  return (Array.isArray(value) ? value : [value]).map(String);
}
