/** The files of the server as it runs, as the core decides on them. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { BootstrapSet, GroupFiles } from '../core/changeScope.ts';
import { anyServing, isComing, isServing } from '../core/pool.ts';
import type { Worker } from '../core/workerState.ts';
import { ABSENT } from '../protocol/digest.ts';
import type { ServerDefinition } from './definitions.ts';
import type { Facts } from './facts.ts';
import type { Origin, ProcessFiles } from './files.ts';
import { globFor } from './globs.ts';
import type { WorkerHandle } from './workerHandle.ts';

/** What an import may leave out. */
const SOURCE_ENDINGS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx', '.json'];

/**
 * What would go on running if nothing were done: a committed change replaces the rest. Before that the old workers count:
 * a new one that is still booting may not have told yet what it loaded.
 */
export function groupFiles({ core, handles, attempts, definition }: Facts): GroupFiles[] {
  const { change, groups } = core;
  return groups.map((group) => {
    const { name } = group.spec;
    const inChange = change && change.kind !== 'start' && change.scope.has(name) && change.phase === 'roll';
    const workers = [...handles.values()].filter(({ worker }) => worker.group === name && isStaying(worker));
    const newest = inChange ? workers.filter(({ worker }) => worker.generation === change.generation) : workers;
    const attempt = inChange ? undefined : attempts.get(name);
    return {
      name,
      // A group that never came up has nothing to keep: the next save starts it.
      reloadable: group.spec.reloadable || !anyServing(group),
      processes: attempt ? afterAttempt(newest, attempt) : newest.map(({ files }) => files.loaded),
      ...meantBy(definition, name),
    };
  });
}

function meantBy({ groups }: ServerDefinition, name: string): Pick<GroupFiles, 'isExcluded' | 'isIncluded'> {
  const { include = [], exclude = [] } = groups.get(name) ?? {};
  return {
    isExcluded: (file) => globFor(exclude, file) !== undefined,
    isIncluded: (file) => globFor(include, file) !== undefined,
  };
}

/** What the workers run that answer requests, whatever is being tried beside them. */
export function servingFiles({ core, handles, definition }: Facts): GroupFiles[] {
  return core.groups.map(({ spec: { name, reloadable } }) => ({
    name,
    reloadable,
    processes: [...handles.values()]
      .filter(({ worker }) => worker.group === name && worker.state.kind === 'ready')
      .map(({ files }) => files.loaded),
    ...meantBy(definition, name),
  }));
}

/** Starting, or serving: not on its way out. */
export function isStaying(worker: Worker): boolean {
  return isComing(worker) || isServing(worker);
}

/** After a rejection the attempt stands for what it got to load; the old workers for the rest. */
function afterAttempt(workers: readonly WorkerHandle[], attempt: ProcessFiles): GroupFiles['processes'] {
  const rest = workers.map(({ files }) => new Map([...files.loaded].filter(([file]) => !attempt.loaded.has(file))));
  return [attempt.loaded, ...rest];
}

/** What the bootstrap script's process loaded. */
export function bootstrapSet({ bootstrap, definition, options }: Facts): BootstrapSet {
  return {
    script: options.script,
    loaded: bootstrap.files.loaded,
    isExcluded: (file) => globFor(definition.exclude, file) !== undefined,
  };
}

/** What all processes loaded that run, or that failed last. */
export function allFiles({ bootstrap, handles, attempts }: Facts): ProcessFiles[] {
  return [bootstrap.files, ...[...handles.values()].map(({ files }) => files), ...attempts.values()];
}

/** How the file came to count, where it is no module. */
export function originOf(facts: Facts, file: string): Origin | undefined {
  return allFiles(facts)
    .find(({ loaded }) => loaded.has(file))
    ?.origins.get(file);
}

/** Whether the environment of a process comes from it, by our doing or by the program's own. */
export function isEnvFile(facts: Facts, file: string): boolean {
  const origin = originOf(facts, file);
  return origin === 'env' || (origin === 'read' && /^\.env(\.|$)|\.env$/.test(basename(file)));
}

/** Whether any process has to do with the file. One that an import waited for, or that is new in a folder that was listed, counts as loaded, with other content. */
export function isOfInterest(facts: Facts, file: string): boolean {
  const sets = allFiles(facts);
  for (const files of sets)
    if (!files.loaded.has(file) && (files.awaits(file) || (!facts.written.has(file) && files.wouldFind(file))))
      files.loaded.set(file, ABSENT);
  if (file === facts.options.script || sets.some((files) => files.loaded.has(file))) return true;
  return [...facts.definition.groups.values()].some(({ include }) => globFor(include, file));
}

/** Every file whose content says something about what runs; those that are waited for, where they are there now. */
export function everyFile(facts: Facts): Set<string> {
  const sets = allFiles(facts);
  const files = new Set([facts.options.script, ...sets.flatMap(({ loaded }) => [...loaded.keys()])]);
  for (const near of new Set(sets.flatMap(({ missing }) => [...missing])))
    for (const file of [near, ...SOURCE_ENDINGS.flatMap((ending) => [near + ending, join(near, `index${ending}`)])])
      if (!files.has(file) && existsSync(file)) files.add(file);
  for (const set of sets)
    for (const [folder, names] of set.listed)
      for (const name of namesIn(folder)) {
        const file = join(folder, name);
        if (!names.has(name) && !files.has(file) && !facts.written.has(file) && set.wouldFind(file)) files.add(file);
      }
  return files;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
