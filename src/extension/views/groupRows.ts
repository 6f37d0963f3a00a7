/** Rows of groups and workers. Pure. */
import type { GroupStatus, WorkerStatus } from '../../protocol/status.ts';
import { age, clock, megabytes, plural, remaining, urlsOf } from './format.ts';
import { icons, type Row, type RowIcon } from './row.ts';
import { missingSlots, readySlots } from './standing.ts';

export function groupRow(serverId: string, group: GroupStatus, now: number): Row {
  const id = `${serverId}/${group.name}`;
  const isMissing = missingSlots(group) > 0;
  const count = isMissing ? `${readySlots(group)} of ${group.wanted} ready` : plural(group.wanted, 'worker');
  const description = group.reloadable ? count : `${count} · does not reload`;
  return {
    id,
    kind: 'group',
    label: group.name,
    description,
    icon: group.reloadable ? icons.group : icons.fixedGroup,
    contextValue: ['group', group.reloadable ? 'reloadable' : 'fixed', ...browsable(group)].join(' '),
    spoken: `Group ${group.name}, ${description.replaceAll(' · ', ', ')}`,
    fold: group.reloadable ? 'open' : 'closed',
    children: workerRows(id, serverId, group, now),
    target: { server: serverId, group: group.name },
  };
}

function browsable({ addresses }: GroupStatus): string[] {
  return urlsOf(addresses).length > 0 ? ['browsable'] : [];
}

/** By slot; the newest worker of a slot first, and below it those that it replaces. */
function workerRows(groupId: string, serverId: string, group: GroupStatus, now: number): Row[] {
  const newestFirst = [...group.workers].sort(
    (a, b) => a.slot - b.slot || b.generation - a.generation || drainingLast(a, b),
  );
  return newestFirst.map((worker, index) => {
    const successor = newestFirst[index - 1]?.slot === worker.slot ? newestFirst[index - 1] : undefined;
    const description = describeWorker(worker, successor, now);
    return {
      id: workerRowId(groupId, worker, group.workers),
      kind: 'worker',
      label: String(worker.slot),
      description,
      icon: workerIcon(worker),
      contextValue: [
        `worker ${worker.state} ${group.reloadable && !successor ? 'reloadable' : 'fixed'}`,
        ...(worker.state === 'draining' ? [] : ['debuggable']),
      ].join(' '),
      spoken: `Worker ${worker.slot} of ${group.name}, ${description.replaceAll(' · ', ', ')}`,
      fold: 'none',
      children: [],
      target: { server: serverId, group: group.name, slot: worker.slot },
    };
  });
}

/**
 * The row of a slot stands for the worker that serves in it, so that it stays in place over a reload, and a new worker is
 * a row that comes, not one that takes the place of a ready one before VS Code has drawn the old worker anew.
 */
export function workerRowId(groupId: string, worker: WorkerStatus, workers: readonly WorkerStatus[]): string {
  const newestFirst = workers
    .filter(({ slot }) => slot === worker.slot)
    .sort((a, b) => b.generation - a.generation || drainingLast(a, b));
  const holder = newestFirst.find(({ state }) => state === 'ready' || state === 'unresponsive') ?? newestFirst[0];
  const id = `${groupId}/${worker.slot}`;
  if (worker === holder) return id;
  // A starting worker gets its pid while it is shown.
  return worker.state === 'starting' || worker.pid === null ? `${id}:g${worker.generation}` : `${id}:${worker.pid}`;
}

function drainingLast(a: WorkerStatus, b: WorkerStatus): number {
  return Number(a.state === 'draining') - Number(b.state === 'draining');
}

function describeWorker(worker: WorkerStatus, successor: WorkerStatus | undefined, now: number): string {
  const parts: string[] = [describeWorkerState(worker, now), `g${worker.generation}`];
  if (worker.debugger !== null) parts.push(describeDebugger(worker.debugger));
  if (worker.state === 'ready' && worker.startedAt !== null) parts.push(age(worker.startedAt, now));
  if (worker.state === 'draining' && worker.killAt !== null) parts.push(`${remaining(worker.killAt, now)} left`);
  if (worker.state !== 'starting' && worker.pid !== null) parts.push(`pid ${worker.pid}`);
  if (worker.connections > 0) parts.push(`${worker.connections} conn`);
  if (worker.state === 'ready' && worker.rss > 0) parts.push(megabytes(worker.rss));
  if (worker.inspectPort !== null) parts.push(`debug port ${worker.inspectPort}`);
  if (worker.state === 'ready' && successor) parts.push('serves until its successor is ready');
  return parts.join(' · ');
}

/** Also why nothing hurries it, and a reload waits for it. */
function describeDebugger(state: NonNullable<WorkerStatus['debugger']>): string {
  switch (state) {
    case 'awaited':
      return 'waits for a debugger';
    case 'connected':
      return 'debugger attached';
    case 'paused':
      return 'paused in the debugger';
  }
}

function describeWorkerState(worker: WorkerStatus, now: number): string {
  switch (worker.state) {
    case 'draining':
      return worker.inFlight > 0 ? `draining ${plural(worker.inFlight, 'request')}` : 'draining';
    case 'backoff':
      return worker.nextTryAt === null
        ? 'failed, waits for the next save'
        : `failed, next try in ${remaining(worker.nextTryAt, now)}`;
    case 'unresponsive':
      return worker.unresponsiveSince === null ? worker.state : `unresponsive since ${clock(worker.unresponsiveSince)}`;
    case 'starting':
    case 'ready':
    case 'stopped':
      return worker.state;
  }
}

function workerIcon(worker: WorkerStatus): RowIcon {
  switch (worker.state) {
    case 'starting':
      return icons.starting;
    case 'ready':
      return icons.ready;
    case 'draining':
      return icons.draining;
    case 'backoff':
      return icons.failed;
    case 'unresponsive':
      return icons.attention;
    case 'stopped':
      return icons.stopped;
  }
}
