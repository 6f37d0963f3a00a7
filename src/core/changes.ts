/** The way of a change: asked for, evaluated, checked, tried by its canaries, then committed or rejected. */
import type { ErrorInfo } from '../protocol/status.ts';
import { concerns, isCommitted, type Change, type ChangeResult, type Phase } from './change.ts';
import { applyDefinition } from './definition.ts';
import {
  anyServing,
  isComing,
  isMissing,
  newGroup,
  orderOf,
  serving,
  successor,
  type Group,
  type GroupSpec,
} from './pool.ts';
import { joins, mergeRequests, type Request } from './requests.ts';
import type { Roster } from './roster.ts';

export function applyRequest(roster: Roster, request: Request): void {
  if (roster.stopping) return;
  if (roster.change && joins(roster.change, request)) {
    roster.change.waiters = [...roster.change.waiters, ...request.waiters];
    return;
  }
  roster.queued = roster.queued ? mergeRequests(roster.queued, request) : request;
}

export function beginStart(roster: Roster): void {
  const change = newChange(roster, {
    kind: 'start',
    scope: new Map(roster.groups.map((group) => [group.spec.name, null])),
    trigger: { kind: 'command', files: [] },
    digest: 'start',
    waiters: [],
  });
  // Nothing is there that a canary could guard: each group comes up by itself.
  enter(roster, change, 'roll');
}

export function begin(roster: Roster, request: Request): void {
  roster.generation += 1;
  const change = newChange(roster, request);
  for (const group of roster.groups) {
    for (const slot of group.slots) {
      if (concerns(change, group.spec.name, slot.index) && change.trigger.kind !== 'crash') slot.crashes = 0;
    }
  }
  if (change.kind === 'restart') {
    enter(roster, change, 'evaluate');
    roster.out.push({ type: 'evaluate', change });
  } else {
    startCheck(roster, change);
  }
}

function enter(roster: Roster, change: Change, phase: Phase): void {
  change.phase = phase;
  change.began.push({ phase, at: roster.now });
}

function newChange(roster: Roster, from: Pick<Change, 'kind' | 'scope' | 'trigger' | 'digest' | 'waiters'>): Change {
  roster.change = {
    ...from,
    // The first start is none of the reloads that are counted for people.
    id: from.kind === 'start' ? 0 : ++roster.lastChange,
    generation: roster.generation,
    startedAt: roster.now,
    phase: 'canary',
    began: [],
    next: null,
    added: [],
    firstReadyAt: null,
    replaced: 0,
    error: null,
  };
  roster.out.push({ type: 'began', change: roster.change });
  return roster.change;
}

export function applyEvaluated(roster: Roster, changeId: number, outcome: readonly GroupSpec[] | ErrorInfo): void {
  const change = roster.change;
  if (change?.id !== changeId || change.phase !== 'evaluate') return;
  if (!isSpecs(outcome)) {
    reject(roster, change, outcome, []);
    return;
  }
  change.next = outcome;
  change.scope = new Map(outcome.map((spec) => [spec.name, null]));
  const present = new Set(roster.groups.map((group) => group.spec.name));
  change.added = outcome.filter((spec) => !present.has(spec.name)).map((spec) => newGroup(spec, change.generation));
  startCheck(roster, change);
}

/** Before a `stop-first` group loses a worker, or is new, what it would load must at least compile. */
function startCheck(roster: Roster, change: Change): void {
  const groups = guardedByCheck(roster, change);
  if (groups.length === 0) {
    startCanaries(roster, change);
    return;
  }
  enter(roster, change, 'check');
  roster.out.push({ type: 'check', change, groups: groups.map((group) => group.spec.name) });
}

function guardedByCheck(roster: Roster, change: Change): Group[] {
  return [...roster.groups.filter(anyServing), ...change.added].filter(
    (group) => change.scope.has(group.spec.name) && orderOf(group, roster.specFor(change, group)) === 'stop-first',
  );
}

export function applyChecked(roster: Roster, changeId: number, error: ErrorInfo | null): void {
  const change = roster.change;
  if (change?.id !== changeId || change.phase !== 'check') return;
  if (error) reject(roster, change, error, guardedByCheck(roster, change));
  else startCanaries(roster, change);
}

/** One for each group that reloads; none where two copies of a program must not run, not even for a moment. */
function startCanaries(roster: Roster, change: Change): void {
  enter(roster, change, 'canary');
  for (const group of [...roster.groups, ...change.added]) {
    if (!change.scope.has(group.spec.name)) continue;
    const spec = roster.specFor(change, group);
    if (!spec.reloadable || orderOf(group, spec) === 'stop-first') continue;
    const slots = group.slots.filter((slot) => concerns(change, spec.name, slot.index) && slot.index <= spec.workers);
    const slot = slots.find(isMissing) ?? slots.find((candidate) => !successor(candidate)) ?? slots[0];
    if (slot) roster.spawn(group, slot, change, change.generation, spec);
  }
}

export function planCanaries(roster: Roster, change: Change): void {
  const canaries = roster.allWorkers().filter((worker) => worker.change === change.id);
  if (canaries.some((worker) => worker.state.kind === 'starting')) return;
  commit(roster, change);
}

function commit(roster: Roster, change: Change): void {
  enter(roster, change, 'roll');
  if (change.next) applyDefinition(roster, change, change.next);
  for (const group of roster.groups) {
    if (change.scope.has(group.spec.name)) group.rejected = null;
    for (const slot of group.slots) {
      if (slot.wanted && concerns(change, group.spec.name, slot.index)) {
        slot.target = change.generation;
        slot.backoff = null;
      }
    }
  }
  for (const worker of roster.allWorkers()) {
    if (worker.change === change.id && worker.state.kind === 'standby') roster.admit(worker, roster.groupOf(worker));
  }
}

/**
 * The change did not come up: whatever has not been replaced serves on.
 *
 * @param failed the groups whose new code is to blame: while others of the group serve, its empty slots wait for the next change
 */
export function reject(roster: Roster, change: Change, error: ErrorInfo, failed: readonly Group[]): void {
  change.error = error;
  abandon(roster, change);
  for (const group of roster.groups) {
    const waits = failed.includes(group) && anyServing(group);
    if (failed.includes(group)) group.rejected = change.generation;
    for (const slot of group.slots) {
      if (!isMissing(slot) || slot.stopped) continue;
      // Its worker gave way to this change, or crashed when a successor was at hand: there is none any more.
      const isNewer = group.spec.reloadable && !isCommitted(change) && !failed.includes(group);
      slot.backoff ??= { exit: { code: null, signal: null, error }, nextTryAt: roster.now, isNewer };
      if (waits) slot.backoff = { ...slot.backoff, nextTryAt: null, isNewer: false };
    }
  }
  end(roster, change, 'rejected');
}

/** Ends the workers of a change that never served, and lets the other slots keep what they run. */
export function abandon(roster: Roster, change: Change): void {
  for (const worker of roster.allWorkers())
    if (worker.change === change.id && isComing(worker)) roster.kill(worker, false);
  for (const slot of roster.groups.flatMap((group) => group.slots))
    slot.target = (serving(slot) ?? successor(slot))?.generation ?? slot.target;
  roster.removed.push(...change.added);
  for (const slot of change.added.flatMap((group) => group.slots)) slot.wanted = false;
  change.added = [];
}

export function end(roster: Roster, change: Change, result: ChangeResult['result']): void {
  roster.change = null;
  const waiters = result === 'superseded' ? [] : change.waiters;
  roster.out.push({ type: 'ended', result: { change, result, endedAt: roster.now, waiters } });
}

function isSpecs(outcome: readonly GroupSpec[] | ErrorInfo): outcome is readonly GroupSpec[] {
  return Array.isArray(outcome);
}
