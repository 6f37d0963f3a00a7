/** Rows of groups and workers. Pure. */
import { t } from '@vscode/l10n';
import type { GroupStatus, WorkerStatus } from '../../protocol/status.ts';
import { age, clock, megabytes, plural, remaining, urlsOf } from './format.ts';
import { icons, type Row, type RowIcon } from './row.ts';
import { missingSlots, readySlots } from './standing.ts';

export function groupRow(serverId: string, group: GroupStatus, now: number): Row {
  const id = `${serverId}/${group.name}`;
  const isMissing = missingSlots(group) > 0;
  const count = isMissing ? t('{0} of {1} ready', readySlots(group), group.wanted) : plural(group.wanted, 'worker');
  const description = group.reloadable ? count : t('{0} · does not reload', count);
  return {
    id,
    kind: 'group',
    label: group.name,
    description,
    icon: group.reloadable ? icons.group : icons.fixedGroup,
    contextValue: ['group', group.reloadable ? 'reloadable' : 'fixed', ...browsable(group)].join(' '),
    spoken: t('Group {0}, {1}', group.name, description.replaceAll(' · ', ', ')),
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
      spoken: t('Worker {0} of {1}, {2}', worker.slot, group.name, description.replaceAll(' · ', ', ')),
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
  if (worker.state === 'draining' && worker.killAt !== null) parts.push(t('{0} left', remaining(worker.killAt, now)));
  if (worker.state !== 'starting' && worker.pid !== null) parts.push(`pid ${worker.pid}`);
  if (worker.connections > 0) parts.push(t('{0} conn', worker.connections));
  if (worker.state === 'ready' && worker.rss > 0) parts.push(megabytes(worker.rss));
  if (worker.inspectPort !== null) parts.push(t('debug port {0}', worker.inspectPort));
  if (worker.state === 'ready' && successor) parts.push(t('serves until its successor is ready'));
  return parts.join(' · ');
}

/** Also why nothing hurries it, and a reload waits for it. */
function describeDebugger(state: NonNullable<WorkerStatus['debugger']>): string {
  switch (state) {
    case 'awaited':
      return t('waits for a debugger');
    case 'connected':
      return t('debugger attached');
    case 'paused':
      return t('paused in the debugger');
  }
}

function describeWorkerState(worker: WorkerStatus, now: number): string {
  switch (worker.state) {
    case 'draining':
      return worker.inFlight > 0 ? t('draining {0}', plural(worker.inFlight, 'request')) : t('draining');
    case 'backoff':
      return worker.nextTryAt === null
        ? t('failed, waits for the next save')
        : t('failed, next try in {0}', remaining(worker.nextTryAt, now));
    case 'unresponsive':
      return worker.unresponsiveSince === null
        ? t('unresponsive')
        : t('unresponsive since {0}', clock(worker.unresponsiveSince));
    case 'starting':
      return t('starting');
    case 'ready':
      return t('ready');
    case 'stopped':
      return t('stopped');
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
