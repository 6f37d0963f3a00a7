/** Takes in what changes on disk: who tells of it, whether and when it may act, and what clients ask about it. */
import type { Builds } from './builds.ts';
import type { ControlHandlers } from './controlServer.ts';
import type { Request } from '../core/requests.ts';
import type { Explanation, Flapping, NeedsRestart, PendingReload, Snapshot, Trigger } from '../protocol/status.ts';
import { isGenerated } from './generated.ts';
import type { Glob } from './globs.ts';
import { Live } from './live.ts';
import type { Loop } from './loop.ts';
import { allFiles, groupFiles, isOfInterest, servingFiles } from './meaning.ts';
import { Policy, type Client } from './policy.ts';
import type { ReloadLog } from './reloadLog.ts';
import { Saves } from './saves.ts';
import { ToolWatch } from './toolWatch.ts';
import { Watcher } from './watcher.ts';

export interface IntakeParts {
  readonly loop: Loop;
  readonly reloads: ReloadLog;
  readonly builds: Builds;
  readonly needsRestart: () => NeedsRestart[];
  readonly name: () => string;
  readonly reload: (scope: Request['scope'], trigger: Trigger) => void;
}

type Asked = 'wait' | 'pause' | 'resume' | 'reloadOn' | 'openFiles' | 'saving' | 'saved';

export class Intake {
  readonly saves: Saves;
  private readonly parts: IntakeParts;
  private readonly loop: Loop;
  private readonly policy: Policy;
  private readonly tools: ToolWatch;
  private readonly live: Live;
  private readonly watcher: Watcher | undefined;
  /** By file that is left alone: since when. */
  private readonly leftAlone = new Map<string, number>();

  constructor(parts: IntakeParts) {
    this.parts = parts;
    this.loop = parts.loop;
    const { facts } = parts.loop;
    const { options } = facts;
    this.policy = new Policy(() => facts.definition.reloadOn);
    this.tools = new ToolWatch(options.cwd, () => this.saves.onTool());
    this.saves = new Saves({
      groups: () => groupFiles(facts),
      serving: () => servingFiles(facts),
      bootstrap: () => facts.bootstrap.files.loaded,
      isBuilt: (file) => parts.builds.writes(file, facts.definition),
      isGenerated,
      isBuilding: () => parts.builds.isBuilding(),
      isOwn: (file) => allFiles(facts).some(({ written }) => written.has(file)),
      isOfInterest: (file) => isOfInterest(facts, file),
      policy: this.policy,
      tools: this.tools,
      reload: (groups, trigger) => parts.reload(new Map(groups.map((group) => [group, null])), trigger),
      isChanging: () => facts.core.change !== null || facts.core.queued !== null,
      onKnown: (file) => this.loop.reconsiderFiles(file),
      onLeftAlone: (file) => this.onLeftAlone(file),
    });
    this.live = new Live({
      facts,
      saves: this.saves,
      policy: this.policy,
      builds: parts.builds,
      name: parts.name,
      reloads: () => parts.reloads.history(),
      needsRestart: parts.needsRestart,
    });
    const { log } = parts.loop.parts;
    this.watcher = options.watch
      ? new Watcher({
          top: this.tools.root,
          onFile: (file) => void this.saves.onChanged(file),
          log,
          pollMs: options.poll,
        })
      : undefined;
    if (options.watch && options.poll === undefined) this.tools.start();
  }

  readonly handlers: Pick<ControlHandlers, Asked> = {
    wait: ({ timeout }) => this.live.wait(timeout),
    pause: () => this.setPaused(true),
    resume: () => this.setPaused(false),
    reloadOn: ({ reloadOn, lastWord }) => {
      this.policy.setReloadOn(reloadOn, lastWord);
      this.policyChanged();
      return { reloadOn: this.policy.reloadOn };
    },
    openFiles: ({ files }, client) => {
      this.policy.setOpen(client, files);
      this.policyChanged();
      return {};
    },
    saving: ({ file, manual }) => {
      this.saves.onSaving(file, manual);
      return {};
    },
    saved: async ({ file, manual }) => ({ acted: await this.saves.onSaved(file, manual) }),
  };

  watch(file: string): void {
    this.watcher?.add(file);
    this.saves.onLoaded(file);
  }

  /** Watches what is meant, also what comes to be. */
  watchGlobs(globs: readonly Glob[]): void {
    this.watcher?.include(globs);
  }

  /** Also what keeps a save from acting. */
  explain(explanation: Explanation): Explanation {
    if (explanation.verdict === 'none' || explanation.verdict === 'restart') return explanation;
    const held = this.policy.isPaused
      ? 'It waits until the server resumes: it is paused.'
      : this.policy.reloadOn === 'never'
        ? 'Nothing reloads by itself here (never): ask for it.'
        : this.watcher
          ? undefined
          : 'The file system is not watched (--no-watch): saves in a connected editor act, and commands.';
    return held === undefined ? explanation : { ...explanation, reason: `${explanation.reason} ${held}` };
  }

  /** What a snapshot says of it. */
  status(): Pick<Snapshot, 'paused' | 'reloadOn' | 'pendingReload' | 'flapping'> {
    const { isPaused: paused, reloadOn } = this.policy;
    return { paused, reloadOn, pendingReload: this.pendingReload(), flapping: this.flapping() };
  }

  /** The state of the server, or of a file, is another now. */
  changed(): void {
    this.saves.onBuild();
    this.live.changed();
  }

  /** Somebody asked for a reload or a restart. */
  onCommand(): void {
    this.saves.onCommand();
    this.leftAlone.clear();
  }

  /** A client has hung up: what only its window showed is no longer waited for. */
  onGone(client: Client): void {
    this.policy.forget(client);
    this.policyChanged();
  }

  dispose(): void {
    this.saves.dispose();
    this.tools.dispose();
    void this.watcher?.close();
    this.live.changed();
  }

  private setPaused(isPaused: boolean): { paused: boolean; pendingReload: PendingReload[] } {
    const { terminal } = this.loop.parts;
    if (isPaused !== this.policy.isPaused) {
      this.policy.isPaused = isPaused;
      if (isPaused) terminal.paused(this.parts.name());
      else terminal.resumed(this.parts.name());
      this.policyChanged();
    }
    return { paused: isPaused, pendingReload: this.pendingReload() };
  }

  private policyChanged(): void {
    if (!this.loop.facts.core.stopping) this.saves.reconsider();
    this.loop.changed();
  }

  private pendingReload(): PendingReload[] {
    return this.saves
      .notRun()
      .map(({ file, groups, since }) => ({ file: this.display(file), groups, since: new Date(since).toISOString() }));
  }

  private flapping(): Flapping[] {
    return this.saves.flapping.map((file) => ({
      file: this.display(file),
      exclude: this.display(file),
      since: new Date(this.leftAlone.get(file) ?? Date.now()).toISOString(),
    }));
  }

  private onLeftAlone(file: string): void {
    if (this.leftAlone.has(file)) return;
    this.leftAlone.set(file, Date.now());
    this.loop.parts.terminal.leftAlone(this.display(file), this.display(file));
    this.loop.changed();
  }

  private display(file: string): string {
    return this.loop.facts.display(file);
  }
}
