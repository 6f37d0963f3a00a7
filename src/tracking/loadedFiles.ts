/**
 * Which modules a process loads, with the edge parent to child and a digest of the file. The digest is of the bytes on
 * disk just before Node reads them: a save in between makes the file look changed, which costs a reload, never a lost save.
 */
import { readFileSync, statSync } from 'node:fs';
import Module from 'node:module';
import { dirname, isAbsolute, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ABSENT, digestOf } from '../protocol/digest.ts';
import { REPORT_FD } from '../protocol/worker.ts';
import type { Report } from '../protocol/workerMessages.ts';
import { isOurs, isPackaged, ownFilesData, packagesFolder } from './ownFiles.ts';

/** The name that a bootstrap script imports its types from; given by us where no such package is installed. */
const OWN_NAME = 'graceful-reload';

/** Longer than a program takes from the one to the other, and short enough for a file that is empty on purpose. */
const BEING_WRITTEN_MS = 200;
const MOST_TRIES = 20;

/** Told of every module that something asked for. `parent`: undefined for what Node itself asks for. */
export interface Resolution {
  readonly parent: string | undefined;
  readonly file: string;
  readonly url: string;
  readonly specifier: string;
  readonly isImport: boolean;
}

export interface LoadedFilesOptions {
  readonly report: (report: Report) => void;
  /** What `import 'graceful-reload'` gives when no such package is installed. */
  readonly indexFile: string;
  /** Where `module.registerHooks` cannot be used: it is missing, or an async loader is on a Node where the two break each other. */
  readonly asyncLoader: boolean;
  /** Not called where `module.registerHooks` cannot be used. */
  readonly onResolved?: (resolution: Resolution) => void;
}

/** Starts to report; answers whether a file was loaded so far. */
export function trackLoadedFiles(options: LoadedFilesOptions): (file: string) => boolean {
  const tracker = new Tracker(options);
  if (typeof Module.registerHooks === 'function' && !options.asyncLoader) {
    registerSyncHooks(tracker);
  } else {
    wrapCommonJs(tracker);
    registerAsyncHooks(options.indexFile);
  }
  trackLoaders(tracker);
  return (file) => tracker.isLoaded(file);
}

class Tracker {
  readonly indexFile: string;
  readonly onResolved: LoadedFilesOptions['onResolved'];
  private readonly report: LoadedFilesOptions['report'];
  private readonly loaded = new Set<string>();
  private readonly packages = new Set<string>();

  constructor(options: LoadedFilesOptions) {
    this.report = options.report;
    this.onResolved = options.onResolved;
    this.indexFile = options.indexFile;
  }

  isLoaded(file: string): boolean {
    return this.loaded.has(file);
  }

  edge(parent: string | undefined, file: string, specifier: string): void {
    if (this.isForeign(file) || (parent !== undefined && this.isForeign(parent))) return;
    this.report({ r: 'edge', parent: parent ?? null, file, specifier });
  }

  load(file: string): void {
    if (isOurs(file) || this.loaded.has(file)) return;
    if (isPackaged(file)) {
      this.loadPackage(packagesFolder(file));
      return;
    }
    this.loaded.add(file);
    // What cannot be read, which Node's own reading will tell, counts anew once it can.
    let hash = ABSENT;
    untilWritten(file);
    try {
      hash = digestOf(readFileSync(file));
    } catch {
      // Gone, or not allowed.
    }
    this.report({ r: 'load', file, hash });
  }

  missing(parent: string | undefined, specifier: string): void {
    if (parent !== undefined && this.isForeign(parent)) return;
    const near = /^\.{1,2}(\/|$)/.test(specifier) && parent !== undefined ? resolve(dirname(parent), specifier) : null;
    this.report({
      r: 'missing',
      parent: parent ?? null,
      specifier,
      near: near ?? (isAbsolute(specifier) ? specifier : null),
    });
  }

  private loadPackage(folder: string): void {
    if (this.packages.has(folder)) return;
    this.packages.add(folder);
    this.report({ r: 'packages', folder });
  }

  private isForeign(file: string): boolean {
    return isPackaged(file) || isOurs(file);
  }
}

function isEmpty(source: Module.ModuleSource | undefined): boolean {
  return typeof source === 'string' ? source === '' : source?.byteLength === 0;
}

/**
 * Most programs empty a file before they write it: one that has just been emptied is waited for, since half a save would
 * run as a program that says nothing.
 *
 * @returns whether it was written just now
 */
function untilWritten(file: string): boolean {
  for (;;) {
    const stat = statSync(file, { throwIfNoEntry: false });
    if (!stat?.isFile() || Date.now() - stat.ctimeMs > BEING_WRITTEN_MS) return false;
    if (stat.size > 0) return true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

/** A URL comes by as what is resolved, as what is loaded and as the parent of each import in it. */
const paths = new Map<string, string>();
/** A program may go on to import URLs that are always new. */
const MOST_PATHS = 20_000;

function pathOf(url: string | undefined): string | undefined {
  if (!url?.startsWith('file:')) return undefined;
  let path = paths.get(url);
  if (path === undefined) {
    if (paths.size >= MOST_PATHS) paths.clear();
    path = fileURLToPath(url);
    paths.set(url, path);
  }
  return path;
}

function registerSyncHooks(tracker: Tracker): void {
  Module.registerHooks({
    resolve(specifier, context, next) {
      const parent = pathOf(context.parentURL);
      const result =
        specifier === OWN_NAME
          ? nextOrOwn(() => next(specifier, context), tracker)
          : unlessMissing(
              () => next(specifier, context),
              () => tracker.missing(parent, specifier),
            );
      const file = pathOf(result.url);
      if (file !== undefined) {
        tracker.edge(parent, file, specifier);
        const asImport = isImport(context.conditions);
        // Some loaders read what a `require` resolved to themselves (tsx does): no hook would tell. An `import` always
        // comes to the other hook, and `import.meta.resolve` rightly does not.
        if (!asImport) tracker.load(file);
        tracker.onResolved?.({ parent, file, url: result.url, specifier, isImport: asImport });
      }
      return result;
    },
    load(url, context, next) {
      const file = pathOf(url);
      if (file !== undefined) tracker.load(file);
      let result = next(url, context);
      // Between the two reads somebody may have begun to write it; a source may also be empty by right.
      for (let tries = 0; tries < MOST_TRIES && file !== undefined && isEmpty(result.source); tries++) {
        if (!untilWritten(file)) break;
        result = next(url, context);
      }
      return result;
    },
  });
}

/** Our own package need not be installed. */
function nextOrOwn(next: () => Module.ResolveFnOutput, tracker: Tracker): Module.ResolveFnOutput {
  try {
    return next();
  } catch {
    return { url: pathToFileURL(tracker.indexFile).href, shortCircuit: true };
  }
}

/** So many lines of a stack are the hooks'. */
const HOOK_FRAMES = 10;

/**
 * Never catches the error: Node shows where it was thrown, and that would be here. Its stack is longer by what the hooks add,
 * so that the line that asked for the file stands in it.
 */
function unlessMissing<T>(find: () => T, onMissing: () => void): T {
  const limit = Error.stackTraceLimit;
  const isLimited = typeof limit === 'number' && limit > 0 && Object.isExtensible(Error);
  let found: T | undefined;
  if (isLimited) Error.stackTraceLimit = limit + HOOK_FRAMES;
  try {
    found = find();
    return found;
  } finally {
    if (isLimited) Error.stackTraceLimit = limit;
    if (found === undefined) onMissing();
  }
}

/** For a `require` they are a set, not the documented list (seen in 22.15). */
function isImport(conditions: Iterable<string> | undefined): boolean {
  for (const condition of conditions ?? []) if (condition === 'import') return true;
  return false;
}

type ResolveFilename = (
  request: string,
  parent: { filename?: string | null } | null,
  isMain: boolean,
  options?: object,
) => string;

/** CommonJS without hooks: every `require` resolves its file name through this one method (seen in 20 to 26; tsx and ts-node wrap it too). */
function wrapCommonJs(tracker: Tracker): void {
  const loader = Module as unknown as { _resolveFilename: ResolveFilename };
  const original = loader._resolveFilename;
  loader._resolveFilename = function (request, parent, isMain, options) {
    const resolved = (): string => original.call(this, request, parent, isMain, options);
    let file: string;
    if (request === OWN_NAME) {
      try {
        file = resolved();
      } catch {
        return tracker.indexFile;
      }
    } else file = unlessMissing(resolved, () => tracker.missing(parent?.filename ?? undefined, request));
    if (isAbsolute(file)) {
      tracker.edge(parent?.filename ?? undefined, file, request);
      tracker.load(file);
    }
    return file;
  };
}

/** The files of loaders that run in a thread of their own, of which no hook tells. */
function trackLoaders(tracker: Tracker): void {
  const register = Module.register;
  if (typeof register !== 'function') return;
  Module.register = ((specifier: string | URL, parent?: string | URL, ...rest: []) => {
    const base = typeof parent === 'string' || parent instanceof URL ? parent : undefined;
    const isPath = /^(?:file:|\.{0,2}\/)/.test(String(specifier));
    const url = isPath ? URL.parse(String(specifier), base) : null;
    if (url?.protocol === 'file:') tracker.load(fileURLToPath(url));
    register(specifier, parent, ...rest);
  }) as typeof register;
}

/** ES modules without sync hooks: a loader thread that writes to the same pipe. `module.register` is deprecated from 26 on, where `registerHooks` is always there. */
function registerAsyncHooks(indexFile: string): void {
  const source = `data:text/javascript,${encodeURIComponent(asyncHooksSource)}`;
  Module.register(source, {
    data: { fd: REPORT_FD, indexUrl: pathToFileURL(indexFile).href, ...ownFilesData },
  });
}

const asyncHooksSource = `
import { readFileSync, writeSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, resolve as resolvePath } from 'node:path';
import { fileURLToPath } from 'node:url';
let data;
const loaded = new Set();
export function initialize(given) { data = given; }
const pathOf = (url) => (url && url.startsWith('file:') ? fileURLToPath(url) : undefined);
const packages = new Set();
const isOurs = (file) => file.startsWith(data.ownFolder);
const isPackaged = (file) => file.includes(data.nodeModules) && !new RegExp(data.generated).test(file);
const isForeign = (file) => isOurs(file) || isPackaged(file);
function write(report) {
  const bytes = Buffer.from(JSON.stringify({ ...report, thread: true }) + '\\n');
  for (let done = 0; done < bytes.length; ) {
    try { done += writeSync(data.fd, bytes, done); } catch (error) { if (error.code !== 'EAGAIN') return; }
  }
}
export async function resolve(specifier, context, next) {
  const parent = pathOf(context.parentURL);
  let result;
  try { result = await next(specifier, context); } catch (error) {
    if (specifier === '${OWN_NAME}') return { url: data.indexUrl, shortCircuit: true };
    if (!parent || !isForeign(parent)) {
      const near = /^\\.{1,2}(\\/|$)/.test(specifier) && parent ? resolvePath(dirname(parent), specifier) : null;
      write({ r: 'missing', parent: parent ?? null, specifier, near });
    }
    throw error;
  }
  const file = pathOf(result.url);
  if (file && !isForeign(file) && !(parent && isForeign(parent))) write({ r: 'edge', parent: parent ?? null, file, specifier });
  return result;
}
export async function load(url, context, next) {
  const file = pathOf(url);
  if (file && !isOurs(file) && isPackaged(file)) {
    const folder = file.slice(0, file.indexOf(data.nodeModules) + data.nodeModules.length - 1);
    if (!packages.has(folder)) write({ r: 'packages', folder });
    packages.add(folder);
  } else if (file && !isForeign(file) && !loaded.has(file)) {
    loaded.add(file);
    let hash = '${ABSENT}';
    try { hash = createHash('sha1').update(readFileSync(file)).digest('base64url'); } catch {}
    write({ r: 'load', file, hash });
  }
  return next(url, context);
}
`;
