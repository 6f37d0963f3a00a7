/**
 * From a save to a request: the editor's word and the file system are two sources of one decision, content decides, and
 * what reloads is what loaded the file.
 */
import { statSync } from 'node:fs';
import type { GroupFiles, LoadedFiles } from '../core/changeScope.ts';
import { FlapGuard } from '../core/flapGuard.ts';
import { DELETED_AFTER_MS, Moments } from '../core/moments.ts';
import type { Origin } from '../core/reloadPolicy.ts';
import type { Trigger } from '../protocol/status.ts';
import { digestOf } from '../protocol/digest.ts';
import { EditorSaves } from './editorSaves.ts';
import { Disk, staleGroups, type Look } from './files.ts';
import type { Policy } from './policy.ts';
import type { ToolWatch } from './toolWatch.ts';

/** What a build deleted counts only after this time: it deletes all that it is about to write. */
const BUILT_WITHIN_MS = 60_000;
/** After this time a changed file is looked at again; an empty one counts as changed only then, since most programs empty a file before they write it. */
const SETTLED_AFTER_MS = 200;
/** For the look itself. */
const LOOK_MS = 50;
/** An empty file is looked at first after this time, and then ever later: what is written to it next the watch may not tell of. */
const EMPTY_LOOK_MS = 4;
/** Other saves wait this long for one that an editor has announced: a Save All announces them all. */
const ANNOUNCED_MS = 1000;
/** While changes wait for a tool its lock is looked for: not every file system tells of its end. */
const LONGEST_SLEEP_MS = 100;
const EMPTY = digestOf('');

export interface SavesParts {
  /** What the processes loaded that would go on if nothing were done. */
  readonly groups: () => GroupFiles[];
  /** What the processes loaded that serve. */
  readonly serving: () => GroupFiles[];
  readonly bootstrap: () => LoadedFiles;
  /** Whether a worker has said that it writes the file itself. */
  readonly isOwn: (file: string) => boolean;
  /** Whether any process has to do with the file; notes it where an import was waiting for it. */
  readonly isOfInterest: (file: string) => boolean;
  /** Whether a build runs that writes the file. */
  readonly isBuilt: (file: string) => boolean;
  /** Whether the file says of itself that a tool writes it. */
  readonly isGenerated: (file: string) => boolean;
  /** Whether one has told that it builds, and not yet that it is through. */
  readonly isBuilding: () => boolean;
  readonly policy: Policy;
  readonly tools: ToolWatch;
  readonly reload: (groups: readonly string[], trigger: Trigger) => void;
  /** Whether a change runs or waits. */
  readonly isChanging: () => boolean;
  /** What is on disk is known anew, of this file or of several: flags may have come or gone. */
  readonly onKnown: (file?: string) => void;
  /** The file changes with each reload that it causes, and is left alone from now on. */
  readonly onLeftAlone: (file: string) => void;
}

/** What becomes of a file that is not run as it is on disk: it `comes` by itself, is `held` back, `flaps`, or was `tried` in vain. */
export type Prospect = 'comes' | 'held' | 'flaps' | 'tried';

export interface ChangedFile {
  readonly file: string;
  readonly groups: string[];
  readonly since: number;
}

export class Saves {
  readonly disk = new Disk();
  /** Counts the contents that were acted on: requests with the same number act on the same. */
  version = 0;
  private readonly editor = new EditorSaves();
  private readonly actedOn = new Map<string, string | null>();
  /** By file: the content that the change which runs or waits was asked for. */
  private readonly requested = new Map<string, string | null>();
  private readonly parts: SavesParts;
  private readonly moments: Moments;
  private readonly guard = new FlapGuard();
  private timer: NodeJS.Timeout | undefined;
  private readonly looks = new Map<string, NodeJS.Timeout>();
  /** The same, of files that are empty. */
  private readonly emptyLooks = new Map<string, NodeJS.Timeout>();
  /** Files that the watch told of and that no process had loaded by then. */
  private readonly unclaimed = new Set<string>();
  /** Files that changed while a change was running: looked at again when it has ended. */
  private readonly touched = new Set<string>();

  constructor(parts: SavesParts) {
    this.parts = parts;
    this.moments = new Moments(parts.tools.work);
  }

  /** The editor is about to write the file. */
  onSaving(file: string, isManual: boolean): void {
    const now = performance.now();
    this.editor.announced(file, isManual, now);
    if (this.parts.isOfInterest(file)) this.moments.expect(file, now + ANNOUNCED_MS);
  }

  /**
   * The editor has written the file.
   *
   * @returns whether anything will be reloaded for it
   */
  async onSaved(file: string, isManual: boolean): Promise<boolean> {
    if (!this.parts.isOfInterest(file)) return false;
    const { digest } = await this.disk.look(file);
    this.editor.done(file, isManual, digest);
    return this.act(file, digest);
  }

  /** The file system tells that the file may have changed. */
  async onChanged(file: string): Promise<void> {
    if (!this.parts.isOfInterest(file)) {
      this.unclaimed.add(file);
      return;
    }
    this.moments.stirred(performance.now());
    const look = await this.disk.look(file);
    this.take(file, look);
    // A file that was written as it was, too: what follows closely is not told of.
    if (!look.isNews && isWritten(look.digest)) this.lookAgain(file, SETTLED_AFTER_MS);
  }

  /** A process told that it loaded the file; it may have changed in between, when nobody was known to run it. */
  onLoaded(file: string): void {
    if (this.unclaimed.delete(file)) void this.onChanged(file);
  }

  /**
   * Looks at the files themselves, without waiting to be told.
   *
   * @returns whether any of them had changed
   */
  async lookAt(files: Iterable<string>): Promise<boolean> {
    const looks = await this.disk.lookAtChanged(files);
    const news = looks.filter(({ file }) => this.parts.isOfInterest(file));
    for (const { file, look } of news) this.take(file, look);
    return news.length > 0;
  }

  private take(file: string, { digest, isNews }: Look): void {
    if (isNews) {
      const ms = digest === null ? DELETED_AFTER_MS : SETTLED_AFTER_MS;
      this.lookAgain(file, ms);
      if (digest === EMPTY) this.lookUntilWritten(file, EMPTY_LOOK_MS);
      if (!isWritten(digest)) this.expectBack(file, ms);
      else if (this.originOf(file).kind === 'change') this.moments.written(performance.now());
    }
    if (isWritten(digest)) this.act(file, digest);
  }

  /**
   * chokidar drops events of a file within 50 ms of the last one, and an editor that truncates before it writes makes two:
   * what was read then may be half of it.
   */
  private lookAgain(file: string, ms: number): void {
    clearTimeout(this.looks.get(file));
    const timer = setTimeout(() => {
      void this.disk.look(file).then(({ digest, isNews }) => {
        if (this.looks.get(file) === timer) this.looks.delete(file);
        const isAwaited = digest === null && (this.isComingBack(file) || this.othersAreWritten(file));
        if (isNews || isAwaited) this.lookAgain(file, ms);
        if (isAwaited) this.expectBack(file, ms);
        else this.act(file, digest);
      });
    }, ms);
    timer.unref();
    this.looks.set(file, timer);
  }

  /** Not one that was gone or empty as well when it was loaded: others would wait for it in vain. */
  private expectBack(file: string, ms: number): void {
    if (staleGroups(file, this.disk, this.parts.groups()).length > 0)
      this.moments.expect(file, performance.now() + ms + LOOK_MS);
  }

  /** A program that empties a file and writes it a little later is not to wait until the file would count as empty. */
  private lookUntilWritten(file: string, ms: number): void {
    clearTimeout(this.emptyLooks.get(file));
    this.emptyLooks.delete(file);
    if (ms >= SETTLED_AFTER_MS) return;
    const look = async (): Promise<void> => {
      const found = await this.disk.look(file);
      if (found.isNews) this.take(file, found);
      else if (found.digest === EMPTY) this.lookUntilWritten(file, 2 * ms);
    };
    this.emptyLooks.set(file, setTimeout(() => void look(), ms).unref());
  }

  /** What else a build writes meanwhile waits for it, so that nobody loads half of an output. */
  private isComingBack(file: string): boolean {
    return this.parts.isBuilt(file) && Date.now() - this.disk.since(file) < BUILT_WITHIN_MS;
  }

  /** A generator that takes its time has deleted them all before it writes them one after the other. */
  private othersAreWritten(file: string): boolean {
    const now = performance.now();
    return this.moments.isComingBack(now - (Date.now() - this.disk.since(file)), now);
  }

  /** Files whose change nobody has acted on, with the groups that would reload. */
  pending(): ChangedFile[] {
    return this.staleFiles(this.parts.groups());
  }

  /** Files that not every worker which serves runs as they are on disk. */
  notRun(): ChangedFile[] {
    return this.staleFiles(this.parts.serving());
  }

  /** Of a file that is not run as it is on disk. */
  prospect(file: string): Prospect {
    if (this.looks.has(file) || this.moments.isWaiting(file)) return 'comes';
    if (staleGroups(file, this.disk, this.parts.groups()).length === 0) return 'tried';
    if (!this.parts.policy.counts(this.originOf(file), file)) return 'held';
    return this.guard.isLeftAlone(file) ? 'flaps' : 'comes';
  }

  /** Files that change with each reload that they cause. */
  get flapping(): readonly string[] {
    return this.guard.leftAlone;
  }

  /** Somebody asked for a reload: from here on the files that were left alone count again. */
  onCommand(): void {
    this.guard.forgiveAll();
  }

  /** Who may make a change act is said anew, or an editor was closed: what may act now does so together. */
  reconsider(): void {
    this.request(
      this.pending()
        .map(({ file }) => file)
        // One that is gone or empty is looked at again, and acts then.
        .filter((file) => !this.moments.isWaiting(file) && !this.isBeingWritten(file)),
    );
  }

  private isBeingWritten(file: string): boolean {
    return this.looks.has(file) && !isWritten(this.disk.digest(file) ?? null);
  }

  onChangeBegan(): void {
    this.touched.clear();
  }

  /** What was saved while it ran may have been too late for some of its workers. */
  onChangeEnded(): void {
    if (!this.parts.isChanging()) {
      this.guard.ended(Date.now());
      this.requested.clear();
    }
    const files = [...this.touched].filter((file) => !this.moments.isWaiting(file));
    this.touched.clear();
    this.request(files);
  }

  /** A tool went on, or is done. */
  onTool(): void {
    this.schedule();
  }

  /** A builder may have begun, or be through. */
  onBuild(): void {
    if (this.parts.tools.work.buildSeen(this.parts.isBuilding(), performance.now())) this.schedule();
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const timer of [...this.looks.values(), ...this.emptyLooks.values()]) clearTimeout(timer);
  }

  private staleFiles(groups: readonly GroupFiles[]): ChangedFile[] {
    return [...this.disk.known()].flatMap((file) => {
      const stale = staleGroups(file, this.disk, groups);
      return stale.length > 0 ? [{ file, groups: stale, since: this.disk.since(file) }] : [];
    });
  }

  private originOf(file: string): Origin {
    const save = this.editor.of(file, this.disk.digest(file) ?? null, performance.now());
    return { kind: save ? 'save' : 'change', isManual: save?.isManual ?? false };
  }

  private act(file: string, digest: string | null): boolean {
    const now = performance.now();
    this.countForRestart(file);
    this.parts.onKnown(file);
    if (staleGroups(file, this.disk, this.parts.groups()).length === 0) {
      this.moments.forget(file);
      this.touched.add(file);
      return false;
    }
    const origin = this.originOf(file);
    if (!this.parts.policy.counts(origin, file)) return false;
    if (this.requested.has(file) && this.requested.get(file) === digest) {
      // Told of once more while its reload runs.
      this.touched.add(file);
      return true;
    }
    const isEditors = origin.kind === 'save';
    if (isEditors) this.guard.forgive(file);
    const verdict = isEditors
      ? ({ act: 'now' } as const)
      : this.guard.changed(file, digest, now, writtenAt(file), this.parts.isOwn(file));
    if (verdict.act === 'never') {
      if (this.moments.isWaiting(file)) this.moments.forget(file);
      this.parts.onLeftAlone(file);
      return false;
    }
    this.parts.tools.look();
    this.parts.tools.work.buildSeen(this.parts.isBuilding(), now);
    const notBefore = verdict.act === 'later' ? verdict.at : now;
    const isOutput = this.parts.isBuilt(file);
    const isGenerated = !isEditors && !isOutput && this.parts.isGenerated(file);
    this.request(this.moments.changed({ file, isEditors, isOutput, isGenerated, notBefore }, now));
    this.schedule();
    return true;
  }

  /** A restart that is asked for now acts on this content, and must not join one that began before it. */
  private countForRestart(file: string): void {
    const fixed = this.parts.groups().filter(({ reloadable }) => !reloadable);
    const sets = [this.parts.bootstrap(), ...fixed.flatMap(({ processes }) => processes)];
    const running = sets.find((loaded) => loaded.has(file))?.get(file);
    if (running === undefined) return;
    const digest = this.disk.digest(file) ?? null;
    const last = this.actedOn.has(file) ? this.actedOn.get(file) : running;
    if (last === digest) return;
    this.actedOn.set(file, digest);
    this.version += 1;
  }

  private schedule(): void {
    clearTimeout(this.timer);
    const now = performance.now();
    const at = this.moments.nextAt(now);
    if (at === null) return;
    // What the system told of while this process had no time is heard first.
    const wake = (): void => void setImmediate(() => void this.onTime());
    this.timer = setTimeout(wake, Math.min(Math.max(1, at - now), LONGEST_SLEEP_MS));
  }

  private async onTime(): Promise<void> {
    this.parts.tools.look();
    const files = this.moments.due(performance.now());
    this.schedule();
    if (files.length === 0) return;
    // The watch drops events of a file that follow closely: the last of several writes may not have been told of.
    const news = new Map((await this.disk.lookAtChanged(files)).map(({ file, look }) => [file, look]));
    const isBeingWritten = (file: string): boolean => news.has(file) && !isWritten(news.get(file)!.digest);
    this.request(files.filter((file) => !isBeingWritten(file)));
    for (const [file, look] of news) if (isBeingWritten(file)) this.take(file, look);
    this.parts.onKnown();
  }

  /** Asks for what is still stale now, and may still act: an earlier change may have taken care of it. */
  private request(files: readonly string[]): void {
    const groups = this.parts.groups();
    const stale = new Set<string>();
    const causes: string[] = [];
    for (const file of files) {
      const concerned = staleGroups(file, this.disk, groups);
      const isLeftAlone = this.guard.isLeftAlone(file);
      if (this.disk.digest(file) === null && this.isComingBack(file)) continue;
      if (concerned.length === 0 || isLeftAlone || !this.parts.policy.counts(this.originOf(file), file)) continue;
      causes.push(file);
      this.touched.add(file);
      const digest = this.disk.digest(file) ?? null;
      this.guard.acted(file, digest);
      this.requested.set(file, digest);
      if (this.actedOn.get(file) !== digest) {
        this.actedOn.set(file, digest);
        this.version += 1;
      }
      for (const group of concerned) stale.add(group);
    }
    if (stale.size === 0) return;
    const isSaved = causes.some((file) => this.originOf(file).kind === 'save');
    this.parts.reload([...stale], { kind: isSaved ? 'save' : 'change', files: causes });
  }
}

/** Not gone, and not empty as most programs leave a file before they write it. */
function isWritten(digest: string | null): boolean {
  return digest !== null && digest !== EMPTY;
}

/** In ms of the system's clock, as programs cannot set it; now where the file is gone. */
function writtenAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.ctimeMs ?? Date.now();
}
