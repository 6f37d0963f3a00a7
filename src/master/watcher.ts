/**
 * Watches the folders of loaded files, for changes that no editor tells of, and the folders that `include` means. Grows
 * with what is loaded, not with the workspace.
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { watch, type ChokidarOptions, type FSWatcher } from 'chokidar';
import { globFor, isSkipped, startOf, type Glob } from './globs.ts';
import type { Logger } from './logger.ts';

/** Files next to a loaded one that an import may bring in. Others are watched once they are loaded. */
const SOURCES = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx', '.json']);
/** How often a watched folder that is gone is looked for. */
const LOST_MS = 500;

export class Watcher {
  private readonly watcher: FSWatcher;
  private readonly onFile: (file: string) => void;
  private readonly log: Logger;
  private readonly pollMs: number | undefined;
  /** Watched folders, and whether all sources in them are, or only the files that were added. */
  private readonly folders = new Map<string, 'sources' | 'added'>();
  private readonly added = new Set<string>();
  private readonly lost = new Map<string, NodeJS.Timeout>();
  private readonly globs: Glob[] = [];
  private included: FSWatcher | undefined;

  /** @param onFile a file may have changed; also called once for each file when its folder is first watched, so that a save just before is seen */
  constructor(onFile: (file: string) => void, log: Logger, pollMs?: number) {
    this.onFile = onFile;
    this.log = log;
    this.pollMs = pollMs;
    this.watcher = this.listen({ depth: 0, ignored: (path, stats) => this.isIgnored(path, stats?.isFile()) });
    this.watcher.on('unlinkDir', (folder) => this.onGone(folder));
  }

  /** Watches a file that was loaded, and its neighbours. */
  add(file: string): void {
    if (SOURCES.has(extname(file)) && !file.includes('node_modules')) this.addFolder(dirname(file), 'sources');
    else if (!this.added.has(file)) {
      this.added.add(file);
      this.addFolder(dirname(file), 'added');
      this.watcher.add(file);
    }
  }

  /** Watches all that the globs mean, also what comes to be. */
  include(globs: readonly Glob[]): void {
    const isKnown = ({ folder, pattern }: Glob): boolean =>
      this.globs.some((known) => known.folder === folder && known.pattern === pattern);
    for (const glob of globs.filter((one) => !isKnown(one))) {
      this.globs.push(glob);
      this.included ??= this.listen({ ignored: (path, stats) => this.isOutside(path, stats?.isFile()) });
      this.included.add(startOf(glob));
    }
  }

  async close(): Promise<void> {
    for (const timer of this.lost.values()) clearInterval(timer);
    await Promise.all([this.watcher.close(), this.included?.close()]);
  }

  private listen(options: ChokidarOptions): FSWatcher {
    const watcher = watch([], {
      ...options,
      ignoreInitial: false,
      // Delays only deletions: an editor that saves by delete and write makes one event of it.
      atomic: 20,
      // Each file costs a look per interval; for mounts that do not tell of changes (network, shared folders).
      ...(this.pollMs === undefined ? {} : { usePolling: true, interval: this.pollMs, binaryInterval: this.pollMs }),
    });
    for (const event of ['add', 'change', 'unlink'] as const) watcher.on(event, this.onFile);
    watcher.on('error', (error) =>
      this.log.error(
        `file watch: ${error instanceof Error ? error.message : String(error)}. Saves from the editor still count.`,
      ),
    );
    return watcher;
  }

  private addFolder(folder: string, what: 'sources' | 'added'): void {
    const known = this.folders.get(folder);
    if (known === 'sources' || known === what) return;
    this.folders.set(folder, what);
    // Its watch has passed over the sources that are there, and does not look again within a second.
    if (known) this.watcher.add(sourcesIn(folder));
    else this.watcher.add(folder);
  }

  private isIgnored(path: string, isFile: boolean | undefined): boolean {
    if (isFile === undefined || this.added.has(path) || this.folders.has(path)) return false;
    return !isFile || !SOURCES.has(extname(path)) || this.folders.get(dirname(path)) !== 'sources';
  }

  private isOutside(path: string, isFile: boolean | undefined): boolean {
    if (isFile === undefined || this.globs.some((glob) => startOf(glob) === path)) return false;
    return isFile ? !globFor(this.globs, path) : isSkipped(basename(path));
  }

  /** A checkout or a build may remove a folder and make it again, which no watch of ours survives. */
  private onGone(folder: string): void {
    if (!this.folders.has(folder) || this.lost.has(folder)) return;
    const look = (): void => {
      if (!existsSync(folder)) return;
      clearInterval(this.lost.get(folder));
      this.lost.delete(folder);
      this.watcher.add(folder);
    };
    this.lost.set(folder, setInterval(look, LOST_MS).unref());
    look();
  }
}

function sourcesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => SOURCES.has(extname(name)))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}
