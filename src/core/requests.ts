/** What clients, saves and crashes ask for: at most one change runs and at most one waits, and the newest is never lost. */
import type { Trigger } from '../protocol/status.ts';

/** The slots a change concerns, by group; null = all of the group. */
export type Scope = ReadonlyMap<string, readonly number[] | null>;

export interface Request {
  readonly kind: 'reload' | 'restart';
  readonly scope: Scope;
  readonly trigger: Trigger;
  /** Names the content it acts on: a request with the digest and scope of one that runs or waits joins it. */
  readonly digest: string;
  /** Who waits for the result. */
  readonly waiters: readonly number[];
}

export function mergeScopes(a: Scope, b: Scope): Scope {
  const merged = new Map(a);
  for (const [group, slots] of b) {
    const present = merged.get(group);
    if (present === undefined) merged.set(group, slots);
    else if (present === null || slots === null) merged.set(group, null);
    else
      merged.set(
        group,
        [...new Set([...present, ...slots])].sort((x, y) => x - y),
      );
  }
  return merged;
}

export function covers(outer: Scope, inner: Scope): boolean {
  return [...inner].every(([group, slots]) => {
    const have = outer.get(group);
    if (have === undefined) return false;
    return have === null || (slots !== null && slots.every((slot) => have.includes(slot)));
  });
}

/** `newer` on top of `older`: what either asked for is done once, restart beats reload, all waiters get the result. */
export function mergeRequests(older: Request, newer: Request): Request {
  return {
    kind: older.kind === 'restart' ? 'restart' : newer.kind,
    scope: mergeScopes(older.scope, newer.scope),
    trigger: { kind: newer.trigger.kind, files: [...new Set([...newer.trigger.files, ...older.trigger.files])] },
    digest: newer.digest,
    waiters: [...older.waiters, ...newer.waiters],
  };
}

/** Whether `newer` asks for nothing that `present` does not do already. */
export function joins(
  present: { readonly kind: 'start' | Request['kind'] } & Pick<Request, 'scope' | 'digest'>,
  newer: Request,
): boolean {
  const strongEnough = present.kind === 'restart' || newer.kind === 'reload';
  return strongEnough && present.digest === newer.digest && covers(present.scope, newer.scope);
}
