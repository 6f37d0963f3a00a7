/** What the history page draws: each slot's processes as bars in time, and a line for every reload. Pure; times in ms. */
import { t } from '@vscode/l10n';
import type { ReloadReport, Snapshot, WorkerLife } from '../../protocol/status.ts';
import { clockWithSeconds, describeResult, describeTrigger, duration } from '../views/format.ts';
import { describeConnections, describePhases } from '../views/reloadText.ts';

export interface Bar {
  /** The same for the same process, whatever comes. */
  readonly id: string;
  readonly generation: number;
  readonly from: number;
  /** From when it took requests, and from when it took none any more; null = not (yet). */
  readonly served: number | null;
  readonly draining: number | null;
  /** Null: it runs. */
  readonly to: number | null;
  readonly end: WorkerLife['end'];
  /** What a screen reader says, and what stands in the details. */
  readonly title: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
}

export interface Lane {
  readonly group: string;
  readonly slot: number;
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface Mark {
  readonly id: number;
  readonly at: number;
  readonly result: ReloadReport['result'];
  /** Cells of its row in the table. */
  readonly cells: readonly string[];
  readonly error: string | null;
}

export interface Timeline {
  readonly server: string;
  readonly subtitle: string;
  readonly isRunning: boolean;
  readonly from: number;
  /** The clock of this machine, which is the server's as well. */
  readonly now: number;
  readonly lanes: readonly Lane[];
  readonly marks: readonly Mark[];
  readonly texts: Readonly<Record<TextKey, string>>;
  readonly columns: readonly string[];
}

type TextKey =
  | 'range'
  | 'minute'
  | 'tenMinutes'
  | 'hour'
  | 'everything'
  | 'legendStarting'
  | 'legendServing'
  | 'legendDraining'
  | 'legendEnded'
  | 'details'
  | 'noSelection'
  | 'reloads'
  | 'noReloads'
  | 'chart';

export function timelineOf(
  snapshot: Snapshot,
  lives: readonly WorkerLife[],
  isRunning: boolean,
  now: number,
): Timeline {
  const lanes = new Map<string, { group: string; slot: number; bars: Bar[] }>();
  // Groups in the order of the view; a slot that is no more still has a past.
  const order = snapshot.groups.map(({ name }) => name);
  const rank = (group: string): number => (order.includes(group) ? order.indexOf(group) : order.length);
  for (const life of lives) {
    const key = `${life.group}#${life.slot}`;
    const lane = lanes.get(key) ?? { group: life.group, slot: life.slot, bars: [] };
    lane.bars.push(barOf(life, now));
    lanes.set(key, lane);
  }
  return {
    server: snapshot.name,
    subtitle: [
      snapshot.script,
      isRunning ? t('generation {0}', snapshot.generation) : t('stopped'),
      t('started {0}', clockWithSeconds(snapshot.startedAt)),
    ].join(' · '),
    isRunning,
    from: Math.min(Date.parse(snapshot.startedAt), ...lives.map(({ startedAt }) => Date.parse(startedAt))),
    now,
    lanes: [...lanes.values()]
      .sort((a, b) => rank(a.group) - rank(b.group) || a.group.localeCompare(b.group) || a.slot - b.slot)
      .map((lane) => ({
        ...lane,
        title: t('Worker {0} of {1}', lane.slot, lane.group),
        bars: lane.bars.sort((a, b) => a.from - b.from),
      })),
    marks: snapshot.reloads.map(markOf),
    columns: [t('Reload'), t('Time'), t('Trigger'), t('Result'), t('Phases'), t('Connections')],
    texts: {
      range: t('Time shown'),
      minute: t('Minute'),
      tenMinutes: t('10 minutes'),
      hour: t('Hour'),
      everything: t('Everything'),
      legendStarting: t('starting'),
      legendServing: t('serving'),
      legendDraining: t('finishing its work'),
      legendEnded: t('crashed, killed or never served'),
      details: t('Details'),
      noSelection: t('Choose a bar: arrow keys move between workers and generations.'),
      reloads: t('Reloads'),
      noReloads: t('No reload yet. Save a file that a worker has loaded.'),
      chart: t('Workers over time'),
    },
  };
}

function barOf(life: WorkerLife, now: number): Bar {
  const at = (iso: string | null): number | null => (iso === null ? null : Date.parse(iso));
  const from = Date.parse(life.startedAt);
  const to = at(life.endedAt);
  const served = at(life.servedAt);
  const draining = at(life.drainingAt);
  const state = describeEnd(life);
  return {
    id: `${life.group}#${life.slot}:${life.pid ?? ''}:${from}`,
    ...{ generation: life.generation, from, served, draining, to, end: life.end },
    title: t('Worker {0} of {1}, generation {2}, {3}', life.slot, life.group, life.generation, state),
    facts: [
      [t('State'), state],
      [t('Process'), life.pid === null ? '' : `pid ${life.pid}`],
      [t('Started'), clockWithSeconds(life.startedAt)],
      [t('Boot'), served === null ? '' : duration(served - from)],
      [t('Served'), served === null ? '' : duration((draining ?? to ?? now) - served)],
      [t('Drained'), draining === null ? '' : duration((to ?? now) - draining)],
      [t('Ended'), life.endedAt === null ? '' : clockWithSeconds(life.endedAt)],
    ].filter((fact): fact is [string, string] => fact[1] !== ''),
  };
}

function describeEnd({ end, servedAt, drainingAt }: WorkerLife): string {
  switch (end) {
    case 'left':
      return t('replaced or stopped');
    case 'killed':
      return t('killed, since it did not end in time');
    case 'crashed':
      return t('crashed');
    case 'unready':
      return t('ended before it served');
    case null:
      if (drainingAt !== null) return t('finishing its work');
      return servedAt === null ? t('starting') : t('serving');
  }
}

function markOf(report: ReloadReport): Mark {
  return {
    id: report.id,
    at: Date.parse(report.startedAt),
    result: report.result,
    cells: [
      `#${report.id}`,
      clockWithSeconds(report.startedAt),
      describeTrigger(report.trigger),
      describeResult(report),
      describePhases(report),
      describeConnections(report),
    ],
    error: report.error?.stack ?? report.error?.message ?? null,
  };
}
