/** Changes of what serves, outside of the core: what a restart evaluates, what must compile, and what is told of each. */
import type { Change, ChangeResult } from '../core/change.ts';
import { servedGeneration, type GroupSpec } from '../core/pool.ts';
import { ABSENT } from '../protocol/digest.ts';
import type { Reaper } from '../platform/reaper.ts';
import type { Address, ErrorInfo } from '../protocol/status.ts';
import { isUserError, messageOf, UserError, wholeFile } from '../protocol/userError.ts';
import type { Builds } from './builds.ts';
import { evaluateBootstrap, type HostParts } from './bootstrapHost.ts';
import { compileCheck } from './compileCheck.ts';
import { withoutDebugger } from './debuggerEnv.ts';
import { declaredDefinition, plainDefinition, specsOf, type Declared } from './definitions.ts';
import { errorPlace, plainError, REFUSED_FLAGS } from './errors.ts';
import { keepTexts, NO_BOOTSTRAP, ProcessFiles, withoutEnvFiles } from './files.ts';
import { launchOf, readEnvironment, type Launch, type Program } from './launch.ts';
import type { Facts, StartedWith } from './facts.ts';
import type { Loop } from './loop.ts';
import { originOf } from './meaning.ts';
import type { ReloadLog } from './reloadLog.ts';
import type { Saves } from './saves.ts';
import type { WantedOptions } from './wantedOptions.ts';
import { placeText } from './terminal.ts';

/** The report of a reload waits this long for old workers to tell what they moved; those that drain longer are counted later. */
const SETTLE_MS = 250;

export interface ChangesParts {
  readonly loop: Loop;
  readonly reaper: Reaper;
  readonly reloads: ReloadLog;
  readonly saves: Saves;
  readonly builds: Builds;
  readonly wanted: WantedOptions;
  readonly addresses: () => Address[];
}

export class Changes {
  private readonly parts: ChangesParts;
  private readonly loop: Loop;
  private readonly facts: Facts;
  private lastDefinition = 1;
  /** By group that the present change is for: the changed files, as they were when it began. */
  private readonly asked = new Map<string, Map<string, string>>();
  private isReadyTold = false;

  constructor(parts: ChangesParts) {
    this.parts = parts;
    this.loop = parts.loop;
    this.facts = parts.loop.facts;
  }

  async evaluate(change: Change): Promise<void> {
    const { facts } = this;
    const startedWith = this.parts.wanted.next();
    const { options } = startedWith;
    if (!facts.isBootstrap) {
      const definition = { ...plainDefinition(options, startedWith.environment), number: ++this.lastDefinition };
      facts.next = { definition, bootstrap: NO_BOOTSTRAP, startedWith };
      const outcome = this.parts.builds.isMissing(definition) ? await this.built(change) : specsOf(definition);
      this.loop.enqueueLater({ type: 'evaluated', change: change.id, outcome });
      return;
    }
    const files = new ProcessFiles();
    let launch: Launch;
    try {
      const environment = readEnvironment(options.envFiles, startedWith.environment);
      const program: Program = { entry: options.script, nodeArgs: options.nodeArgs, cwd: options.cwd };
      this.loop.counting.began(files, program, environment);
      launch = launchOf({
        ...program,
        node: this.loop.parts.node,
        args: options.args,
        env: withoutDebugger({ ...environment.env, ...this.loop.parts.extraEnv }),
        role: 'bootstrap',
        root: options.cwd,
      });
    } catch (error) {
      const outcome = plainError('bootstrap-error', messageOf(error));
      this.loop.enqueueLater({ type: 'evaluated', change: change.id, outcome });
      return;
    }
    const outcome = await evaluateBootstrap(launch, files, this.hostParts());
    // A newer request may have taken its place meanwhile.
    if (this.facts.core.change?.id !== change.id) return;
    const declared = this.declared(files, outcome, startedWith);
    const isMissing = facts.next !== undefined && this.parts.builds.isMissing(facts.next.definition);
    this.loop.enqueue({
      type: 'evaluated',
      change: change.id,
      outcome: isMissing ? await this.built(change) : declared,
    });
  }

  /** An entry that is still to be written is waited for as long as nothing else is asked for. */
  private async built(change: Change): Promise<GroupSpec[] | ErrorInfo> {
    const { definition } = this.facts.next!;
    try {
      await this.parts.builds.written(definition, () => this.facts.core.change?.id !== change.id);
      return specsOf(definition);
    } catch (error) {
      return plainError('rejected', messageOf(error));
    }
  }

  private declared(
    files: ProcessFiles,
    outcome: Declared | ErrorInfo,
    startedWith: StartedWith,
  ): GroupSpec[] | ErrorInfo {
    const { facts } = this;
    if (!('definition' in outcome)) return outcome;
    try {
      const env = withoutEnvFiles(outcome.env, files);
      const definition = declaredDefinition(startedWith.options, { ...outcome, env }, ++this.lastDefinition);
      facts.next = { definition, bootstrap: keepTexts(files), startedWith };
      return specsOf(definition);
    } catch (error) {
      const { file, line, column } = (isUserError(error) && error.place) || wholeFile(facts.options.script);
      return { ...plainError('bootstrap-error', messageOf(error)), file: facts.display(file), line, column };
    }
  }

  private hostParts(): HostParts {
    return {
      output: this.loop.parts.errorOutput,
      log: this.loop.parts.log,
      display: (path) => this.facts.display(path),
      onSpawn: (pid) => this.parts.reaper.watch(pid),
      onExit: (pid) => this.parts.reaper.forget(pid),
      onReport: (files, report) => this.loop.takeReport(files, report),
    };
  }

  async check(change: Change, groups: readonly string[]): Promise<void> {
    const { facts } = this;
    let error: ErrorInfo | undefined;
    for (const name of groups) {
      const group = (facts.next?.definition ?? facts.definition).groups.get(name);
      if (!group || error) continue;
      const entries = change.kind === 'restart' ? [group.entry] : [];
      const changed = this.parts.saves
        .pending()
        .filter((file) => file.groups.includes(name))
        .map(({ file }) => file);
      const present = [...new Set([...entries, ...changed])].filter(
        (file) =>
          /\.[mc]?[jt]sx?$|\.json$/.test(file) &&
          originOf(facts, file) === undefined &&
          this.parts.saves.disk.digest(file) !== null,
      );
      if (present.length === 0) continue;
      const launch = launchOf({
        node: this.loop.parts.node,
        entry: group.entry,
        args: [],
        nodeArgs: group.options.nodeArgs,
        cwd: group.cwd,
        env: withoutDebugger({ ...group.inherited, ...group.options.env }),
        role: 'check',
        check: present,
      });
      error = await compileCheck(launch, (path) => this.facts.display(path), this.loop.parts.log);
      if (error) this.rememberAttempt(name, present);
    }
    this.loop.enqueue({ type: 'checked', change: change.id, error: error ?? null });
  }

  /** The compile check failed on this content: the same content is not tried again. */
  private rememberAttempt(group: string, files: readonly string[]): void {
    const attempt = new ProcessFiles();
    for (const file of files) attempt.loaded.set(file, this.parts.saves.disk.digest(file) ?? null);
    this.facts.attempts.set(group, attempt);
  }

  commit(): void {
    const { facts } = this;
    if (facts.next) {
      facts.definition = facts.next.definition;
      facts.bootstrap = facts.next.bootstrap;
      facts.startedWith = facts.next.startedWith;
      this.parts.wanted.compare();
      this.loop.parts.registry.rename(facts.definition.name ?? this.loop.parts.name, this.loop.parts.log);
    }
    facts.next = undefined;
    this.loop.reconsiderFiles();
  }

  began(change: Change): void {
    this.parts.saves.onChangeBegan();
    for (const group of change.scope.keys()) this.facts.attempts.delete(group);
    this.asked.clear();
    for (const { file, groups } of this.parts.saves.pending())
      for (const group of groups.filter((name) => change.scope.has(name)))
        this.askedOf(group).set(file, this.parts.saves.disk.digest(file) ?? ABSENT);
    if (change.kind !== 'start') this.loop.parts.terminal.began(change);
  }

  private askedOf(group: string): Map<string, string> {
    const asked = this.asked.get(group) ?? new Map<string, string>();
    this.asked.set(group, asked);
    return asked;
  }

  /**
   * It was rejected as a whole: what its groups had not come to is not tried again by itself either, be it a file that the
   * worker which failed would have loaded later, or a group whose turn had not come.
   */
  private rememberRejected(): void {
    const { attempts } = this.facts;
    for (const [group, files] of this.asked) {
      const attempt = attempts.get(group) ?? new ProcessFiles();
      for (const [file, digest] of files) if (!attempt.loaded.has(file)) attempt.loaded.set(file, digest);
      attempts.set(group, attempt);
    }
  }

  ended(result: ChangeResult): void {
    const { change } = result;
    this.facts.next = undefined;
    // After its workers, so that none of them meets a folder that is being built anew.
    if (change.kind === 'restart' && result.result !== 'superseded')
      void this.parts.builds.restart(this.facts.definition);
    if (result.result === 'rejected' && change.phase !== 'evaluate') this.rememberRejected();
    if (change.kind === 'start') {
      this.onStarted(change, result);
      return;
    }
    const report = this.parts.reloads.add(result, Date.now() - (result.endedAt - change.startedAt));
    if (result.result === 'superseded') {
      this.loop.parts.terminal.ended(change, report, 0, 0, this.facts.core.generation);
    } else {
      void this.settled(change).then(() => {
        const final = this.parts.reloads.report(change) ?? report;
        const served = servedGeneration(this.facts.core.groups);
        this.loop.parts.terminal.ended(change, final, this.slotsOf(change), served, null);
        this.parts.reloads.answer(result.waiters, final);
        this.loop.changed();
      });
    }
    queueMicrotask(() => this.parts.saves.onChangeEnded());
  }

  /** Old workers tell what they moved when they have drained; most do at once. */
  private settled(change: Change): Promise<void> {
    const leaving = [...this.facts.handles.values()].filter(({ drainedFor }) => drainedFor === change.id);
    const gone = Promise.all(leaving.map((handle) => new Promise((done) => handle.process.stdout.once('close', done))));
    return new Promise((done) => {
      const timer = setTimeout(done, SETTLE_MS);
      void gone.then(() => {
        clearTimeout(timer);
        done();
      });
    });
  }

  private onStarted(change: Change, { endedAt, result }: ChangeResult): void {
    const { name } = this.loop.parts.registry.entry;
    const { terminal } = this.loop.parts;
    if (change.error) {
      const place = change.error.file === null ? '' : ` at ${placeText(change.error)}`;
      const isTaken = change.error.code === 'EADDRINUSE' && servedGeneration(this.facts.core.groups) === 0;
      const isRefused = change.error.code === REFUSED_FLAGS && servedGeneration(this.facts.core.groups) === 0;
      if (isTaken || isRefused || !this.facts.options.watch) {
        this.loop.abort(
          new UserError(
            isTaken ? 'port-taken' : isRefused ? 'bootstrap-error' : 'internal',
            `${name} cannot be started: ${change.error.message}${place}`,
            errorPlace(change.error),
          ),
        );
        return;
      }
      terminal.failed(name, `${change.error.message}${place}. The next save starts it.`);
    } else if (result === 'done' && !this.isReadyTold) {
      this.isReadyTold = true;
      const groups = this.facts.core.groups;
      terminal.ready(name, groups.length, this.slotsOf(change), this.parts.addresses(), Math.round(endedAt));
    }
    queueMicrotask(() => this.parts.saves.onChangeEnded());
  }

  private slotsOf(change: Change): number {
    const inScope = this.facts.core.groups.filter((group) => change.scope.has(group.spec.name));
    return inScope.reduce((sum, group) => sum + (change.scope.get(group.spec.name)?.length ?? group.slots.length), 0);
  }
}
