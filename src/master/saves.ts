/**
 * From a save to a request: the editor's word and the file system are two sources of one decision, content decides, and
 * what reloads is what loaded the file.
 */
import { onChange, onTime, type Burst } from '../core/debounce.ts';
import type { GroupFiles, LoadedFiles } from '../core/changeScope.ts';
import type { Trigger } from '../protocol/status.ts';
import { digestOf } from '../protocol/digest.ts';
import { EditorSaves } from './editorSaves.ts';
import { Disk, restartFlags, staleGroups, type Flag } from './files.ts';

/** A file that is gone counts as changed after this time: build cleaners and some editors delete before they write. */
const DELETED_AFTER_MS = 1000;
/** After this time a changed file is looked at again; an empty one counts as changed only then, since most programs empty a file before they write it. */
const SETTLED_AFTER_MS = 200;
const EMPTY = digestOf('');

export interface SavesParts {
  /** What the processes loaded that would go on if nothing were done. */
  readonly groups: () => GroupFiles[];
  readonly bootstrap: () => LoadedFiles;
  readonly script: string;
  /** Whether any process has to do with the file; notes it where an import was waiting for it. */
  readonly isOfInterest: (file: string) => boolean;
  readonly reload: (groups: readonly string[], trigger: Trigger) => void;
  /** What is on disk is known anew: flags may have come or gone. */
  readonly onKnown: () => void;
  readonly isHeld: (kind: 'save' | 'change', isManual: boolean) => boolean;
}

export class Saves {
  readonly disk = new Disk();
  /** Counts the contents that were acted on: requests with the same number act on the same. */
  version = 0;
  private readonly editor = new EditorSaves();
  private readonly actedOn = new Map<string, string | null>();
  private readonly parts: SavesParts;
  private readonly kinds = new Map<string, Trigger['kind']>();
  private burst: Burst | null = null;
  private timer: NodeJS.Timeout | undefined;
  private readonly looks = new Map<string, NodeJS.Timeout>();
  /** Files that changed while a change was running: looked at again when it has ended. */
  private readonly touched = new Set<string>();

  constructor(parts: SavesParts) {
    this.parts = parts;
  }

  /** The editor is about to write the file. */
  onSaving(file: string, isManual: boolean): void {
    this.editor.announced(file, isManual, performance.now());
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
    return this.act(file, 'save', isManual);
  }

  /** The file system tells that the file may have changed. */
  async onChanged(file: string): Promise<void> {
    if (!this.parts.isOfInterest(file)) return;
    const { digest, isNews } = await this.disk.look(file);
    if (isNews) this.lookAgain(file, digest === null ? DELETED_AFTER_MS : SETTLED_AFTER_MS);
    if (digest !== null && digest !== EMPTY) this.actOnChange(file, digest);
  }

  /**
   * chokidar drops events of a file within 50 ms of the last one, and an editor that truncates before it writes makes two:
   * what was read then may be half of it.
   */
  private lookAgain(file: string, ms: number): void {
    clearTimeout(this.looks.get(file));
    const timer = setTimeout(() => {
      this.looks.delete(file);
      void this.disk.look(file).then(({ digest, isNews }) => {
        if (isNews) this.lookAgain(file, ms);
        this.actOnChange(file, digest);
      });
    }, ms);
    timer.unref();
    this.looks.set(file, timer);
  }

  flags(): Flag[] {
    return restartFlags(this.disk, this.parts.groups(), this.parts.bootstrap(), this.parts.script);
  }

  /** Files whose change nobody has acted on, with the groups that would reload. */
  pending(): { file: string; groups: string[]; since: number }[] {
    const groups = this.parts.groups();
    return [...this.disk.known()].flatMap((file) => {
      const stale = staleGroups(file, this.disk, groups);
      return stale.length > 0 ? [{ file, groups: stale, since: this.disk.since(file) }] : [];
    });
  }

  onChangeBegan(): void {
    this.touched.clear();
  }

  /** What was saved while it ran may have been too late for some of its workers. */
  onChangeEnded(): void {
    const files = [...this.touched];
    this.touched.clear();
    this.request(files);
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const timer of this.looks.values()) clearTimeout(timer);
  }

  private actOnChange(file: string, digest: string | null): void {
    const save = this.editor.of(file, digest, performance.now());
    this.act(file, save ? 'save' : 'change', save?.isManual ?? false);
  }

  private act(file: string, kind: 'save' | 'change', isManual: boolean): boolean {
    this.countForRestart(file);
    this.parts.onKnown();
    if (this.parts.isHeld(kind, isManual)) return false;
    this.touched.add(file);
    if (staleGroups(file, this.disk, this.parts.groups()).length === 0) return false;
    if (kind === 'save' || !this.kinds.has(file)) this.kinds.set(file, kind);
    const step = onChange(this.burst, file, performance.now());
    this.burst = step.burst;
    this.request(step.act);
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
    if (!this.burst) return;
    this.timer = setTimeout(
      () => {
        const step = onTime(this.burst, performance.now());
        this.burst = step.burst;
        this.request(step.act);
        this.schedule();
      },
      Math.max(1, this.burst.quietAt - performance.now()),
    );
  }

  /** Asks for what is still stale now: an earlier change may have taken care of it. */
  private request(files: readonly string[]): void {
    const groups = this.parts.groups();
    const stale = new Set<string>();
    const causes: string[] = [];
    for (const file of files) {
      const concerned = staleGroups(file, this.disk, groups);
      if (concerned.length > 0) causes.push(file);
      const digest = this.disk.digest(file) ?? null;
      if (concerned.length > 0 && this.actedOn.get(file) !== digest) {
        this.actedOn.set(file, digest);
        this.version += 1;
      }
      for (const group of concerned) stale.add(group);
    }
    if (stale.size === 0) return;
    const isSaved = causes.some((file) => this.kinds.get(file) === 'save');
    for (const file of causes) this.kinds.delete(file);
    this.parts.reload([...stale], { kind: isSaved ? 'save' : 'change', files: causes });
  }
}
