/** Who may make a change act, as it stands now: what was given at the start, what clients said since, and what is open in editors. */
import { counts, type Origin, type ReloadPolicy } from '../core/reloadPolicy.ts';
import type { ReloadOn } from '../protocol/status.ts';

/** One connection of a client; a window that shows files has one. */
export type Client = object;

export class Policy implements ReloadPolicy {
  isPaused = false;
  /** What the server was started with: an option, or the bootstrap script's. */
  private readonly given: () => ReloadOn | undefined;
  /** The setting of the window that connected last. */
  private setting: ReloadOn | undefined;
  /** What a person changed while the server ran. */
  private lastWord: ReloadOn | undefined;
  private readonly openIn = new Map<Client, ReadonlySet<string>>();

  constructor(given: () => ReloadOn | undefined) {
    this.given = given;
  }

  get reloadOn(): ReloadOn {
    return this.lastWord ?? this.given() ?? this.setting ?? 'change';
  }

  /** @param isLastWord somebody has just decided so; otherwise it is a setting as it stands, a default for what nobody said */
  setReloadOn(reloadOn: ReloadOn, isLastWord: boolean): void {
    if (isLastWord) this.lastWord = reloadOn;
    else this.setting = reloadOn;
  }

  /** Real paths of the files that the client shows in editors. */
  setOpen(client: Client, files: readonly string[]): void {
    this.openIn.set(client, new Set(files));
  }

  forget(client: Client): void {
    this.openIn.delete(client);
  }

  counts(origin: Origin, file: string): boolean {
    return counts(
      origin,
      this,
      [...this.openIn.values()].some((files) => files.has(file)),
    );
  }
}
