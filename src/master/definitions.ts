/** Groups as the master runs them: every path absolute, every default filled in. */
import { existsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, relative, resolve } from 'node:path';
import type { GroupSpec } from '../core/pool.ts';
import { definitionSchema, describeIssues, type Definition, type GroupOptions } from '../protocol/bootstrap.ts';
import { readEcosystem } from '../protocol/ecosystem.ts';
import { takeInspect, type InspectWish } from '../protocol/inspect.ts';
import type { ReloadOn } from '../protocol/status.ts';
import { UserError, wholeFile } from '../protocol/userError.ts';
import { issuePlace, optionPlace } from './optionPlace.ts';
import { globsOf, type Glob } from './globs.ts';
import type { EnvFile, StartOptions } from '../protocol/startOptions.ts';

export interface GroupDefinition {
  readonly name: string;
  /** The definition it belongs to; a restart makes a new one. */
  readonly definition: number;
  readonly entry: string;
  readonly workers: number;
  readonly options: Omit<GroupOptions, 'entry' | 'workers' | 'envFile' | 'cwd' | 'include' | 'exclude'> & {
    readonly spares: number;
  };
  readonly include: readonly Glob[];
  readonly exclude: readonly Glob[];
  readonly cwd: string;
  readonly envFiles: readonly EnvFile[];
  /** Its workers are there to be debugged from the start; the first one at this port. */
  readonly inspect: InspectWish | undefined;
  /** What the workers inherit: the master's environment, or that of the bootstrap script's process. */
  readonly inherited: NodeJS.ProcessEnv;
}

export interface ServerDefinition {
  readonly number: number;
  readonly name: string | undefined;
  readonly reloadOn: ReloadOn | undefined;
  /** What counts in no group counts for the bootstrap script neither. */
  readonly exclude: readonly Glob[];
  readonly groups: ReadonlyMap<string, GroupDefinition>;
}

/** What the bootstrap host tells of itself. */
export interface Declared {
  readonly definition: unknown;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

const GROUP_DEFAULTS: GroupDefinition['options'] = {
  reloadable: true,
  order: 'auto',
  drainTimeout: 10_000,
  bootTimeout: 30_000,
  spares: 1,
  args: [],
  env: {},
  nodeArgs: [],
  build: undefined,
  unresponsiveAfter: 30_000,
  replaceUnresponsive: false,
  ready: 'auto',
};

/** The one group of a program without a bootstrap script. */
export function plainDefinition(options: StartOptions, inherited: NodeJS.ProcessEnv): ServerDefinition {
  const { group } = options;
  const main: GroupDefinition = {
    name: 'main',
    definition: 1,
    entry: options.script,
    workers: countOf(group.workers ?? 1),
    options: {
      ...GROUP_DEFAULTS,
      order: group.order ?? GROUP_DEFAULTS.order,
      drainTimeout: group.drainTimeout ?? GROUP_DEFAULTS.drainTimeout,
      bootTimeout: group.bootTimeout ?? GROUP_DEFAULTS.bootTimeout,
      spares: group.spares ?? options.defaultSpares ?? GROUP_DEFAULTS.spares,
      build: group.build,
      args: [...options.args],
      nodeArgs: [...options.nodeArgs],
      env: { ...group.env },
    },
    include: globsOf(options.include, options.cwd),
    exclude: globsOf(options.exclude, options.cwd),
    cwd: options.cwd,
    envFiles: options.envFiles,
    inspect: options.inspect,
    inherited,
  };
  return {
    number: 1,
    name: options.name,
    reloadOn: options.reloadOn,
    exclude: main.exclude,
    groups: new Map([['main', main]]),
  };
}

/**
 * The groups that a bootstrap script declares.
 *
 * @throws UserError `bootstrap-error` naming the option and the legal values, or `usage` for a flag that belongs into the script
 */
export function declaredDefinition(options: StartOptions, declared: Declared, number: number): ServerDefinition {
  const script = relative(options.cwd, options.script) || options.script;
  if (declared.definition === undefined) {
    throw new UserError(
      'bootstrap-error',
      `${script} no longer exports groups. Export an object with "groups", or stop the server and start ${script} as a program.`,
      wholeFile(options.script),
    );
  }
  const parsed =
    'apps' in Object(declared.definition)
      ? readEcosystem(declared.definition, options.script)
      : definitionSchema.safeParse(declared.definition);
  if (!parsed.success) {
    const place = issuePlace(options.script, parsed.error);
    throw new UserError('bootstrap-error', `${script}: ${describeIssues(parsed.error)}`, place);
  }
  refuseGroupFlags(options, script);
  const definition = parsed.data;
  const groups = Object.entries(definition.groups).map(([name, group]) => {
    const entry = entryOf(name, group, options.script, script);
    return [name, groupOf(name, entry, group, definition, options, declared, number)] as const;
  });
  const reloadOn = options.reloadOn ?? definition.reloadOn;
  const exclude = globsFor('exclude', definition, options);
  const inspected = new Map(inspectable(groups, options.inspect));
  return { number, name: options.name ?? definition.name, reloadOn, exclude, groups: inspected };
}

/** The first group that reloads has the ports that were asked for; the others have any. */
function inspectable(
  groups: readonly (readonly [string, GroupDefinition])[],
  wish: InspectWish | undefined,
): (readonly [string, GroupDefinition])[] {
  if (!wish) return [...groups];
  const [first] = groups.find(([, { options }]) => options.reloadable) ?? groups[0]!;
  return groups.map(([name, group]) => [
    name,
    { ...group, inspect: group.inspect ?? (name === first ? wish : { ...wish, port: 0, breaks: false }) },
  ]);
}

function groupOf(
  name: string,
  entry: string,
  group: GroupOptions,
  definition: Definition,
  options: StartOptions,
  declared: Declared,
  number: number,
): GroupDefinition {
  const folder = dirname(options.script);
  const { entry: _entry, workers, envFile, cwd, include, exclude, nodeArgs: given, ...rest } = group;
  const home = cwd === undefined ? declared.cwd : resolve(folder, cwd);
  const { rest: uninspected, wish } = takeInspect(given);
  const flags = splitEnvFiles(uninspected, home);
  const named = [...definition.envFile, ...envFile].map((file) => ({ path: resolve(folder, file), optional: false }));
  const files = [...named, ...flags.envFiles];
  const missing = files.find(({ path, optional }) => !optional && !existsSync(path));
  if (missing) {
    const place = optionPlace(options.script, [
      'groups',
      name,
      flags.envFiles.includes(missing) ? 'nodeArgs' : 'envFile',
    ]);
    throw new UserError('bootstrap-error', `groups.${name}: there is no env file ${missing.path}`, place);
  }
  return {
    name,
    definition: number,
    entry,
    workers: countOf(workers),
    options: {
      ...rest,
      spares: rest.spares ?? options.defaultSpares ?? GROUP_DEFAULTS.spares,
      nodeArgs: flags.nodeArgs,
      args: [...rest.args, ...options.args],
    },
    include: [...globsFor('include', definition, options), ...globsOf(include, folder)],
    exclude: [...globsFor('exclude', definition, options), ...globsOf(exclude, folder)],
    cwd: home,
    envFiles: [...options.envFiles, ...files],
    inspect: wish,
    inherited: declared.env,
  };
}

/** Of all groups: those of the command line are meant from the start folder, those of the script from its own. */
function globsFor(what: 'include' | 'exclude', definition: Definition, options: StartOptions): Glob[] {
  return [...globsOf(options[what], options.cwd), ...globsOf(definition[what], dirname(options.script))];
}

/** Node would read them when the process boots; a spare one may wait long after that. */
function splitEnvFiles(nodeArgs: readonly string[], cwd: string): { nodeArgs: string[]; envFiles: EnvFile[] } {
  const rest: string[] = [];
  const envFiles: EnvFile[] = [];
  for (let index = 0; index < nodeArgs.length; index++) {
    const flag = nodeArgs[index]!;
    const found = /^--env-file(-if-exists)?(?:=(.*))?$/.exec(flag);
    if (!found) {
      rest.push(flag);
      continue;
    }
    const path = found[2] ?? nodeArgs[++index];
    if (path !== undefined) envFiles.push({ path: resolve(cwd, path), optional: found[1] !== undefined });
  }
  return { nodeArgs: rest, envFiles };
}

/** One that a build writes need not be there yet. */
function entryOf(name: string, { entry, build }: GroupOptions, script: string, shown: string): string {
  const path = resolve(dirname(script), entry);
  if (existsSync(path) ? statSync(path).isFile() : build !== undefined) return path;
  const place = optionPlace(script, ['groups', name, 'entry']);
  throw new UserError('bootstrap-error', `${shown}: groups.${name}.entry: there is no file ${path}`, place);
}

function refuseGroupFlags(options: StartOptions, script: string): void {
  const names: Record<string, string> = {
    workers: 'workers',
    order: 'order',
    drainTimeout: 'drainTimeout',
    bootTimeout: 'bootTimeout',
    spares: 'spares',
    build: 'build',
  };
  for (const [flag, option] of Object.entries(names)) {
    if (options.group[flag as keyof typeof options.group] === undefined) continue;
    const dashed = flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new UserError(
      'usage',
      `--${dashed} is for programs without a bootstrap script. Set groups.<name>.${option} in ${script} instead.`,
    );
  }
  if (options.nodeArgs.length > 0) {
    throw new UserError(
      'usage',
      `${options.nodeArgs[0]} is a flag for the workers' Node. Set groups.<name>.nodeArgs in ${script} instead.`,
    );
  }
}

function countOf(workers: number | 'max'): number {
  return workers === 'max' ? availableParallelism() : workers;
}

/** What the core needs to know. */
export function specsOf(definition: ServerDefinition): GroupSpec[] {
  return [...definition.groups.values()].map(({ name, workers, options }) => ({
    name,
    definition: definition.number,
    workers,
    reloadable: options.reloadable,
    order: options.order,
    drainTimeout: options.drainTimeout,
    bootTimeout: options.bootTimeout,
    spares: options.spares,
    replaceUnresponsive: options.replaceUnresponsive,
  }));
}
