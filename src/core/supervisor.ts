/**
 * Decides everything: events in, commands out, no clock and no effect of its own. A reload is a generation number, not a
 * procedure: each slot has a target, a worker below it is stale, and every step replaces at most one stale worker of a
 * group once the others are ready. Crashes, time-outs, newer saves and changed counts need no branch of their own.
 */
import type { ServerState } from '../protocol/status.ts';
import type { Change } from './change.ts';
import { applyChecked, applyEvaluated, applyRequest, begin, beginStart, end, planCanaries } from './changes.ts';
import { applyExited, applyFailed, applyUnresponsive, forgetRejection, planRespawns } from './crashes.ts';
import { retireUnwanted } from './definition.ts';
import type { Command, Event } from './events.ts';
import { anyServing, isMissing, newGroup, successor, type Group } from './pool.ts';
import type { Request } from './requests.ts';
import { planRoll, supersede } from './rolling.ts';
import { Roster } from './roster.ts';
import type { Worker } from './workerState.ts';

export class Supervisor {
  private readonly roster = new Roster();
  private ended = false;

  get groups(): readonly Group[] {
    return this.roster.groups;
  }

  get change(): Change | null {
    return this.roster.change;
  }

  get queued(): Request | null {
    return this.roster.queued;
  }

  get stopping(): boolean {
    return this.roster.stopping;
  }

  /** The newest generation number given out. */
  get generation(): number {
    return this.roster.generation;
  }

  worker(id: number): Worker | undefined {
    return this.roster.worker(id);
  }

  /** Takes one event at the time `now` (ms on any steady clock) and answers with what is to be done, in order. */
  handle(event: Event, now: number): Command[] {
    const { roster } = this;
    roster.now = now;
    roster.out = [];
    this.apply(event);
    this.expireDeadlines();
    if (roster.stopping) this.planStop();
    else this.plan();
    return roster.out;
  }

  /** When `tick` is due next; null when nothing waits for time. */
  nextDeadline(): number | null {
    const { roster } = this;
    const times: number[] = [];
    for (const worker of roster.allWorkers()) {
      if (worker.isDebugged) continue;
      if (worker.state.kind === 'starting') times.push(worker.state.readyBy);
      if (worker.state.kind === 'draining' && !worker.state.killed) times.push(worker.state.killAt);
    }
    for (const slot of roster.groups.flatMap((group) => group.slots)) {
      // One that is due already waits for a change or for its predecessor's exit, not for time.
      const tryAt = slot.backoff?.nextTryAt ?? roster.now;
      if (tryAt > roster.now && isMissing(slot)) times.push(tryAt);
    }
    return times.length === 0 ? null : Math.min(...times);
  }

  serverState(): ServerState {
    const { roster } = this;
    if (roster.stopping) return this.ended ? 'stopped' : 'stopping';
    if (roster.generation === 0) return 'starting';
    if (roster.change) return roster.change.kind === 'start' ? 'starting' : 'reloading';
    const slots = roster.groups.flatMap((group) => group.slots);
    if (roster.groups.some(anyServing)) return 'running';
    if (slots.some((slot) => successor(slot))) return 'starting';
    return slots.length > 0 && slots.every((slot) => slot.stopped) ? 'stopped' : 'failed';
  }

  private apply(event: Event): void {
    const { roster } = this;
    switch (event.type) {
      case 'start':
        roster.generation = 1;
        roster.groups = event.groups.map((spec) => newGroup(spec, 1));
        beginStart(roster);
        return;
      case 'declared':
        roster.groups = event.groups.map((spec) => newGroup(spec, roster.generation));
        roster.change = null;
        beginStart(roster);
        return;
      case 'awaits-build':
        roster.generation = 0;
        roster.groups = [];
        roster.change = null;
        return;
      case 'request':
        applyRequest(roster, event.request);
        return;
      case 'evaluated':
        applyEvaluated(roster, event.change, event.outcome);
        return;
      case 'checked':
        applyChecked(roster, event.change, event.error);
        return;
      case 'ready':
        this.applyReady(event.worker, event.listens);
        return;
      case 'listens': {
        const worker = roster.worker(event.worker);
        if (worker) roster.groupOf(worker).listens = true;
        return;
      }
      case 'failed':
        applyFailed(roster, event.worker, event.error);
        return;
      case 'unresponsive':
        applyUnresponsive(roster, event.worker, event.silentSince);
        return;
      case 'responsive': {
        const worker = roster.worker(event.worker);
        if (worker) roster.step(worker, { to: 'responsive' });
        return;
      }
      case 'debugger': {
        const worker = roster.worker(event.worker);
        if (worker && !roster.stopping) roster.debugged(worker, event.isConnected);
        return;
      }
      case 'exited':
        applyExited(roster, event.worker, event.exit, event.diskDiffers);
        return;
      case 'finish': {
        const worker = roster.worker(event.worker);
        if (worker) roster.hurry(worker);
        return;
      }
      case 'stop':
        this.beginStop();
        return;
      case 'force-stop':
        this.beginStop();
        for (const worker of roster.allWorkers()) roster.kill(worker, true);
        return;
      case 'tick':
        return;
    }
  }

  private applyReady(id: number, listens: boolean): void {
    const { roster } = this;
    const worker = roster.worker(id);
    if (worker?.state.kind !== 'starting') return;
    const group = roster.groupOf(worker);
    const change = roster.changeOf(worker);
    // One that says it is ready before it listens does not make a server a program that does not; only a restart may.
    group.listens = listens || (group.listens === true && change?.kind !== 'restart');
    if (worker.generation === group.rejected) forgetRejection(roster, group, worker.generation);
    if (change) change.firstReadyAt ??= roster.now;
    if (change?.phase === 'canary') roster.step(worker, { to: 'standby' });
    else roster.admit(worker, group);
  }

  private plan(): void {
    const { roster } = this;
    for (let before = -1; before !== roster.out.length;) {
      before = roster.out.length;
      retireUnwanted(roster);
      if (roster.change?.phase === 'canary') planCanaries(roster, roster.change);
      if (roster.change?.phase === 'roll') planRoll(roster, roster.change);
      planRespawns(roster);
      if (roster.change && roster.queued) supersede(roster, roster.change, roster.queued);
      if (!roster.change && roster.queued) {
        const request = roster.queued;
        roster.queued = null;
        begin(roster, request);
      }
    }
  }

  private beginStop(): void {
    const { roster } = this;
    if (roster.stopping) return;
    roster.stopping = true;
    const waiting = roster.queued?.waiters ?? [];
    roster.queued = null;
    const { change } = roster;
    if (change) {
      change.waiters = [...change.waiters, ...waiting];
      roster.removed.push(...change.added);
      change.added = [];
      end(roster, change, 'stopped');
    }
    // A stop does not wait for a person at a breakpoint: nothing may be left behind.
    for (const worker of roster.allWorkers()) {
      if (worker.isDebugged) roster.debugged(worker, false);
      roster.leave(worker, roster.groupOf(worker), 'stop');
    }
  }

  private planStop(): void {
    const { roster } = this;
    if (this.ended || roster.allWorkers().length > 0) return;
    this.ended = true;
    roster.out.push({ type: 'stopped' });
  }

  private expireDeadlines(): void {
    const { roster } = this;
    for (const worker of roster.allWorkers()) {
      if (worker.isDebugged) continue;
      const { state } = worker;
      if (state.kind === 'draining' && state.killAt <= roster.now) roster.kill(worker, true);
      if (state.kind === 'starting' && state.readyBy <= roster.now) {
        const group = roster.groupOf(worker);
        const change = roster.changeOf(worker);
        const seconds = (change ? roster.specFor(change, group) : group.spec).bootTimeout / 1000;
        applyFailed(roster, worker.id, {
          code: 'boot-timeout',
          message: `${worker.group}#${worker.slot} was not ready within ${seconds} s (bootTimeout)`,
          file: null,
          line: null,
          column: null,
          stack: null,
        });
      }
    }
  }
}
