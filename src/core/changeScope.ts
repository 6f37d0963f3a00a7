/**
 * What a changed file means: the groups whose running code came from it, and what only a restart picks up. Pure: the
 * master tells which files each process loaded (path to digest) and what is on disk.
 */
import { ABSENT } from '../protocol/digest.ts';
import type { NeedsRestart } from '../protocol/status.ts';

/** Path to the digest of what was loaded; null = loaded, but never hashed. */
export type LoadedFiles = ReadonlyMap<string, string | null>;

export interface GroupFiles {
  readonly name: string;
  readonly reloadable: boolean;
  /** What each process of the group loaded that would stay if nothing were done: running workers, or the newest attempt. */
  readonly processes: readonly LoadedFiles[];
  readonly isExcluded: (file: string) => boolean;
  /** Files that count whether or not anybody loaded them, also those that come to be. */
  readonly isIncluded: (file: string) => boolean;
}

/** What the bootstrap script's process loaded. */
export interface BootstrapSet {
  readonly script: string;
  readonly loaded: LoadedFiles;
  readonly isExcluded: (file: string) => boolean;
}

/** The digest of what is on disk now; null when the file is gone. */
export type DiskDigest = string | null;

/** Whether what was loaded is something else than what is on disk. */
export function differs(loaded: string | null | undefined, disk: DiskDigest): boolean {
  if (loaded === ABSENT) return disk !== null;
  return loaded !== undefined && loaded !== null && loaded !== disk;
}

/** Whether any process of the group runs something else than what is on disk. */
export function isStaleIn(group: GroupFiles, file: string, disk: DiskDigest): boolean {
  if (group.isExcluded(file)) return false;
  const isKnown = group.processes.some((loaded) => loaded.has(file));
  // New since the processes started.
  if (!isKnown && group.processes.length > 0 && group.isIncluded(file)) return disk !== null;
  return group.processes.some((loaded) => differs(loaded.get(file), disk));
}

export function isLoadedBy(group: GroupFiles, file: string): boolean {
  return group.processes.some((loaded) => loaded.has(file)) || group.isIncluded(file);
}

export type Verdict = 'reload' | 'restart' | 'partial' | 'none';

export interface Scoped {
  readonly verdict: Verdict;
  /** Reloadable groups that loaded the file. */
  readonly reload: readonly string[];
  /** Groups that loaded it and do not reload. */
  readonly fixed: readonly string[];
  readonly inBootstrap: boolean;
}

/** What saving `file` with new content would do. */
export function scopeOf(file: string, groups: readonly GroupFiles[], bootstrap: BootstrapSet): Scoped {
  const users = groups.filter((group) => isLoadedBy(group, file) && !group.isExcluded(file));
  const reload = users.filter((group) => group.reloadable).map((group) => group.name);
  const fixed = users.filter((group) => !group.reloadable).map((group) => group.name);
  const inBootstrap = bootstrap.loaded.has(file) && !bootstrap.isExcluded(file);
  const needsRestart = inBootstrap || fixed.length > 0;
  const verdict = needsRestart ? (reload.length > 0 ? 'partial' : 'restart') : reload.length > 0 ? 'reload' : 'none';
  return { verdict, reload, fixed, inBootstrap };
}

export type RestartFlag = Pick<NeedsRestart, 'reason' | 'groups'>;

/** Why `file` as it is on disk now needs a restart; undefined when it does not (any more). */
export function restartFlag(
  file: string,
  disk: DiskDigest,
  groups: readonly GroupFiles[],
  bootstrap: BootstrapSet,
  isEnvFile: (file: string) => boolean,
): RestartFlag | undefined {
  const fixed = groups.filter((group) => !group.reloadable && isStaleIn(group, file, disk)).map((group) => group.name);
  const inBootstrap = !bootstrap.isExcluded(file) && differs(bootstrap.loaded.get(file), disk);
  if (!inBootstrap && fixed.length === 0) return undefined;
  if (isEnvFile(file)) return { reason: 'env-file', groups: fixed };
  if (!inBootstrap) return { reason: 'non-reloadable', groups: fixed };
  return { reason: file === bootstrap.script ? 'bootstrap' : 'bootstrap-import', groups: [] };
}
