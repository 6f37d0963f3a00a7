/** Which start options are others now than those that run, and what it takes to bring them in. Pure. */
import type { StartOptions } from '../protocol/startOptions.ts';
import type { OptionChange } from '../protocol/status.ts';

/** What a server was started with, or would be now. */
export interface Started {
  readonly options: StartOptions;
  /** The variables that the task sets. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The Node that the master runs on, where somebody has named one. */
  readonly node: string | undefined;
}

type Option = readonly [name: string, takes: OptionChange['takes'], of: (started: Started) => unknown];

/** By the names that they have in a task. The process, its place and its name are the server's for life. */
const OPTIONS: readonly Option[] = [
  ['script', 'start', ({ options }) => options.script],
  ['cwd', 'start', ({ options }) => options.cwd],
  ['name', 'start', ({ options }) => options.name],
  ['node', 'start', ({ options, node }) => [node, options.node]],
  ['watch', 'start', ({ options }) => options.watch],
  ['poll', 'start', ({ options }) => options.poll],
  ['workers', 'restart', ({ options }) => options.group.workers],
  ['order', 'restart', ({ options }) => options.group.order],
  ['drainTimeout', 'restart', ({ options }) => options.group.drainTimeout],
  ['bootTimeout', 'restart', ({ options }) => options.group.bootTimeout],
  ['spares', 'restart', ({ options }) => options.group.spares],
  ['build', 'restart', ({ options }) => options.group.build],
  ['reloadOn', 'restart', ({ options }) => options.reloadOn],
  ['include', 'restart', ({ options }) => options.include],
  ['exclude', 'restart', ({ options }) => options.exclude],
  ['envFile', 'restart', ({ options }) => options.envFiles],
  ['nodeArgs', 'restart', ({ options }) => options.nodeArgs],
  ['inspect', 'restart', ({ options }) => options.inspect],
  ['args', 'restart', ({ options }) => options.args],
  ['env', 'restart', ({ options, env }) => [sorted(env), sorted(options.group.env ?? {})]],
];

/** In the order of the table: what takes most comes first. */
export function optionChanges(running: Started, wanted: Started): Omit<OptionChange, 'line'>[] {
  return OPTIONS.filter(([, , of]) => JSON.stringify([of(running)]) !== JSON.stringify([of(wanted)])).map(
    ([name, takes]) => ({ name, takes }),
  );
}

/** What a restart puts in force: what takes a start stays as it is. */
export function restartOptions(running: StartOptions, wanted: StartOptions): StartOptions {
  const { script, cwd, name, node, watch, poll, prefix } = running;
  return { ...wanted, script, cwd, name, node, watch, poll, prefix };
}

function sorted(env: Readonly<Record<string, string | undefined>>): unknown[] {
  return Object.entries(env)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
