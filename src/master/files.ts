/**
 * Which files the running processes came from, and what is on disk. The master's memory of it; what follows from it is
 * decided in core/changeScope.
 */
import { readFile, stat } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { sep } from 'node:path';
import {
  isStaleIn,
  restartFlag,
  scopeOf,
  type GroupFiles,
  type LoadedFiles,
  type RestartFlag,
  type Scoped,
} from '../core/changeScope.ts';
import { digestOf } from '../protocol/digest.ts';
import type { Report } from '../protocol/workerMessages.ts';

export interface Edge {
  readonly parent: string | null;
  readonly specifier: string;
}

/** What one process loaded. */
export class ProcessFiles {
  readonly loaded = new Map<string, string | null>();
  /** By child: who asked for it. */
  readonly importers = new Map<string, Edge[]>();
  /** Where files would have to appear that an import did not find. */
  readonly missing = new Set<string>();

  add(report: Report): void {
    switch (report.r) {
      case 'load':
        if (!this.loaded.has(report.file)) this.loaded.set(report.file, report.hash);
        return;
      case 'edge': {
        const edges = this.importers.get(report.file) ?? [];
        edges.push({ parent: report.parent, specifier: report.specifier });
        this.importers.set(report.file, edges);
        return;
      }
      case 'missing':
        if (report.near !== null) this.missing.add(report.near);
        return;
      case 'error':
      case 'exiting':
        return;
    }
  }
}

/** The bootstrap script's graph with the text that runs, so that it can be compared with what is on disk. */
export interface BootstrapFiles {
  readonly files: ProcessFiles;
  readonly texts: ReadonlyMap<string, string>;
}

export const NO_BOOTSTRAP: BootstrapFiles = { files: new ProcessFiles(), texts: new Map() };

export function keepTexts(files: ProcessFiles): BootstrapFiles {
  return { files, texts: textsOf(files) };
}

/** The texts that a process runs, as far as they are still on disk. */
export function textsOf(files: ProcessFiles): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const [file, digest] of files.loaded) {
    // Nobody edits packages, and there may be thousands of files.
    if (file.includes(`${sep}node_modules${sep}`)) continue;
    try {
      const text = readFileSync(file);
      if (digestOf(text) === digest) texts.set(file, text.toString('utf8'));
    } catch {
      // Deleted meanwhile: then it is flagged, without a text to compare with.
    }
  }
  return texts;
}

export interface Look {
  readonly digest: string | null;
  /** Whether the content differs from what was known of the file. */
  readonly isNews: boolean;
}

/** A file that was written less than this before it was looked at may be written again without its times telling. */
const TELLING_AFTER_MS = 2000;
/** Files looked at at a time. */
const AT_A_TIME = 64;

export class Disk {
  private readonly digests = new Map<string, string | null>();
  private readonly changedAt = new Map<string, number>();
  private readonly lastTurn = new Map<string, number>();
  private readonly stamps = new Map<string, string>();
  private turns = 0;

  /** Reads the file. */
  async look(file: string): Promise<Look> {
    const turn = ++this.turns;
    let digest: string | null = null;
    // Before the content: a write in between makes the file look changed, never the other way round.
    const stamp = await stampOf(file);
    try {
      digest = digestOf(await readFile(file));
    } catch {
      // Deleted, or not readable: nothing could load it.
    }
    // Of two looks at a time the one that began later has seen the newer content, whichever ends first.
    if (turn < (this.lastTurn.get(file) ?? 0)) return { digest: this.digests.get(file) ?? null, isNews: false };
    this.lastTurn.set(file, turn);
    this.stamps.set(file, stamp);
    const isNews = this.digests.get(file) !== digest || !this.digests.has(file);
    if (isNews) this.changedAt.set(file, Date.now());
    this.digests.set(file, digest);
    return { digest, isNews };
  }

  /** Looks at those of the files that are not as they were when they were looked at last; answers with the ones that have another content. */
  async lookAtChanged(files: Iterable<string>): Promise<{ file: string; look: Look }[]> {
    const found: { file: string; look: Look }[] = [];
    const rest = [...files];
    while (rest.length > 0) {
      const looks = rest.splice(0, AT_A_TIME).map(async (file) => {
        const stamp = this.stamps.get(file);
        if (stamp !== undefined && stamp !== UNTOLD && stamp === (await stampOf(file))) return;
        const look = await this.look(file);
        if (look.isNews) found.push({ file, look });
      });
      await Promise.all(looks);
    }
    return found;
  }

  /** Undefined when nothing was ever heard of the file: then it is as it was loaded. */
  digest(file: string): string | null | undefined {
    return this.digests.get(file);
  }

  /** Whether nothing is known of the files that says that they have changed since. */
  agreesWith(loaded: ReadonlyMap<string, string | null>): boolean {
    return [...loaded].every(([file, digest]) => !this.digests.has(file) || this.digests.get(file) === digest);
  }

  since(file: string): number {
    return this.changedAt.get(file) ?? Date.now();
  }

  /** Every file that was looked at. */
  known(): IterableIterator<string> {
    return this.digests.keys();
  }
}

const UNTOLD = '';

/** What changes with every write; `UNTOLD` where that cannot be relied on. The time of the last change is not one that programs can set. */
async function stampOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = await stat(file, { bigint: true });
    const age = Date.now() - Number(ctimeMs);
    return age > TELLING_AFTER_MS ? `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}` : UNTOLD;
  } catch {
    return UNTOLD;
  }
}

export interface Flag extends RestartFlag {
  readonly file: string;
}

/** Reloadable groups that run something else than what is on disk. */
export function staleGroups(file: string, disk: Disk, groups: readonly GroupFiles[]): string[] {
  const digest = disk.digest(file);
  if (digest === undefined) return [];
  return groups.filter((group) => group.reloadable && isStaleIn(group, file, digest)).map((group) => group.name);
}

export function restartFlags(
  disk: Disk,
  groups: readonly GroupFiles[],
  bootstrap: LoadedFiles,
  script: string,
): Flag[] {
  const flags: Flag[] = [];
  for (const file of disk.known()) {
    const flag = restartFlag(file, disk.digest(file) ?? null, groups, bootstrap, script);
    if (flag) flags.push({ file, ...flag });
  }
  return flags;
}

export function scopeOfFile(file: string, groups: readonly GroupFiles[], bootstrap: LoadedFiles): Scoped {
  return scopeOf(file, groups, bootstrap);
}
