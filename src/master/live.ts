/** Answers `wait`: when what is on disk serves in every slot, or why it will not by itself. */
import { isMissing, serving, servedGeneration, successor, type Group, type Slot } from '../core/pool.ts';
import type { ErrorInfo, NeedsRestart, ReloadReport, WaitReport } from '../protocol/status.ts';
import { UserError } from '../protocol/userError.ts';
import type { Builds } from './builds.ts';
import type { Facts } from './facts.ts';
import { everyFile } from './meaning.ts';
import type { Policy } from './policy.ts';
import type { ChangedFile, Saves } from './saves.ts';

export interface LiveParts {
  readonly facts: Facts;
  readonly saves: Saves;
  readonly policy: Policy;
  readonly builds: Pick<Builds, 'freshness'>;
  readonly name: () => string;
  readonly reloads: () => readonly ReloadReport[];
  readonly needsRestart: () => NeedsRestart[];
}

/** `busy` is what is waited for, in words; anything else stays as it is until something happens. */
type Judgement = Busy | WaitReport;

interface Busy {
  readonly busy: string;
  readonly recheckMs?: number;
  /** It may be the builder's turn, which removes its outputs before it fails. */
  readonly isOfFiles?: boolean;
}

/** Crashes in a row that are no accident any more. */
const REPEATED = 2;

export class Live {
  private readonly parts: LiveParts;
  private readonly waiters = new Set<() => void>();

  constructor(parts: LiveParts) {
    this.parts = parts;
  }

  /** Something is another now. */
  changed(): void {
    for (const wake of [...this.waiters]) wake();
  }

  /** @throws UserError `timeout`, `pending` when something is changed that will not act by itself, `no-server` when the server stops */
  async wait(timeoutMs: number): Promise<WaitReport> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      let judgement = this.judge();
      if (!('busy' in judgement)) {
        // Whatever runs, what a builder is about to write is what is on disk.
        const build = await this.notBuilt();
        if (build && !('busy' in build)) return build;
        // A file that was written a moment ago may not have been told of yet.
        const hasNews = build === undefined && (await this.parts.saves.lookAt(everyFile(this.parts.facts)));
        judgement = build ?? this.judge();
        if (!hasNews && !('busy' in judgement)) return judgement;
      } else if (judgement.isOfFiles) {
        const build = await this.notBuilt();
        if (build && !('busy' in build)) return build;
        judgement = build ?? judgement;
      }
      const ms = deadline - performance.now();
      if (ms <= 0) {
        const what = 'busy' in judgement ? judgement.busy : 'files go on changing';
        throw new UserError('timeout', `${this.parts.name()} does not serve what is on disk yet: ${what}.`);
      }
      if ('busy' in judgement) await this.change(Math.min(ms, judgement.recheckMs ?? ms));
    }
  }

  /** What keeps the outputs from being what is on disk; undefined when nothing does. */
  private async notBuilt(): Promise<Judgement | undefined> {
    const build = await this.parts.builds.freshness(this.parts.facts.definition);
    switch (build.is) {
      case 'fresh':
        return undefined;
      case 'busy':
        return { busy: build.what, recheckMs: build.recheckMs };
      case 'failed':
        return { live: false, report: null, error: build.error };
    }
  }

  private change(ms: number): Promise<void> {
    return new Promise((done) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.waiters.delete(wake);
        done();
      };
      const timer = setTimeout(wake, ms);
      this.waiters.add(wake);
    });
  }

  private judge(): Judgement {
    const { facts, saves } = this.parts;
    const { core } = facts;
    if (core.stopping) throw new UserError('no-server', `${this.parts.name()} is stopping.`);
    if (!facts.hasBegun || core.change?.kind === 'start') return { busy: 'it is starting' };
    if (core.change ?? core.queued) return { busy: `generation ${core.generation} is coming up` };
    const files = saves.notRun();
    // A file that only a failed attempt asked for is in none that serves.
    const changed = [...files, ...saves.pending()];
    const coming = changed.find(({ file }) => saves.prospect(file) === 'comes');
    if (coming) return { busy: `${facts.display(coming.file)} is about to be reloaded`, isOfFiles: true };
    this.refuseHeld(changed);
    const slots = core.groups.flatMap((group) => group.slots.filter(({ wanted }) => wanted));
    const missing = slots.filter((slot) => !serving(slot) && !slot.stopped);
    const reports = this.parts.reloads().filter(({ result }) => result !== 'superseded');
    // The last one for its groups stands for what is on disk of a file; later ones may have been for others.
    const lastFor = (file: ChangedFile): ReloadReport | undefined =>
      reports.find(({ groups }) => groups.some((name) => file.groups.includes(name)));
    const rejected = files.map(lastFor).find((one) => one?.error);
    if (rejected?.error) return { live: false, report: rejected, error: rejected.error };
    const report = reports[0] ?? null;
    const failing = missing.find((slot) => failsByItself(slot, core.groups));
    if (failing) return failed(failing, report);
    if (missing[0]) return { busy: `worker ${missing[0].index} is coming up` };
    if (slots.some((slot) => successor(slot))) return { busy: 'a worker is coming up' };
    return { live: true, generation: servedGeneration(core.groups), needsRestart: this.parts.needsRestart() };
  }

  private refuseHeld(files: readonly ChangedFile[]): void {
    const { facts, saves, policy } = this.parts;
    const named = (some: readonly ChangedFile[]): string =>
      [...new Set(some.map(({ file }) => facts.display(file)))].join(', ');
    const flapping = files.filter(({ file }) => saves.prospect(file) === 'flaps');
    if (flapping.length > 0) {
      throw new UserError(
        'pending',
        `${named(flapping)} changed again with each reload that it caused, and is left alone. Exclude it (--exclude), or act on it with graceful-reload reload.`,
      );
    }
    const held = files.filter(({ file }) => saves.prospect(file) === 'held');
    if (held.length === 0) return;
    const why = policy.isPaused
      ? ' while the server is paused. Act on it with graceful-reload resume.'
      : policy.reloadOn === 'never'
        ? ', and changes do not act by themselves (reloadOn: never). Act on it with graceful-reload reload.'
        : ', and an editor that shows it has not saved it by hand (reloadOn: manualSave). Save it there, or act on it with graceful-reload reload.';
    throw new UserError('pending', `${named(held)} changed${why}`);
  }
}
/** It waits for the next change, or goes on crashing: tried again, it may come up, but nothing that is awaited makes it. */
function failsByItself(slot: Slot, groups: readonly Group[]): boolean {
  const { backoff, crashes } = slot;
  if (!backoff) return false;
  if (isMissing(slot) && backoff.nextTryAt === null) return true;
  const isRejected = groups.some((group) => group.slots.includes(slot) && group.rejected !== null);
  return isRejected || crashes >= REPEATED;
}

function failed({ backoff }: Slot, report: ReloadReport | null): Judgement {
  const error: ErrorInfo = backoff!.exit.error;
  return { live: false, report: report?.result === 'rejected' ? report : null, error };
}
