/** What saving a file would do, and why, in words for a person. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, extname, sep } from 'node:path';
import { scopeOf } from '../core/changeScope.ts';
import { ABSENT } from '../protocol/digest.ts';
import type { Explanation } from '../protocol/status.ts';
import type { Facts } from './facts.ts';
import { ProcessFiles, type Origin } from './files.ts';
import { globFor } from './globs.ts';
import { importChain, lineOfMention, type ChainGraph, type ChainStep } from './importChain.ts';
import { allFiles, bootstrapSet, everyFile, groupFiles, isOfInterest } from './meaning.ts';
import { isBuiltFrom } from './sourceMaps.ts';

/** What a builder makes programs of. */
const SOURCE = /\.(?:[mc]?[tj]s|[tj]sx)$/;

/** The way to the file: from the bootstrap script, or else from the entry of one of these groups, import by import. */
export function chainTo(facts: Facts, file: string, groups: readonly string[]): string[] {
  const { bootstrap, definition, options } = facts;
  return stepsTo().map((step) => `${facts.display(step.file)}${step.line === null ? '' : `:${step.line}`}`);

  function stepsTo(): ChainStep[] {
    const inBootstrap = bootstrap.files.loaded.has(file);
    const set = inBootstrap ? bootstrap.files : filesOfGroup(facts, file, groups[0]);
    const origin = set.origins.get(file) ?? (set.loaded.has(file) ? undefined : 'include');
    if (origin === 'env' || origin === 'include') {
      const last = { file, line: null };
      if (!facts.isBootstrap || (origin === 'include' && !includedBy(facts, file, groups))) return [last];
      return [
        { file: options.script, line: lineOfMention(options.script, mentionOf(facts, file, groups, origin)) },
        last,
      ];
    }
    const root = inBootstrap ? options.script : (definition.groups.get(groups[0] ?? '')?.entry ?? file);
    return importChain(root, file, set satisfies ChainGraph);
  }
}

function filesOfGroup({ handles, attempts }: Facts, file: string, group: string | undefined): ProcessFiles {
  const ofGroup = [...handles.values()].filter(({ worker }) => worker.group === group).map(({ files }) => files);
  const sets = [...ofGroup, ...(attempts.has(group ?? '') ? [attempts.get(group ?? '')!] : [])];
  return sets.find(({ loaded }) => loaded.has(file)) ?? new ProcessFiles();
}

function includedBy({ definition }: Facts, file: string, groups: readonly string[]): string | undefined {
  for (const name of groups) {
    const glob = globFor(definition.groups.get(name)?.include ?? [], file);
    if (glob) return glob.pattern;
  }
  return undefined;
}

/** What the bootstrap script says where it means the file. */
function mentionOf(facts: Facts, file: string, groups: readonly string[], origin: 'env' | 'include'): string {
  return origin === 'env' ? basename(file) : (includedBy(facts, file, groups) ?? basename(file));
}

export function explain(facts: Facts, path: string): Explanation {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return explainFolder(facts, path);
  // Notes what an import waits for.
  isOfInterest(facts, path);
  const bootstrap = bootstrapSet(facts);
  const { verdict, reload, fixed, inBootstrap } = scopeOf(path, groupFiles(facts), bootstrap);
  if (verdict === 'none') return explainBuilt(facts, path) ?? explainNone(facts, path);
  const names = reload.join(', ');
  const why = [
    ...(inBootstrap ? [inScript(facts, path)] : []),
    ...(fixed.length > 0 ? [`${because(facts, path, fixed)}, and ${fixed.length > 1 ? 'do' : 'does'} not reload`] : []),
  ].join('; ');
  const reasons: Record<typeof verdict, string> = {
    reload: `Saving it reloads ${names}: ${because(facts, path, reload)}.`,
    restart: `Saving it needs a restart: ${why}.`,
    partial: `Saving it reloads ${names}; the rest needs a restart: ${why}.`,
  };
  return {
    file: facts.display(path),
    verdict,
    groups: [...reload, ...fixed],
    reason: reasons[verdict],
    chain: chainTo(facts, path, [...fixed, ...reload]),
  };
}

function explainNone(facts: Facts, path: string): Explanation {
  const reason = `Saving it does nothing: ${whyNothing(facts, path)}.`;
  return { file: facts.display(path), verdict: 'none', groups: [], reason, chain: [] };
}

/** Files that are named of those in a folder. */
const NAMED = 3;

function explainFolder(facts: Facts, path: string): Explanation {
  const inside = [...everyFile(facts)].filter((file) => file.startsWith(path + sep) && existsSync(file)).sort();
  const named = inside.slice(0, NAMED).map((file) => facts.display(file));
  const more = inside.length - named.length;
  const count = `${inside.length} file${inside.length === 1 ? '' : 's'} in it count${inside.length === 1 ? 's' : ''}`;
  const reason =
    inside.length === 0
      ? 'It is a folder, and no process has loaded a file in it.'
      : `It is a folder. ${count}: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}. Ask for one of them.`;
  return { file: facts.display(path), verdict: 'none', groups: [], reason, chain: [] };
}

/** Undefined when no group that reloads runs an output whose source map names the file. */
function explainBuilt(facts: Facts, path: string): Explanation | undefined {
  if (!SOURCE.test(path)) return undefined;
  const groups = groupFiles(facts);
  const loaded = new Set(groups.flatMap(({ processes }) => processes.flatMap((files) => [...files.keys()])));
  for (const output of loaded) {
    if (!/\.[mc]?js$/.test(output) || output.includes(`${sep}node_modules${sep}`)) continue;
    const { reload } = scopeOf(output, groups, bootstrapSet(facts));
    if (reload.length === 0 || !isBuiltFrom(output, path)) continue;
    return {
      file: facts.display(path),
      verdict: 'built',
      groups: [...reload],
      reason: `${facts.display(output)} is built from it: ${reload.join(', ')} reloads when that changes.`,
      chain: chainTo(facts, output, reload),
    };
  }
  return undefined;
}

function inScript({ bootstrap, options }: Facts, path: string): string {
  if (path === options.script) return 'it is the bootstrap script';
  switch (bootstrap.files.origins.get(path)) {
    case 'read':
      return 'the bootstrap script reads it';
    case 'env':
      return 'the environment of the bootstrap script comes from it';
    case 'config':
      return 'the bootstrap script runs as it says';
    case 'packages':
      return 'it stands for the packages that the bootstrap script loaded';
    default:
      return 'the bootstrap script loads it';
  }
}

/** What these groups have to do with the file. */
function because(facts: Facts, path: string, groups: readonly string[]): string {
  const names = groups.join(', ');
  const file = basename(path);
  const set = filesOfGroup(facts, path, groups[0]);
  const origin: Origin | undefined = set.loaded.has(path) ? set.origins.get(path) : 'include';
  if (origin === undefined && set.loaded.get(path) === ABSENT && !set.awaits(path))
    return `${names} loads what it finds in ${facts.display(dirname(path))}`;
  if (origin === undefined && set.loaded.get(path) === ABSENT) return `${names} asked for it, and it was not there`;
  switch (origin) {
    case 'read':
      return `${names} read it before it was ready`;
    case 'env':
      return `the environment of ${names} comes from it`;
    case 'config':
      return `${names} runs as this ${file} says`;
    case 'packages':
      return `it stands for the packages that ${names} loaded`;
    case 'include':
      return `"include" of ${names} means it (${includedBy(facts, path, groups) ?? file})`;
    case undefined:
      return `${names} loaded it`;
  }
}

function whyNothing(facts: Facts, path: string): string {
  const { definition, options } = facts;
  const users = [...definition.groups.values()].filter(({ name, include }) => {
    return filesOfGroup(facts, path, name).loaded.has(path) || globFor(include, path);
  });
  const excluded =
    users.map(({ exclude }) => globFor(exclude, path)).find((glob) => glob) ?? globFor(definition.exclude, path);
  if (excluded) return `"exclude" means it (${excluded.pattern})`;
  if (allFiles(facts).some(({ written }) => written.has(path)) || facts.written.has(path))
    return 'the server writes it itself. Name it in "include" if its changes should count';
  if (path.includes(`${sep}node_modules${sep}`))
    return 'packages are not looked at file by file. An installation counts, by its lock file';
  if (/^\.env(\.|$)/.test(basename(path)))
    return 'no group names it in "envFile", and no process read it before it was ready';
  const build = buildAround(facts, path);
  if (build !== undefined)
    return `no process has loaded it, and no source map of what "${build}" writes names it. Where that is built from it, the output counts`;
  const note =
    unread(path, options.cwd) ?? (/\.[mc]?tsx?$/.test(extname(path)) ? 'Imports of types load nothing' : undefined);
  return `no process has loaded it${note === undefined ? '' : `. ${note}`}`;
}

/** The command that may build something from the source. */
function buildAround({ definition }: Facts, path: string): string | undefined {
  if (!SOURCE.test(path)) return undefined;
  return [...definition.groups.values()].find(({ cwd }) => path.startsWith(cwd + sep))?.options.build;
}

/** Why a file does not count though a process may have read it. */
function unread(path: string, root: string): string | undefined {
  if (!existsSync(path)) return undefined;
  const inCache =
    path.startsWith(root + sep) &&
    path
      .slice(root.length + 1)
      .split(sep)
      .slice(0, -1)
      .some((one) => one.startsWith('.'));
  if (inCache) return 'What is read in folders whose name begins with a dot counts only when "include" names it';
  if (statSync(path).size > 1024 * 1024)
    return 'What is read counts up to 1 MB, larger files only when "include" names them';
  return undefined;
}
