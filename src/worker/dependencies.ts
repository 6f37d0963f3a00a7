/**
 * Which packages the program loads until it is ready, for the next spare to load them ahead; and, where this was done
 * here, whether the program would have got the same. If not, another process starts that has loaded nothing ahead.
 */
import diagnosticsChannel from 'node:diagnostics_channel';
import Module from 'node:module';
import { pathOf } from '../tracking/callSite.ts';
import { isOurs, isPackaged } from '../tracking/ownFiles.ts';
import type { Resolution } from '../tracking/loadedFiles.ts';
import type { ReportPipe } from '../tracking/reportPipe.ts';
import type { ToWorker } from '../protocol/worker.ts';
import type { Dependency, Report } from '../protocol/workerMessages.ts';
import { Ahead, type Loaded } from './ahead.ts';
import type { Channel } from './channel.ts';
import { useCompileCache } from './compileCache.ts';
import { valueIn } from './loadWatch.ts';
import { Surroundings } from './surroundings.ts';

const ENV = 'env:';
/** A program that asks for more files of packages asks for them one by one. */
const MOST = 2000;
const IMPORT_START = 'tracing:module.import:start';

type Preload = Extract<ToWorker, { t: 'preload' }>;

interface Edge {
  readonly file: string;
  readonly isStatic: boolean;
}

export class Dependencies {
  private readonly channel: Channel;
  private readonly reports: ReportPipe;
  private readonly ahead: Ahead;
  private readonly canLoadAhead: boolean;
  private hooks = 0;
  private isCalledFor = false;
  /** As the program found it; undefined before it runs, and once it has started. */
  private before: Surroundings | undefined;
  private env: Readonly<NodeJS.ProcessEnv> = {};
  private readonly found = new Map<string, Dependency>();
  /** By file of the project ('': Node itself): what it asks for, in that order. */
  private readonly edges = new Map<string, Edge[]>();
  private readonly dynamic = new Set<string>();
  private readonly onImport = (event: unknown): void => {
    const { parentURL, url } = event as { parentURL?: string; url: string };
    if (parentURL !== undefined) this.dynamic.add(`${pathOf(parentURL) ?? ''} ${url}`);
  };

  private readonly quiet: () => Promise<void>;

  /**
   * @param canLoadAhead the hooks that see all modules are there
   * @param quiet resolves once nothing else is done in this process before its program
   */
  constructor(channel: Channel, reports: ReportPipe, canLoadAhead: boolean, quiet: () => Promise<void>) {
    this.channel = channel;
    this.reports = reports;
    this.canLoadAhead = canLoadAhead;
    this.quiet = quiet;
    this.ahead = new Ahead(
      (why, leaveOut) => this.startCold(why, leaveOut),
      () => this.hooks,
    );
  }

  /** Before anything else registers hooks. */
  install(): void {
    if (!this.canLoadAhead) return;
    this.countHooks('registerHooks');
    this.countHooks('register');
    this.channel.on('preload', (message) => void this.loadAhead(message));
    process.on('uncaughtExceptionMonitor', () => this.verify(false));
    process.on('exit', () => this.verify(false));
  }

  /** The process stands before the entry, perhaps for long: what takes time is done here. */
  onBooted(): void {
    if (this.canLoadAhead) this.before = new Surroundings(false, () => this.hooks);
  }

  /** The program is to run, with these variables. */
  async onGo(env: Readonly<Record<string, string>>): Promise<void> {
    this.ahead.aside(() => Object.assign(process.env, env));
    if (!this.canLoadAhead) return;
    this.isCalledFor = true;
    await this.ahead.stop();
    this.before = this.ahead.surroundings ?? this.before;
    this.env = { ...process.env };
    diagnosticsChannel.subscribe(IMPORT_START, this.onImport);
  }

  onReport(report: Report): void {
    if (this.ahead.isLoading) this.ahead.onReport(report);
  }

  /** Our own part of a report, which makes nothing go on. */
  aside(act: () => void): void {
    this.ahead.aside(act);
  }

  readonly onResolved = (resolution: Resolution): void => {
    const { parent, file } = resolution;
    if (this.ahead.isLoading) {
      this.ahead.onResolved(file);
      return;
    }
    if (!this.before || isOurs(file) || (parent !== undefined && (isPackaged(parent) || isOurs(parent)))) return;
    this.edge(resolution);
    if (parent === undefined || !isPackaged(file) || this.found.has(file) || this.found.size >= MOST) return;
    this.found.set(file, this.dependencyOf(resolution, parent));
  };

  /** The program is about to be ready: what it has loaded so far is what it needs to start. */
  settle(): void {
    if (!this.before || this.ahead.isLoading) return;
    this.verify(true);
    const isImported = ({ file, isImport }: Dependency): boolean => isImport && !this.ahead.loaded.has(file);
    const ordered = this.inOrder();
    // Takes its time, and most programs are about to listen now.
    const changed = ordered.some(isImported) ? this.changed() : [];
    const dependencies = ordered.map((each) => (isImported(each) ? { ...each, changed } : each));
    this.before = undefined;
    diagnosticsChannel.unsubscribe(IMPORT_START, this.onImport);
    if (dependencies.length === 0) return;
    // The program does not have to wait for it.
    setImmediate(() =>
      this.channel.send({ t: 'dependencies', dependencies, isCommonJs: process.mainModule !== undefined }),
    ).unref();
  }

  private async loadAhead({ dependencies, isCommonJs, compileCache }: Preload): Promise<void> {
    await this.quiet();
    const keepCompiled = useCompileCache(compileCache);
    const since = performance.now();
    await this.ahead.load(dependencies, isCommonJs);
    const ms = performance.now() - since;
    const { size } = this.ahead.loaded;
    this.channel.send({ t: 'preloaded', reports: this.reports.flush(), dependencies: size, ms });
    // A program that has been called for meanwhile does not wait for it.
    if (!this.isCalledFor) keepCompiled();
  }

  private dependencyOf({ file, url, isImport }: Resolution, from: string): Dependency {
    const loaded = this.ahead.loaded.get(file);
    // What is imported is evaluated later: it is looked at when everything is.
    if (isImport) return loaded?.dependency ?? { file, url, from, isImport, changed: [] };
    if (!loaded) return { file, url, from, isImport, changed: this.changed() };
    this.compare([loaded], () => this.unclaimed());
    this.compareOrder(file);
    return loaded.dependency;
  }

  /** Whether the program would have got the same packages had it loaded them itself; ends the process if not. */
  private verify(isComplete: boolean): void {
    if (!this.before || this.ahead.loaded.size === 0) return;
    const imports = [...this.ahead.loaded.values()].filter(({ dependency }) => dependency.isImport);
    if (imports.length > 0) this.compare(imports, () => imports);
    if (!isComplete) return;
    const [first, ...more] = this.unclaimed();
    if (first) this.startCold(`${first.dependency.file} is no longer loaded at the start`, filesOf([first, ...more]));
    const order = this.inOrder().filter(({ file, isImport }) => isImport && this.ahead.loaded.has(file));
    if (order.some(({ file }, index) => imports[index]?.dependency.file !== file)) this.refuseOrder();
  }

  /** @param all those that cannot be loaded ahead when the surroundings are others */
  private compare(loaded: readonly Loaded[], all: () => readonly Loaded[]): void {
    for (const { dependency, read } of loaded)
      for (const [name, value] of read)
        if (valueIn(process.env, name) !== value) {
          const readers = [...this.ahead.loaded.values()].filter((each) => each.read.has(name));
          this.startCold(`process.env.${name} is another than ${dependency.file} has read`, filesOf(readers));
        }
    const [change] = this.before?.changes() ?? [];
    if (change) this.startCold(`the program changes ${change.name} before it loads packages`, filesOf(all()));
  }

  /** Where one package may see what another one has added, they have to come in the same order. */
  private compareOrder(file: string): void {
    const [next] = this.unclaimed();
    if (next && next.dependency.file !== file) this.refuseOrder();
  }

  private refuseOrder(): void {
    const adding = [...this.ahead.loaded.values()].filter(({ adds }) => adds);
    if (adding.length > 0) this.startCold('packages are loaded in another order', filesOf(adding));
  }

  private unclaimed(): Loaded[] {
    return [...this.ahead.loaded.values()].filter(({ dependency }) => !this.found.has(dependency.file));
  }

  /** What the program has changed so far. */
  private changed(): string[] {
    const names = this.before?.changes().map(({ name }) => name) ?? [];
    for (const name of new Set([...Object.keys(process.env), ...Object.keys(this.env)]))
      if (process.env[name] !== this.env[name]) names.push(ENV + name);
    return names;
  }

  /** In the order in which they are evaluated: what is imported depth first, a dynamic `import` when it was asked for. */
  private inOrder(): Dependency[] {
    const order = new Set<string>();
    const visited = new Set<string>();
    const visit = (parent: string): void => {
      if (visited.has(parent)) return;
      visited.add(parent);
      for (const { file, isStatic } of this.edges.get(parent) ?? [])
        if (!isStatic) continue;
        else if (isPackaged(file)) order.add(file);
        else visit(file);
    };
    visit('');
    for (const [file, { isImport }] of this.found) if (!isImport) order.add(file);
    for (const file of this.found.keys()) order.add(file);
    return [...order].flatMap((file) => this.found.get(file) ?? []);
  }

  private edge({ parent, file, specifier, isImport }: Resolution): void {
    const edges = this.edges.get(parent ?? '') ?? [];
    edges.push({ file, isStatic: isImport && !this.dynamic.has(`${parent ?? ''} ${specifier}`) });
    this.edges.set(parent ?? '', edges);
  }

  private countHooks(name: 'registerHooks' | 'register'): void {
    const original = Module[name] as ((...args: unknown[]) => unknown) | undefined;
    if (typeof original !== 'function') return;
    const counted = (...args: unknown[]): unknown => {
      this.hooks += 1;
      return original(...args);
    };
    (Module as unknown as Record<string, unknown>)[name] = counted;
  }

  private startCold(why: string, leaveOut: readonly string[]): void {
    this.reports.write({ r: 'cold', why, leaveOut: [...leaveOut] });
    this.reports.flush();
    process.kill(process.pid, 'SIGKILL');
  }
}

const filesOf = (loaded: readonly Loaded[]): string[] => loaded.map(({ dependency }) => dependency.file);
