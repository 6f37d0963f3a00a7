/**
 * Notices that git or a package manager is at work on the project: by git's lock, and by the files that nobody else
 * writes. Costs a watch on a few folders, never on what is in a package.
 */
import { existsSync, readFileSync, statSync, watch, type FSWatcher } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ToolWork } from '../core/toolWork.ts';

const LOCK = 'index.lock';
const LOCK_FILES = new Set([
  'package-lock.json',
  'npm-shrinkwrap.json',
  'pnpm-lock.yaml',
  'yarn.lock',
  '.pnp.cjs',
  'bun.lock',
  'bun.lockb',
]);
/** Other names with a dot in front are caches of build tools. */
const MANAGERS = new Set([
  '.package-lock.json',
  '.modules.yaml',
  '.pnpm',
  '.yarn-integrity',
  '.yarn-state.yml',
  '.bin',
]);

export class ToolWatch {
  readonly work = new ToolWork();
  private readonly folders: readonly string[];
  private readonly gitFolder: string | undefined;
  private readonly onWork: () => void;
  private readonly watchers = new Map<string, FSWatcher>();

  /**
   * @param root the start folder; a repository or workspace around it counts as well
   * @param onWork a tool went on, or is done
   */
  constructor(root: string, onWork: () => void) {
    this.onWork = onWork;
    this.folders = foldersUpwards(root);
    this.gitFolder = gitFolderOf(this.root);
  }

  /** The folder of the repository or workspace, where there is one. */
  get root(): string {
    return this.folders.at(-1)!;
  }

  /** Lets the system tell. Without it `look` still finds a lock that is there. */
  start(): void {
    const { gitFolder } = this;
    if (gitFolder !== undefined) {
      this.watch(gitFolder, (name) => {
        if (name !== LOCK) return;
        this.work.lockPassed(performance.now());
        this.look();
        this.onWork();
      });
    }
    for (const folder of this.folders) {
      this.watch(folder, (name) => {
        if (name === 'node_modules') this.watchPackages(folder);
        if (name === 'node_modules' || LOCK_FILES.has(name)) this.onPackages();
      });
      this.watchPackages(folder);
    }
  }

  /** Whether git's lock is there at this moment. */
  look(): void {
    if (this.gitFolder !== undefined) this.work.lockSeen(existsSync(join(this.gitFolder, LOCK)), performance.now());
  }

  dispose(): void {
    for (const watcher of this.watchers.values()) watcher.close();
  }

  /** Anew each time the folder came or went. */
  private watchPackages(folder: string): void {
    this.watch(join(folder, 'node_modules'), (name) => {
      if (!name.startsWith('.') || MANAGERS.has(name)) this.onPackages();
    });
  }

  private onPackages(): void {
    this.work.packagesWritten(performance.now());
    this.onWork();
  }

  private watch(folder: string, onEntry: (name: string) => void): void {
    this.watchers.get(folder)?.close();
    this.watchers.delete(folder);
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name !== null) onEntry(name);
      });
      // The folder is gone, or the system has no watches left: then nothing is held back for it.
      watcher.on('error', () => watcher.close());
      this.watchers.set(folder, watcher);
    } catch {
      // It is not there (yet).
    }
  }
}

/** From the start folder to the root of its repository; without one, as far as there are packages around it. */
function foldersUpwards(root: string): string[] {
  const all: string[] = [];
  for (let folder = root, parent = dirname(root); ; folder = parent, parent = dirname(folder)) {
    all.push(folder);
    if (existsSync(join(folder, '.git'))) return all;
    if (parent === folder) break;
  }
  const outermost = all.findLastIndex((folder) => existsSync(join(folder, 'package.json')));
  return all.slice(0, Math.max(outermost, 0) + 1);
}

/** Where git keeps its lock: in a linked worktree `.git` is a file that says so. */
function gitFolderOf(folder: string): string | undefined {
  const path = join(folder, '.git');
  try {
    if (statSync(path).isDirectory()) return path;
    const [, target] = /^gitdir: (.+)$/m.exec(readFileSync(path, 'utf8')) ?? [];
    return target === undefined ? undefined : resolve(folder, target);
  } catch {
    return undefined;
  }
}
