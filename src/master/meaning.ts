/** What a file means to the server as it runs: who loaded it, through which imports, and what saving it would do. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { GroupFiles } from '../core/changeScope.ts';
import { anyServing, isComing, isServing } from '../core/pool.ts';
import type { Worker } from '../core/workerState.ts';
import type { Explanation } from '../protocol/status.ts';
import type { Facts } from './facts.ts';
import { ProcessFiles, scopeOfFile } from './files.ts';
import { isExcludedBy } from './globs.ts';
import { importChain, type ChainGraph } from './importChain.ts';
import type { WorkerHandle } from './workerHandle.ts';

/** What an import may leave out. */
const SOURCE_ENDINGS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx', '.json'];

/**
 * What would go on running if nothing were done: a committed change replaces the rest. Before that the old workers count:
 * a new one that is still booting may not have told yet what it loaded.
 */
export function groupFiles({ core, handles, attempts, definition, options }: Facts): GroupFiles[] {
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
      isExcluded: isExcludedBy(definition.groups.get(name)?.options.exclude ?? [], options.cwd),
    };
  });
}

/** What the workers run that answer requests, whatever is being tried beside them. */
export function servingFiles({ core, handles, definition, options }: Facts): GroupFiles[] {
  return core.groups.map(({ spec: { name, reloadable } }) => ({
    name,
    reloadable,
    processes: [...handles.values()]
      .filter(({ worker }) => worker.group === name && worker.state.kind === 'ready')
      .map(({ files }) => files.loaded),
    isExcluded: isExcludedBy(definition.groups.get(name)?.options.exclude ?? [], options.cwd),
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

/** Whether any process has to do with the file. One that an import waited for counts as loaded with other content. */
export function isOfInterest({ options, bootstrap, handles, attempts }: Facts, file: string): boolean {
  if (file === options.script || bootstrap.files.loaded.has(file)) return true;
  const sets = [...[...handles.values()].map(({ files }) => files), ...attempts.values()];
  for (const files of sets) {
    const isAwaited = [...files.missing].some(
      (near) => file === near || file.startsWith(`${near}.`) || file.startsWith(`${near}/index.`),
    );
    if (isAwaited && !files.loaded.has(file)) files.loaded.set(file, '');
  }
  return sets.some((files) => files.loaded.has(file));
}

/** Every file whose content says something about what runs; those that an import waits for, where they are there now. */
export function everyFile({ options, bootstrap, handles, attempts }: Facts): Set<string> {
  const sets = [bootstrap.files, ...[...handles.values()].map(({ files }) => files), ...attempts.values()];
  const files = new Set([options.script, ...sets.flatMap(({ loaded }) => [...loaded.keys()])]);
  for (const near of new Set(sets.flatMap(({ missing }) => [...missing])))
    for (const file of [near, ...SOURCE_ENDINGS.flatMap((ending) => [near + ending, join(near, `index${ending}`)])])
      if (!files.has(file) && existsSync(file)) files.add(file);
  return files;
}

/** The imports from the bootstrap script, or else from the entry of one of these groups, to the file. */
export async function chainTo(facts: Facts, file: string, groups: readonly string[]): Promise<string[]> {
  const inBootstrap = facts.bootstrap.files.loaded.has(file);
  const group = facts.definition.groups.get(groups[0] ?? '');
  const worker = [...facts.handles.values()].find(
    ({ worker: { group: name }, files }) => name === group?.name && files.loaded.has(file),
  );
  const root = inBootstrap ? facts.options.script : (group?.entry ?? file);
  const graph: ChainGraph = inBootstrap ? facts.bootstrap.files : (worker?.files ?? new ProcessFiles());
  const steps = await importChain(root, file, graph);
  return steps.map((step) => `${facts.display(step.file)}${step.line === null ? '' : `:${step.line}`}`);
}

/** What saving the file would do, and why. */
export async function explain(facts: Facts, path: string): Promise<Explanation> {
  const { verdict, reload, fixed, inBootstrap } = scopeOfFile(path, groupFiles(facts), facts.bootstrap.files.loaded);
  const isScript = path === facts.options.script;
  const why = [
    ...(inBootstrap ? [isScript ? 'it is the bootstrap script' : 'the bootstrap script loads it'] : []),
    ...(fixed.length > 0 ? [`${fixed.join(', ')} loaded it and does not reload`] : []),
  ].join('; ');
  const names = reload.join(', ');
  const reasons: Record<Explanation['verdict'], string> = {
    reload: `Saving it reloads ${names}: ${names} loaded it.`,
    restart: `Saving it needs a restart: ${why}.`,
    partial: `Saving it reloads ${names}; the rest needs a restart: ${why}.`,
    built: '',
    none: 'Saving it does nothing: no process has loaded it.',
  };
  return {
    file: facts.display(path),
    verdict,
    groups: [...reload, ...(verdict === 'reload' || verdict === 'none' ? [] : fixed)],
    reason: reasons[verdict],
    chain: verdict === 'none' ? [] : await chainTo(facts, path, [...fixed, ...reload]),
  };
}
