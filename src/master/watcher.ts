/**
 * Watches the folders of loaded files, for changes that no editor tells of, and the folders that `include` means. Grows
 * with what is loaded, not with the workspace.
 */
import { statSync } from 'node:fs';
import { basename, dirname, extname, sep } from 'node:path';
import { globFor, isSkipped, startOf, type Glob } from './globs.ts';
import { LastingWatch, type LastingWatchParts } from './lastingWatch.ts';

/** Files next to a loaded one that an import may bring in. Others are watched once they are loaded. */
const SOURCES = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx', '.json']);

export class Watcher {
  private readonly folders: LastingWatch;
  /** Folders in which all sources are watched, and not only the files that were added. */
  private readonly sourceFolders = new Set<string>();
  private readonly added = new Set<string>();
  private readonly globs: Glob[] = [];

  /** @param parts `onFile` is also called once for each file when its folder is first watched, so that a save just before is seen */
  constructor(parts: Omit<LastingWatchParts, 'isWanted'>) {
    this.folders = new LastingWatch({ ...parts, isWanted: (path, isFolder) => this.isWanted(path, isFolder) });
  }

  /** Watches a file that was loaded, and its neighbours. */
  add(file: string): void {
    const folder = dirname(file);
    const isSource = SOURCES.has(extname(file)) && !file.includes('node_modules');
    const [known, path] = isSource ? [this.sourceFolders, folder] : [this.added, file];
    if (known.has(path)) return;
    known.add(path);
    this.folders.add(folder);
  }

  /** Watches all that the globs mean, also what comes to be. */
  include(globs: readonly Glob[]): void {
    const isKnown = ({ folder, pattern }: Glob): boolean =>
      this.globs.some((known) => known.folder === folder && known.pattern === pattern);
    for (const glob of globs.filter((one) => !isKnown(one))) {
      this.globs.push(glob);
      const start = startOf(glob);
      const isFolder = statSync(start, { throwIfNoEntry: false })?.isDirectory() ?? false;
      this.folders.add(isFolder ? start : dirname(start));
    }
  }

  close(): Promise<void> {
    return this.folders.close();
  }

  private isWanted(path: string, isFolder: boolean): boolean {
    // A link to a file does not count as one.
    if (this.added.has(path)) return true;
    if (isFolder) return this.globs.some((glob) => leadsInto(glob, path));
    const isSource = SOURCES.has(extname(path)) && this.sourceFolders.has(dirname(path));
    return isSource || globFor(this.globs, path) !== undefined;
  }
}

/** Whether what the glob means may lie in the folder. */
function leadsInto(glob: Glob, folder: string): boolean {
  const start = startOf(glob);
  return folder === start || (folder.startsWith(start + sep) && !isSkipped(basename(folder)));
}
