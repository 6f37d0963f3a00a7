/**
 * Packages that a spare loads ahead of the program, as the last generation did: they are the same instances that the
 * program gets when it asks for them. What may not be loaded ahead spoils the process, which then makes room for another.
 */
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import vm from 'node:vm';
import { isOurs, isPackaged } from '../tracking/ownFiles.ts';
import { withoutWarnings } from '../platform/nodeWarnings.ts';
import type { Dependency, Report } from '../protocol/workerMessages.ts';
import { isAmong, LoadWatch, type Seen } from './loadWatch.ts';
import { MainModuleStandIn } from './mainModule.ts';
import { Surroundings } from './surroundings.ts';

export interface Loaded {
  readonly dependency: Dependency;
  /** The variables that it read, with what it got. */
  readonly read: ReadonlyMap<string, string | undefined>;
  /** It added something to what all code sees. */
  readonly adds: boolean;
}

export class Ahead {
  /** By file, in the order in which they were loaded. */
  readonly loaded = new Map<string, Loaded>();
  /** As it was when the last one was loaded; undefined when none was. */
  surroundings: Surroundings | undefined;
  isLoading = false;
  private readonly cold: (why: string, leaveOut: readonly string[]) => void;
  private readonly hooks: () => number;
  private readonly watch = new LoadWatch();
  private readonly stamps = new Map<string, string>();
  private isEnough = false;
  private over: Promise<void> = Promise.resolve();

  /**
   * @param cold ends the process: another one, that has not loaded these files, has to take its place
   * @param hooks counts how often hooks of the module loader were registered
   */
  constructor(cold: (why: string, leaveOut: readonly string[]) => void, hooks: () => number) {
    this.cold = cold;
    this.hooks = hooks;
  }

  /** Resolves once they are loaded, or those that were before the program was called for. */
  load(dependencies: readonly Dependency[], isCommonJs: boolean): Promise<void> {
    if (!this.isEnough) this.over = this.loadAll(dependencies, isCommonJs);
    return this.over;
  }

  /** The program is to run: resolves as soon as it may. */
  async stop(): Promise<void> {
    this.isEnough = true;
    await this.over;
    const edited = this.editedFile();
    if (edited !== undefined) this.cold(`${edited} has changed`, []);
  }

  /** What we do ourselves while packages are loaded. */
  aside(act: () => void): void {
    this.watch.aside(act);
  }

  /** A module was resolved while packages are loaded. */
  onResolved(file: string): void {
    if (isOurs(file) || this.stamps.has(file)) return;
    if (isPackaged(file)) this.stamps.set(file, stampOf(file));
    else this.watch.note(`it loads ${file}, which is the project's`);
  }

  onReport(report: Report): void {
    if (report.r === 'load' || report.r === 'read') this.watch.note(`it reads ${report.file}`);
    if (report.r === 'list') this.watch.note(`it lists ${report.folder}`);
    if (report.r === 'write') this.watch.note(`it writes ${report.file}`);
  }

  private async loadAll(dependencies: readonly Dependency[], isCommonJs: boolean): Promise<void> {
    const refused = new Map<string, string>();
    const standIn = isCommonJs ? new MainModuleStandIn((why) => this.watch.note(why)) : undefined;
    this.isLoading = true;
    standIn?.install();
    this.watch.install();
    const added = new Set<string>();
    let before = this.look();
    for (const dependency of dependencies) {
      // The program has made changes that no package made: only the program itself can load what comes after them.
      if (dependency.changed.some((name) => !name.startsWith(ENV) && !added.has(name))) continue;
      const seen = await this.watch.watch(() => this.loadOne(dependency));
      const changes = before.changes();
      const why = seen.why ?? reasonOf(dependency, seen, changes.find(({ isNew }) => !isNew)?.name);
      if (why !== undefined) refused.set(dependency.file, why);
      else this.loaded.set(dependency.file, { dependency, read: seen.read, adds: changes.length > 0 });
      for (const { name } of changes) added.add(name);
      if (changes.length > 0) before = this.look();
      await new Promise<void>((done) => setImmediate(done));
      if (this.isEnough) break;
    }
    this.watch.uninstall();
    standIn?.uninstall();
    this.isLoading = false;
    this.refuseMixed(refused);
    const [first] = refused;
    if (first) this.cold(`${nameOf(first[0])} cannot be loaded ahead: ${first[1]}`, [...refused.keys()]);
    if (this.loaded.size > 0) this.surroundings = this.look();
  }

  /** In which order `import` and `require` come to their packages is not known: none of these may see what another one does. */
  private refuseMixed(refused: Map<string, string>): void {
    const all = [...this.loaded.values()];
    if (new Set(all.map(({ dependency }) => dependency.isImport)).size < 2) return;
    for (const { dependency, adds } of all) if (adds) refused.set(dependency.file, 'it adds to globals');
  }

  private look(): Surroundings {
    return new Surroundings(true, this.hooks);
  }

  private loadOne({ file, url, from, isImport }: Dependency): void | Promise<void> {
    if (isImport) return importFrom(from, url);
    // By its path: so each `require` of the program still goes through the hooks.
    createRequire(from)(file);
  }

  private editedFile(): string | undefined {
    for (const [file, stamp] of this.stamps) if (stampOf(file) !== stamp) return file;
    return undefined;
  }
}

const ENV = 'env:';

function reasonOf({ changed }: Dependency, { read }: Seen, patched: string | undefined): string | undefined {
  if (patched !== undefined) return `it changes ${patched}`;
  const variables = changed.filter((each) => each.startsWith(ENV)).map((each) => each.slice(ENV.length));
  const name = [...read.keys()].find((each) => isAmong(each, variables));
  return name === undefined ? undefined : `it reads process.env.${name}, which the program sets first`;
}

/** As if the file of the project had asked for it. */
function importFrom(from: string, url: string): Promise<void> {
  const script = new vm.Script('(url) => import(url)', {
    filename: from,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const load = script.runInThisContext() as (url: string) => Promise<unknown>;
  return withoutWarnings(() => load(url)).then(() => undefined);
}

function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}` : '';
}

/** The package that the file is of. */
function nameOf(file: string): string {
  const parts = file.replace(/^.*[\\/]node_modules[\\/]/, '').split(/[\\/]/);
  return parts.slice(0, parts[0]?.startsWith('@') ? 2 : 1).join('/');
}
