/**
 * A watch on folders that outlives them. Builds and checkouts remove a folder and make it again, or swap it by rename, and
 * a watch stays with what it was opened on: chokidar keeps it and tells of nothing any more. So each folder has a watch of
 * its own, which is opened anew once its entry in the folder above, or that of a folder further up, is another one.
 */
import { existsSync, lstatSync, readdirSync, statSync, type Dirent, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FSWatcher } from 'chokidar';
import { isWithin } from '../platform/within.ts';
import type { Logger } from './logger.ts';

/** How often a folder that is gone is looked for, where nothing tells of its return. */
const LOST_MS = 500;
/** How many of these looks a folder gets in which names came and went, but no file is missed. */
const LOOKS = 3;
/** How often files are looked at that the system does not watch for us. */
const UNWATCHED_POLL_MS = 500;
/** The system has no more watches to give, to anybody. */
const LIMITS = new Set(['ENOSPC', 'EMFILE', 'ENFILE']);
/** To look at them instead is not allowed either. */
const FORBIDDEN = new Set(['EACCES', 'EPERM']);

export interface LastingWatchParts {
  /** Folders above this one are not watched. */
  readonly top: string;
  /** Whether an entry of a watched folder counts; a folder that does is watched as well. */
  readonly isWanted: (path: string, isFolder: boolean) => boolean;
  /** A file may have changed; also called for each file of a folder when its watch begins or ends. */
  readonly onFile: (file: string) => void;
  readonly log: Logger;
  /** Looks at intervals, for mounts that do not tell of changes (network, shared folders); each file costs a look. */
  readonly pollMs: number | undefined;
}

/**
 * chokidar lists a folder and looks at each of its entries whenever one of them is written, which takes longer than all
 * else that a save costs where there are many. Each file has a watch of its own, and that names came or went is told as
 * such (`raw`): then the folder is read once.
 */
class FolderWatch extends FSWatcher {
  isListed = false;

  override _throttle(...[action, ...rest]: Parameters<FSWatcher['_throttle']>): ReturnType<FSWatcher['_throttle']> {
    return action === 'readdir' && this.isListed ? false : super._throttle(action, ...rest);
  }
}

export class LastingWatch {
  private readonly parts: LastingWatchParts;
  /** By folder, those above others first; null while there is none to watch. */
  private readonly watchers = new Map<string, FolderWatch | null>();
  /** Folders that count only as entries of others. */
  private readonly found = new Set<string>();
  /** By folder: the files that were told of. */
  private readonly told = new Map<string, Set<string>>();
  /** Of each folder that is watched. */
  private readonly inodes = new Map<string, bigint | undefined>();
  /** Folders with nothing watched above them in which names came or went: maybe they have gone as well. With how often to look. */
  private readonly doubted = new Map<string, number>();
  private readonly moved = new Set<string>();
  private readonly unread = new Set<string>();
  /** Folders whose watch broke: they are looked at instead. */
  private readonly broken = new Set<string>();
  /** What is watched from now on is looked at instead. */
  private isAtLimit = false;
  private soon: NodeJS.Immediate | undefined;
  private lostTimer: NodeJS.Timeout | undefined;

  constructor(parts: LastingWatchParts) {
    this.parts = parts;
  }

  /** Watches what counts in the folder; of one that is watched, what has come to count. */
  add(folder: string): void {
    this.found.delete(folder);
    if (this.watchers.has(folder)) {
      this.unread.add(folder);
      this.later();
      return;
    }
    if (folder !== this.parts.top && isWithin(folder, this.parts.top)) this.addAbove(dirname(folder));
    this.open(folder);
  }

  async close(): Promise<void> {
    clearImmediate(this.soon);
    clearInterval(this.lostTimer);
    await Promise.all([...this.watchers.values()].map(async (watcher) => watcher?.close()));
  }

  private addAbove(folder: string): void {
    this.found.delete(folder);
    if (!this.watchers.has(folder)) this.add(folder);
  }

  private open(folder: string): void {
    this.watchers.set(folder, null);
    this.inodes.set(folder, inodeOf(folder));
    if (!existsSync(folder)) {
      this.lookSometimes();
      return;
    }
    const { isWanted } = this.parts;
    const pollMs = this.pollMsOf(folder);
    const watcher = new FolderWatch({
      depth: 0,
      ignored: (path, stats) => stats !== undefined && path !== folder && !isWanted(path, !stats.isFile()),
      // Delays only deletions: an editor that saves by delete and write makes one event of it.
      atomic: 20,
      ...(pollMs === undefined ? {} : { usePolling: true, interval: pollMs, binaryInterval: pollMs }),
    });
    this.watchers.set(folder, watcher);
    for (const event of ['add', 'change', 'unlink'] as const) watcher.on(event, (file) => this.tell(folder, file));
    watcher.on('unlink', () => {
      // It may be there again, unnoticed.
      this.unread.add(folder);
      this.later();
      this.doubt(folder, Infinity);
    });
    watcher.on('add', () => this.doubted.delete(folder));
    watcher.on('addDir', (path) => path !== folder && this.onFound(path));
    watcher.on('raw', (event, name, details) => this.onRaw(folder, event, name, details as RawDetails));
    watcher.on('ready', () => {
      watcher.isListed = pollMs === undefined;
      // chokidar lists a folder before it watches it: what came in between.
      this.read(folder);
      this.lookForLost();
    });
    watcher.on('error', (error) => this.onTrouble(folder, watcher, error as NodeJS.ErrnoException, pollMs));
    watcher.add(folder);
  }

  /** The system does not tell that a folder is removed while a process is in it, as this one and the workers are in theirs. */
  private doubt(folder: string, looks: number): void {
    if (this.watchers.has(dirname(folder))) return;
    this.doubted.set(folder, Math.max(looks, this.doubted.get(folder) ?? 0));
    this.lookSometimes();
  }

  private lookSometimes(): void {
    this.lostTimer ??= setInterval(() => this.lookForLost(), LOST_MS).unref();
  }

  private pollMsOf(folder: string): number | undefined {
    return this.parts.pollMs ?? (this.isAtLimit || this.broken.has(folder) ? UNWATCHED_POLL_MS : undefined);
  }

  /** Each file that is not watched tells of it, and so does each look at one: what is told is what is new. */
  private onTrouble(
    folder: string,
    watcher: FSWatcher,
    error: NodeJS.ErrnoException,
    pollMs: number | undefined,
  ): void {
    if (this.watchers.get(folder) !== watcher) return;
    const { log } = this.parts;
    const { code = '', message } = error;
    const isTold = this.broken.has(folder) || (this.isAtLimit && LIMITS.has(code));
    this.broken.add(folder);
    if (pollMs !== undefined || FORBIDDEN.has(code)) {
      if (!isTold) log.error(`file watch of ${folder}: ${message}. Saves from the editor still count.`);
      return;
    }
    const instead = `looked at every ${UNWATCHED_POLL_MS} ms instead`;
    if (LIMITS.has(code)) {
      this.isAtLimit = true;
      if (!isTold)
        log.error(`file watch: the system has no watches left (${code}), files are ${instead}. ${remedyFor(code)}`);
    } else if (!isTold) log.error(`file watch of ${folder}: ${message}. Its files are ${instead}.`);
    this.moved.add(folder);
    this.later();
  }

  private tell(folder: string, file: string): void {
    const told = this.told.get(folder) ?? new Set();
    this.told.set(folder, told.add(file));
    this.parts.onFile(file);
  }

  /** A link may lead into a circle. */
  private onFound(folder: string): void {
    if (this.watchers.has(folder) || !lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
    this.found.add(folder);
    this.open(folder);
  }

  /** What the system says of a folder and its entries, or a look at it found. */
  private onRaw(folder: string, event: string, name: string | null, details: RawDetails): void {
    if ('curr' in details) {
      if (name !== folder) return;
      if (details.curr.ino !== details.prev.ino) this.moved.add(folder);
      else this.lookForLost();
    } else {
      if (details.watchedPath !== folder || event !== 'rename') return;
      this.unread.add(folder);
      this.doubt(folder, LOOKS);
      // Of a folder that goes itself its own name is told.
      const path = name === null || name === basename(folder) ? folder : join(folder, name);
      if (name !== null && this.watchers.has(path)) this.moved.add(path);
    }
    this.later();
  }

  /** All that is told at a time, and when no step of chokidar is under way. */
  private later(): void {
    this.soon ??= setImmediate(() => {
      this.soon = undefined;
      this.renew();
      for (const folder of this.unread) this.read(folder);
      this.unread.clear();
    });
  }

  /** All are closed before one is opened: chokidar shares what watches of the same path stand on. */
  private renew(): void {
    if (this.moved.size === 0) return;
    const folders = [...this.watchers.keys()].filter((folder) => [...this.moved].some((top) => isWithin(folder, top)));
    this.moved.clear();
    for (const folder of folders) {
      void this.watchers.get(folder)?.close();
      this.watchers.delete(folder);
    }
    for (const folder of folders) {
      if (!this.found.has(folder) || existsSync(folder)) this.open(folder);
      else this.found.delete(folder);
      const told = this.told.get(folder) ?? [];
      this.told.delete(folder);
      for (const file of told) this.parts.onFile(file);
    }
  }

  /** Watches the entries that count and are not watched yet; those that are gone have been told of by their own watch, unless that was too soon. */
  private read(folder: string): void {
    const watcher = this.watchers.get(folder);
    if (!watcher) return;
    const known = new Set(watcher.getWatched()[folder]);
    const entries = entriesOf(folder)?.map((entry) => ({
      path: join(folder, entry.name),
      isFolder: entry.isDirectory(),
    }));
    if (!entries) return;
    const news = entries.filter(
      ({ path, isFolder }) => !known.has(basename(path)) && this.parts.isWanted(path, isFolder),
    );
    const names = new Set(entries.map(({ path }) => basename(path)));
    for (const name of known) if (!names.has(name)) watcher._remove(folder, name);
    watcher.add(news.filter(({ isFolder }) => !isFolder).map(({ path }) => path));
    for (const { path } of news.filter(({ isFolder }) => isFolder)) this.onFound(path);
  }

  private lookForLost(): void {
    const lost = [...this.watchers].filter(([, watcher]) => watcher === null).map(([folder]) => folder);
    const back = lost.filter((folder) => existsSync(folder));
    for (const folder of back) this.open(folder);
    for (const [folder, looks] of this.doubted) {
      const isMoved = inodeOf(folder) !== this.inodes.get(folder);
      if (isMoved || looks <= 1) this.doubted.delete(folder);
      else this.doubted.set(folder, looks - 1);
      if (!isMoved) continue;
      this.moved.add(folder);
      this.later();
    }
    if (back.length < lost.length || this.doubted.size > 0) return;
    clearInterval(this.lostTimer);
    this.lostTimer = undefined;
  }
}

function remedyFor(code: string): string {
  if (process.platform !== 'linux') return 'Raise the limit of open files (ulimit -n) and start the server again.';
  const more =
    code === 'ENOSPC'
      ? 'sudo sysctl fs.inotify.max_user_watches=524288'
      : 'sudo sysctl fs.inotify.max_user_instances=1024, or a higher limit of open files (ulimit -n)';
  return `To have more: ${more}, and start the server again.`;
}

type RawDetails = { readonly watchedPath: string } | { readonly curr: Stats; readonly prev: Stats };

function inodeOf(folder: string): bigint | undefined {
  return statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino;
}

function entriesOf(folder: string): Dirent[] | undefined {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // Gone, or the machine is in trouble: nothing is known of them.
    return undefined;
  }
}
