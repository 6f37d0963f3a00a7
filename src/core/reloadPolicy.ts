/** Whether a change may act by itself, as whoever runs the server has said. What may not is remembered, not forgotten. */
import type { ReloadOn } from '../protocol/status.ts';

/** Where a change came from: a save in an editor, or anything else that wrote the file. */
export interface Origin {
  readonly kind: 'save' | 'change';
  /** A person asked for the save; false for auto save, and for what is no save. */
  readonly isManual: boolean;
}

export interface ReloadPolicy {
  readonly reloadOn: ReloadOn;
  readonly isPaused: boolean;
}

/** @param isOpen an editor shows the file: under `manualSave` its verdict is waited for */
export function counts(origin: Origin, { reloadOn, isPaused }: ReloadPolicy, isOpen: boolean): boolean {
  if (isPaused || reloadOn === 'never') return false;
  if (reloadOn === 'change') return true;
  return origin.kind === 'save' ? origin.isManual : !isOpen;
}
