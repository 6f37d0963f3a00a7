/** The status document, as a function of what the master knows. */
import { isMissing, orderOf, serving, servedGeneration, type Group, type Slot } from '../core/pool.ts';
import type { Worker } from '../core/workerState.ts';
import {
  STATUS_VERSION,
  type Address,
  type ErrorInfo,
  type GroupStatus,
  type ReloadOn,
  type ReloadReport,
  type Snapshot,
  type WorkerStatus,
} from '../protocol/status.ts';
import type { Facts } from './facts.ts';
import type { GroupDefinition } from './definitions.ts';
import type { WorkerHandle } from './workerHandle.ts';

export interface SnapshotParts {
  readonly name: string;
  readonly addressesOf: (group: string) => readonly Address[];
  /** How many processes of the group stand before their entry. */
  readonly sparesOf: (group: string) => number;
  /** How many files of packages each of them has loaded already. */
  readonly loadedAheadOf: (group: string) => number;
  readonly needsRestart: Snapshot['needsRestart'];
  readonly paused: boolean;
  readonly reloadOn: ReloadOn;
  readonly pendingReload: Snapshot['pendingReload'];
  readonly flapping: Snapshot['flapping'];
  readonly builds: Snapshot['builds'];
  readonly reloads: ReloadReport[];
  /** Where a debugger of that worker connects. */
  readonly inspectPortOf: (handle: WorkerHandle) => number | null;
}

export function snapshotOf(facts: Facts, parts: SnapshotParts): Snapshot {
  const { core, options } = facts;
  // What the first process will be is not known yet.
  const groups = facts.isBootstrap === null ? [] : core.groups;
  const groupFacts = {
    handleOf: ({ id }: Worker) => facts.handles.get(id),
    inspectPortOf: parts.inspectPortOf,
    wallClock: (ms: number) => facts.startedAt + ms,
    display: (path: string) => facts.display(path),
  };
  return {
    version: STATUS_VERSION,
    name: parts.name,
    pid: process.pid,
    kind: 'node',
    state: core.serverState(),
    generation: servedGeneration(core.groups),
    startedAt: iso(facts.startedAt),
    cwd: options.cwd,
    script: facts.display(options.script),
    task: facts.startedWith.task?.name ?? null,
    bootstrap: facts.isBootstrap,
    paused: parts.paused,
    reloadOn: parts.reloadOn,
    addresses: core.groups.flatMap(({ spec }) => parts.addressesOf(spec.name)),
    groups: groups.map((group) =>
      groupStatus(group, {
        ...groupFacts,
        definition: facts.definition.groups.get(group.spec.name),
        addresses: parts.addressesOf(group.spec.name),
        spares: parts.sparesOf(group.spec.name),
        loadedAhead: parts.loadedAheadOf(group.spec.name),
      }),
    ),
    needsRestart: parts.needsRestart,
    pendingReload: parts.pendingReload,
    flapping: parts.flapping,
    builds: parts.builds,
    lastReload: parts.reloads[0] ?? null,
    reloads: parts.reloads,
    error: slotError(groups),
  };
}

interface GroupFacts {
  readonly definition: GroupDefinition | undefined;
  readonly addresses: readonly Address[];
  readonly spares: number;
  readonly loadedAhead: number;
  readonly handleOf: (worker: Worker) => WorkerHandle | undefined;
  readonly inspectPortOf: SnapshotParts['inspectPortOf'];
  /** Turns the core's clock into wall clock. */
  readonly wallClock: (ms: number) => number;
  readonly display: (path: string) => string;
}

const NO_PROCESS = {
  pid: null,
  startedAt: null,
  killAt: null,
  unresponsiveSince: null,
  requests: 0,
  inFlight: 0,
  connections: 0,
  rss: 0,
  cpu: 0,
  eventLoopLagMs: 0,
  inspectPort: null,
  debugger: null,
  fallback: null,
};

function groupStatus(group: Group, facts: GroupFacts): GroupStatus {
  return {
    name: group.spec.name,
    entry: facts.definition ? facts.display(facts.definition.entry) : '',
    generation: servedGeneration([group]),
    reloadable: group.spec.reloadable,
    order: group.spec.order === 'auto' && group.listens === null ? 'auto' : orderOf(group),
    wanted: group.slots.filter((slot) => slot.wanted).length,
    spares: facts.spares,
    loadedAhead: facts.loadedAhead,
    addresses: [...facts.addresses],
    workers: group.slots.flatMap((slot) => slotStatus(slot, facts)),
  };
}

function slotStatus(slot: Slot, facts: GroupFacts): WorkerStatus[] {
  const rows = slot.workers
    .filter(({ state }) => state.kind !== 'ending')
    .map((worker) => workerStatus(worker, slot, facts));
  if (!isMissing(slot)) return rows;
  if (slot.stopped)
    return [
      ...rows,
      { ...NO_PROCESS, slot: slot.index, state: 'stopped', generation: slot.target, crashes: 0, nextTryAt: null },
    ];
  const at = slot.backoff?.nextTryAt ?? null;
  const state = slot.backoff ? ('backoff' as const) : ('starting' as const);
  return [
    ...rows,
    {
      ...NO_PROCESS,
      slot: slot.index,
      state,
      generation: slot.target,
      crashes: slot.crashes,
      nextTryAt: at === null ? null : iso(facts.wallClock(at)),
    },
  ];
}

function workerStatus(worker: Worker, slot: Slot, facts: GroupFacts): WorkerStatus {
  const handle = facts.handleOf(worker);
  const { state } = worker;
  return {
    slot: worker.slot,
    pid: handle?.process.pid ?? null,
    state: state.kind === 'standby' || state.kind === 'ending' ? 'starting' : state.kind,
    generation: worker.generation,
    startedAt: handle ? iso(handle.startedAt) : null,
    crashes: slot.crashes,
    nextTryAt: null,
    unresponsiveSince: state.kind === 'unresponsive' ? iso(facts.wallClock(state.silentSince)) : null,
    killAt: state.kind === 'draining' && !worker.isDebugged ? iso(facts.wallClock(state.killAt)) : null,
    ...(handle?.figures ?? { requests: 0, inFlight: 0, connections: 0, rss: 0, cpu: 0, eventLoopLagMs: 0 }),
    inspectPort: handle ? facts.inspectPortOf(handle) : null,
    debugger: handle?.debuggee.state ?? null,
    fallback: handle?.fallback ?? null,
  };
}

/** The newest reason why a slot has no worker. */
function slotError(groups: readonly Group[]): ErrorInfo | null {
  const empty = groups.flatMap((group) => group.slots).find((slot) => slot.backoff && !serving(slot));
  return empty?.backoff?.exit.error ?? null;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
