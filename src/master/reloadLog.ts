/** The history of changes with what each did to connections, and those who wait for a result. */
import { phasesOf, type Change, type ChangeResult } from '../core/change.ts';
import type { ClosedConnections, ReloadReport } from '../protocol/status.ts';

const LONGEST_HISTORY = 20;

interface Counters {
  moved: number;
  closed: ClosedConnections;
  forced: number;
  kills: number;
}

const noCounters = (): Counters => ({
  moved: 0,
  closed: { tls: 0, http2: 0, websocket: 0, sse: 0, tcp: 0 },
  forced: 0,
  kills: 0,
});

export class ReloadLog {
  private reports: ReloadReport[] = [];
  private readonly counters = new Map<number, Counters>();
  private readonly waiters = new Map<number, (report: ReloadReport) => void>();
  private lastWaiter = 0;

  /** Someone who waits for a change: the number goes into the request. */
  waiter(): { readonly id: number; readonly result: Promise<ReloadReport> } {
    const id = ++this.lastWaiter;
    return { id, result: new Promise((done) => this.waiters.set(id, done)) };
  }

  answer(waiters: readonly number[], report: ReloadReport): void {
    for (const id of waiters) {
      this.waiters.get(id)?.(report);
      this.waiters.delete(id);
    }
  }

  drained(change: number | null, message: { moved: number; closed: ClosedConnections; forced: number }): void {
    this.count(change, (counters) => {
      counters.moved += message.moved;
      counters.forced += message.forced;
      for (const kind of ['tls', 'http2', 'websocket', 'sse', 'tcp'] as const)
        counters.closed[kind] += message.closed[kind];
    });
  }

  killed(change: number | null): void {
    this.count(change, (counters) => {
      counters.kills += 1;
    });
  }

  /** @param startedAt wall clock, ms */
  add({ change, result, endedAt }: ChangeResult, startedAt: number): ReloadReport {
    const report: ReloadReport = {
      id: change.id,
      result,
      trigger: change.kind === 'restart' ? { ...change.trigger, kind: 'restart' } : change.trigger,
      generation: change.generation,
      groups: [...change.scope.keys()],
      startedAt: new Date(startedAt).toISOString(),
      firstReadyMs: change.firstReadyAt === null ? null : Math.round(change.firstReadyAt - change.startedAt),
      durationMs: Math.round(endedAt - change.startedAt),
      phases: phasesOf(change, endedAt),
      replaced: change.replaced,
      movedConnections: 0,
      closedConnections: noCounters().closed,
      forcedConnections: 0,
      forcedKills: 0,
      error: result === 'rejected' ? change.error : null,
    };
    this.reports = [report, ...this.reports].slice(0, LONGEST_HISTORY);
    return this.report(change) ?? report;
  }

  /** With the counters as they are now. */
  report(change: Change): ReloadReport | undefined {
    return this.history().find(({ id }) => id === change.id);
  }

  /** The newest first. */
  history(): ReloadReport[] {
    return this.reports.map((report) => {
      const counters = this.counters.get(report.id);
      if (!counters) return report;
      return {
        ...report,
        movedConnections: counters.moved,
        closedConnections: counters.closed,
        forcedConnections: counters.forced,
        forcedKills: counters.kills,
      };
    });
  }

  private count(change: number | null, add: (counters: Counters) => void): void {
    if (change === null) return;
    const counters = this.counters.get(change) ?? noCounters();
    add(counters);
    this.counters.set(change, counters);
    if (this.counters.size > 2 * LONGEST_HISTORY) this.counters.delete(Math.min(...this.counters.keys()));
  }
}
