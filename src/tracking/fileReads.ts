/**
 * Files that a program reads by itself until it is ready (settings, templates, certificates), and files that it writes:
 * those it reads as well are its data, whose change means nothing. `node:fs` is wrapped for it, each file is told of once.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ABSENT, digestOf } from '../protocol/digest.ts';
import type { Report } from '../protocol/workerMessages.ts';
import { callSite, isCompiling } from './callSite.ts';
import { isReadable, MAX_READ_BYTES } from './ownFiles.ts';

type Arguments = readonly unknown[];
/** What a call is about to read or to write, as it names it. */
type Touch = (args: Arguments) => { readonly reads?: unknown; readonly writes?: unknown; readonly lists?: unknown };

const reads: Touch = ([path]) => ({ reads: path });
const writes: Touch = ([path]) => ({ writes: path });
const writesSecond: Touch = ([, path]) => ({ writes: path });
const lists: Touch = ([path]) => ({ lists: path });
const opens: Touch = ([path, flags]) => (isForWriting(flags) ? { writes: path } : { reads: path });

/** Calls that only read are left alone again once the program is ready. */
const readers: Readonly<Record<string, Touch>> = {
  readFile: reads,
  readFileSync: reads,
  createReadStream: reads,
  readdir: lists,
  readdirSync: lists,
  opendir: lists,
  opendirSync: lists,
};
/** A removed file was the program's as well. */
const others: Readonly<Record<string, Touch>> = {
  open: opens,
  openSync: opens,
  writeFile: writes,
  writeFileSync: writes,
  appendFile: writes,
  appendFileSync: writes,
  rename: writesSecond,
  renameSync: writesSecond,
  copyFile: writesSecond,
  copyFileSync: writesSecond,
  unlink: writes,
  unlinkSync: writes,
  rm: writes,
  rmSync: writes,
};

/** A folder of more is one of data. */
const MOST_NAMES = 1000;

export interface FileReadsOptions {
  readonly report: (report: Report) => void;
  /** Only files below it count. */
  readonly root: string;
  /** Node, or a loader, reads it as a module: that is told already. */
  readonly isModule: (file: string) => boolean;
  readonly isReady: () => boolean;
}

export class FileReads {
  private readonly options: FileReadsOptions;
  private readonly read = new Set<string>();
  private readonly written = new Set<string>();
  private readonly restore: (() => void)[] = [];
  private readonly listed = new Set<string>();
  private readonly readFileSync = fs.readFileSync;
  private readonly readdirSync = fs.readdirSync;
  /** Our own look at a file is none of the program's. */
  private isLooking = false;

  constructor(options: FileReadsOptions) {
    this.options = options;
  }

  install(): void {
    for (const [name, touch] of Object.entries(readers)) {
      this.wrap(fs, name, touch, true);
      this.wrap(fs.promises, name, touch, true);
    }
    for (const [name, touch] of Object.entries(others)) {
      this.wrap(fs, name, touch, false);
      this.wrap(fs.promises, name, touch, false);
    }
    this.wrap(process, 'loadEnvFile', ([path]) => ({ reads: path ?? '.env' }), true);
    syncBuiltinESMExports();
  }

  /** From now on reads do not count: they serve requests. */
  onReady(): void {
    if (this.restore.length === 0) return;
    for (const restore of this.restore.splice(0)) restore();
    syncBuiltinESMExports();
  }

  private wrap(owner: object, name: string, touch: Touch, isReader: boolean): void {
    const descriptor = Object.getOwnPropertyDescriptor(owner, name);
    const original: unknown = descriptor?.value;
    if (!descriptor || typeof original !== 'function') return;
    const { take } = this;
    const wrapped = function (this: unknown, ...args: unknown[]): unknown {
      take(touch, args);
      return Reflect.apply(original, this, args);
    };
    // Its name, its length, and what `util.promisify` looks for.
    Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(original));
    Object.defineProperty(owner, name, { ...descriptor, value: wrapped });
    if (!isReader) return;
    this.restore.push(() => {
      const now: unknown = Object.getOwnPropertyDescriptor(owner, name)?.value;
      // Somebody else may have wrapped it meanwhile.
      if (now === wrapped) Object.defineProperty(owner, name, descriptor);
    });
  }

  private readonly take = (touch: Touch, args: Arguments): void => {
    if (this.isLooking) return;
    this.isLooking = true;
    try {
      const touched = touch(args);
      const written = this.pathOf(touched.writes);
      if (written !== undefined) this.onWrite(written);
      const read = this.options.isReady() ? undefined : this.pathOf(touched.reads);
      if (read !== undefined) this.onRead(read);
      const listed = this.options.isReady() ? undefined : this.pathOf(touched.lists);
      if (listed !== undefined) this.onList(listed);
    } catch {
      // The program's own call says what is wrong.
    } finally {
      this.isLooking = false;
    }
  };

  private onWrite(path: string): void {
    const file = this.realPath(path);
    if (this.written.has(file)) return;
    this.written.add(file);
    if (isReadable(file, this.options.root)) this.options.report({ r: 'write', file });
  }

  private onRead(path: string): void {
    if (this.read.has(path)) return;
    this.read.add(path);
    // Most reads are those of modules, which Node names by their real path.
    if (this.options.isModule(path) || !isReadable(path, this.options.root)) return;
    const file = this.realPath(path);
    if (this.options.isModule(file) || this.written.has(file)) return;
    const hash = this.look(file);
    if (hash === undefined) return;
    const from = callSite();
    this.options.report({ r: 'read', file, hash, parent: from?.file ?? null, line: from?.line ?? null });
  }

  /** What comes to be in a folder that a program loads from by its list is one of its files. */
  private onList(path: string): void {
    if (this.listed.has(path)) return;
    this.listed.add(path);
    const folder = this.realPath(path);
    if (!isReadable(join(folder, 'any'), this.options.root) || isCompiling()) return;
    const names = this.readdirSync(folder);
    if (names.length <= MOST_NAMES) this.options.report({ r: 'list', folder, names });
  }

  /** The digest just before the program reads it; undefined for what does not count. */
  private look(file: string): string | undefined {
    const stats = fs.statSync(file, { throwIfNoEntry: false });
    if (!stats) return ABSENT;
    if (!stats.isFile() || stats.size > MAX_READ_BYTES) return undefined;
    return digestOf(this.readFileSync(file));
  }

  private realPath(path: string): string {
    try {
      return fs.realpathSync.native(path);
    } catch {
      return path;
    }
  }

  /** Absolute; undefined for what is no path, such as the number of an open file. */
  private pathOf(given: unknown): string | undefined {
    if (typeof given === 'string') return resolve(given);
    if (given instanceof URL) return fileURLToPath(given);
    return Buffer.isBuffer(given) ? resolve(given.toString()) : undefined;
  }
}

/** As `fs.open` understands its flags: text such as "r" and "a+", a number, or left out. */
function isForWriting(flags: unknown): boolean {
  if (typeof flags === 'number') return (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0;
  return typeof flags === 'string' && /[wa+]/.test(flags);
}
