/** One change of the code that serves: the first start, a reload or a restart, from its request to its result. */
import type { ErrorInfo, Trigger } from '../protocol/status.ts';
import type { Group, GroupSpec } from './pool.ts';
import type { Scope } from './requests.ts';

export type Phase =
  /** Restart: the bootstrap script is evaluated anew. */
  | 'evaluate'
  /** `stop-first` groups: the changed files must compile before the first worker is asked to go. */
  | 'check'
  /** The first new worker of each group must become ready. Nothing has been touched so far. */
  | 'canary'
  /** Committed: slots are replaced one at a time. */
  | 'roll';

export interface Change {
  readonly id: number;
  readonly kind: 'start' | 'reload' | 'restart';
  readonly generation: number;
  readonly trigger: Trigger;
  readonly digest: string;
  readonly startedAt: number;
  scope: Scope;
  waiters: readonly number[];
  phase: Phase;
  /** When each phase began. */
  readonly began: { readonly phase: Phase; readonly at: number }[];
  /** Restart: the new definition, not in force before the commit. */
  next: readonly GroupSpec[] | null;
  /** Restart: groups that the new definition adds, with their canaries. */
  added: Group[];
  firstReadyAt: number | null;
  replaced: number;
  error: ErrorInfo | null;
}

export interface ChangeResult {
  readonly change: Change;
  readonly result: 'done' | 'rejected' | 'superseded' | 'stopped';
  readonly endedAt: number;
  /** Who gets this result. A superseded change has none: they get its successor's. */
  readonly waiters: readonly number[];
}

/** How long each phase took, in their order. */
export function phasesOf({ began }: Change, endedAt: number): { readonly name: Phase; readonly ms: number }[] {
  return began.map(({ phase, at }, index) => ({ name: phase, ms: Math.round((began[index + 1]?.at ?? endedAt) - at) }));
}

export function isCommitted(change: Change): boolean {
  return change.phase === 'roll';
}

export function concerns(change: Change, group: string, slot: number): boolean {
  const slots = change.scope.get(group);
  return slots === null || (slots?.includes(slot) ?? false);
}
