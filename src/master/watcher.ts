/** Watches the folders of loaded files, for changes that no editor tells of. Grows with what is loaded, not with the workspace. */
import { basename, dirname, extname, sep } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import type { Logger } from './logger.ts';

const SKIPPED = new Set(['node_modules', '.git']);
/** Files next to a loaded one that an import may bring in. Others are watched once they are loaded. */
const SOURCES = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx', '.json']);

export class Watcher {
  private readonly watcher: FSWatcher;
  private readonly folders = new Set<string>();
  private readonly extra = new Set<string>();

  /** @param onFile a file may have changed; also called once for each file when its folder is first watched, so that a save just before is seen */
  constructor(onFile: (file: string) => void, log: Logger, pollMs?: number) {
    this.watcher = watch([], {
      depth: 0,
      ignoreInitial: false,
      // Delays only deletions: an editor that saves by delete and write makes one event of it.
      atomic: 20,
      // Each file costs a look per interval; for mounts that do not tell of changes (network, shared folders).
      ...(pollMs === undefined ? {} : { usePolling: true, interval: pollMs, binaryInterval: pollMs }),
      ignored: (path, stats) => this.isIgnored(path, stats?.isFile() ?? false),
    });
    this.watcher.on('add', onFile);
    this.watcher.on('change', onFile);
    this.watcher.on('unlink', onFile);
    this.watcher.on('error', (error) =>
      log.error(
        `file watch: ${error instanceof Error ? error.message : String(error)}. Saves from the editor still count.`,
      ),
    );
  }

  /** Watches a file that was loaded, and its neighbours. */
  add(file: string): void {
    const isSource = SOURCES.has(extname(file));
    if (!isSource && !this.extra.has(file)) {
      this.extra.add(file);
      this.watcher.add(file);
    }
    const folder = dirname(file);
    if (!isSource || this.folders.has(folder)) return;
    this.folders.add(folder);
    this.watcher.add(folder);
  }

  async close(): Promise<void> {
    await this.watcher.close();
  }

  private isIgnored(path: string, isFile: boolean): boolean {
    if (isFile) return !SOURCES.has(extname(path)) && !this.extra.has(path);
    return SKIPPED.has(basename(path)) || path.includes(`${sep}node_modules${sep}`);
  }
}
