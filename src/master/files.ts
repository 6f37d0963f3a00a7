/**
 * Which files the running processes came from, and what is on disk. The master's memory of it; what follows from it is
 * decided in core/changeScope.
 */
import { readFile, stat } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { basename, dirname, extname, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { differs, isStaleIn, type GroupFiles } from '../core/changeScope.ts';
import { ABSENT, digestOf } from '../protocol/digest.ts';
import type { Environment } from './launch.ts';
import type { Report } from '../protocol/workerMessages.ts';

export interface Edge {
  readonly parent: string | null;
  readonly specifier: string;
  /** Of the call, where no import in the source would tell. */
  readonly line?: number | null;
}

/** How a file that is no module came to count. */
export type Origin =
  /** The program read it before it was ready. */
  | 'read'
  /** Part of the environment comes from it. */
  | 'env'
  /** It decides how the program is run: package.json, tsconfig.json. */
  | 'config'
  /** It stands for the packages that are installed. */
  | 'packages'
  /** `include` means it. */
  | 'include';

/** What one process loaded. */
export class ProcessFiles {
  readonly loaded = new Map<string, string | null>();
  /** Of those that are no modules. */
  readonly origins = new Map<string, Origin>();
  /** By child: who asked for it. */
  readonly importers = new Map<string, Edge[]>();
  /** Where files would have to appear that an import did not find. */
  readonly missing = new Set<string>();
  /** Folders that the program listed, with what was in them. */
  readonly listed = new Map<string, ReadonlySet<string>>();
  /** What the program writes itself. */
  readonly written = new Set<string>();
  /** Variables that only env files gave it. */
  fromEnvFiles: NodeJS.ProcessEnv = {};

  add(report: Report): void {
    switch (report.r) {
      case 'load':
        if (this.origins.delete(report.file) || !this.loaded.has(report.file))
          this.loaded.set(report.file, report.hash);
        return;
      case 'edge':
        this.edge(report.file, report);
        return;
      case 'read':
        if (this.loaded.has(report.file) || this.written.has(report.file)) return;
        this.count(report.file, report.hash, 'read');
        this.edge(report.file, { ...report, specifier: basename(report.file) });
        return;
      case 'write':
        this.written.add(report.file);
        this.forgetRead(report.file);
        return;
      case 'missing':
        if (report.near !== null) this.missing.add(report.near);
        return;
      case 'list':
        this.listed.set(report.folder, new Set(report.names));
        return;
      case 'packages':
      case 'cold':
      case 'error':
      case 'exiting':
        return;
    }
  }

  /** The file counts though it is no module. */
  count(file: string, digest: string, origin: Origin): void {
    if (this.loaded.has(file) && !this.origins.has(file)) return;
    this.loaded.set(file, digest);
    this.origins.set(file, origin);
  }

  takeEnvironment({ files, fromFiles }: Environment): void {
    for (const [file, digest] of files) this.count(file, digest, 'env');
    this.fromEnvFiles = fromFiles;
  }

  /** What the server itself writes is its data: that it changes means nothing. */
  forgetRead(file: string): void {
    if (this.origins.get(file) !== 'read') return;
    this.origins.delete(file);
    this.loaded.delete(file);
  }

  /** Whether an import waits for such a file to appear. */
  awaits(file: string): boolean {
    const stem = stemOf(file);
    return [...this.missing].some((near) => file === near || stem === stemOf(near) || stem === `${near}/index`);
  }

  /** Whether the program would find the file new in a folder that it listed, and from which it loads such modules. */
  wouldFind(file: string): boolean {
    for (let folder = dirname(file), name = basename(file); dirname(folder) !== folder;) {
      const names = this.listed.get(folder);
      if (names) return !names.has(name) && this.loadsFrom(folder, extname(file));
      name = basename(folder);
      folder = dirname(folder);
    }
    return false;
  }

  private loadsFrom(folder: string, ending: string): boolean {
    for (const [file, digest] of this.loaded)
      if (digest !== ABSENT && !this.origins.has(file) && extname(file) === ending && file.startsWith(folder + sep))
        return true;
    return false;
  }

  private edge(file: string, { parent, specifier, line }: Edge): void {
    const edges = this.importers.get(file) ?? [];
    edges.push({ parent, specifier, ...(line === undefined ? {} : { line }) });
    this.importers.set(file, edges);
  }
}

/** The environment of a process, without what only env files gave it: they are read anew for each worker. */
export function withoutEnvFiles(
  env: Readonly<Record<string, string>>,
  { fromEnvFiles }: ProcessFiles,
): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name, value]) => fromEnvFiles[name] !== value));
}

function stemOf(file: string): string {
  return file.replace(/\.(?:[mc]?[jt]sx?|json|node)$/, '');
}

/** The content of a file as it is loaded now. */
export function digestNow(file: string): string {
  try {
    return digestOf(readFileSync(file));
  } catch {
    return ABSENT;
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
  /** Files whose content has been another one than now. */
  private readonly changed = new Set<string>();
  private turns = 0;

  /** Reads the file. */
  async look(file: string): Promise<Look> {
    const turn = ++this.turns;
    let digest: string | null = null;
    // Before the content: a write in between makes the file look changed, never the other way round.
    const { stamp, isSmall } = await statusOf(file);
    try {
      digest = digestOf(await readWhole(file, isSmall));
    } catch {
      // Deleted, or not readable: nothing could load it.
    }
    // Of two looks at a time the one that began later has seen the newer content, whichever ends first.
    if (turn < (this.lastTurn.get(file) ?? 0)) return { digest: this.digests.get(file) ?? null, isNews: false };
    this.lastTurn.set(file, turn);
    this.stamps.set(file, stamp);
    const isFirst = !this.digests.has(file);
    const isNews = isFirst || this.digests.get(file) !== digest;
    if (isNews && !isFirst) this.changed.add(file);
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
        if (stamp !== undefined && stamp !== UNTOLD && stamp === (await statusOf(file)).stamp) return;
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
    return [...loaded].every(([file, digest]) => !this.digests.has(file) || !differs(digest, this.digests.get(file)!));
  }

  since(file: string): number {
    return this.changedAt.get(file) ?? Date.now();
  }

  /** The files that have changed: few, however many there are. */
  edited(): IterableIterator<string> {
    return this.changed.values();
  }

  /** A file whose content may have changed before anybody looked: it is as it is now. */
  lookNow(file: string): string | null {
    const turn = ++this.turns;
    const digest = digestNow(file);
    this.lastTurn.set(file, turn);
    this.digests.set(file, digest === ABSENT ? null : digest);
    return this.digests.get(file) ?? null;
  }

  /** Every file that was looked at. */
  known(): IterableIterator<string> {
    return this.digests.keys();
  }
}

/** They tell nothing of the file: it was not looked at. */
const MACHINE_TROUBLE = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EIO']);
const TROUBLE_PAUSE_MS = 100;

/** As soon as it can be read. */
async function readWhole(file: string, isSmall: boolean): Promise<Buffer> {
  for (;;) {
    try {
      // A save waits for it: read here it is there sooner than through the five steps in other threads.
      return isSmall ? readFileSync(file) : await readFile(file);
    } catch (error) {
      if (!MACHINE_TROUBLE.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
    await delay(TROUBLE_PAUSE_MS, undefined, { ref: false });
  }
}

const UNTOLD = '';
const SMALL_BYTES = 256 * 1024;

interface FileStatus {
  /** What changes with every write; `UNTOLD` where that cannot be relied on. The time of the last change is not one that programs can set. */
  readonly stamp: string;
  /** Read in no time; no pipe that nobody writes to. */
  readonly isSmall: boolean;
}

async function statusOf(file: string): Promise<FileStatus> {
  try {
    const stats = await stat(file, { bigint: true });
    const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = stats;
    const age = Date.now() - Number(ctimeMs);
    return {
      stamp: age > TELLING_AFTER_MS ? `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}` : UNTOLD,
      isSmall: stats.isFile() && size <= SMALL_BYTES,
    };
  } catch {
    return { stamp: UNTOLD, isSmall: false };
  }
}

/** Reloadable groups that run something else than what is on disk. */
export function staleGroups(file: string, disk: Disk, groups: readonly GroupFiles[]): string[] {
  const digest = disk.digest(file);
  if (digest === undefined) return [];
  return groups.filter((group) => group.reloadable && isStaleIn(group, file, digest)).map((group) => group.name);
}
