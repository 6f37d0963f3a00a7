/**
 * A world without manners: it does anything at any time that a real one may do, and watches that the supervisor keeps
 * its promises whatever happens. See `chaos.test.ts`.
 */
import assert from 'node:assert/strict';
import { concerns, type ChangeResult } from '../../../src/core/change.ts';
import {
  anyServing,
  isMissing,
  isServing,
  orderOf,
  serving,
  successor,
  type Group,
  type GroupSpec,
  type Slot,
} from '../../../src/core/pool.ts';
import type { Request, Scope } from '../../../src/core/requests.ts';
import type { Command, Event } from '../../../src/core/events.ts';
import { Supervisor } from '../../../src/core/supervisor.ts';
import type { Worker } from '../../../src/core/workerState.ts';
import { error, exitOf, nameOf } from './driver.ts';

/** `pick` chooses among what is there at that moment, so that an action fits whenever it comes. */
export type Action =
  | { readonly do: 'reload'; readonly scope: Scope; readonly same: boolean }
  | { readonly do: 'restart' }
  | { readonly do: 'evaluated'; readonly groups: readonly GroupSpec[]; readonly well: boolean }
  | { readonly do: 'checked'; readonly well: boolean }
  | { readonly do: 'ready' | 'fail'; readonly pick: number }
  | { readonly do: 'exit'; readonly pick: number; readonly code: number; readonly diskDiffers: boolean }
  | { readonly do: 'debugger'; readonly pick: number; readonly isConnected: boolean }
  /** Workers that drain or were killed end. */
  | { readonly do: 'leave'; readonly pick: number }
  /** The event loop of a worker stands still, or turns again. */
  | { readonly do: 'silent' | 'turn'; readonly pick: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'wake' }
  | { readonly do: 'stop' | 'force' };

interface Asked {
  readonly scope: Scope | 'all';
  /** A slot that was replaced for it runs this generation at least. */
  readonly atLeast: number;
  answers: number;
}

interface Life {
  readonly worker: Worker;
  admitted: boolean;
  drained: boolean;
  killed: boolean;
}

export class Chaos {
  readonly core = new Supervisor();
  /** What happened, for the reader of a failure. */
  readonly story: string[] = [];
  private readonly lives = new Map<number, Life>();
  private readonly asked: Asked[] = [];
  /** Slots of `stop-first` groups that a change has emptied and not filled yet. */
  private readonly emptied = new Set<Slot>();
  private definition: readonly GroupSpec[];
  private content = 0;
  private now = 0;
  private isForced = false;

  constructor(groups: readonly GroupSpec[]) {
    this.definition = groups;
    this.send({ type: 'start', groups });
  }

  play(action: Action): void {
    switch (action.do) {
      case 'reload':
        if (!action.same) this.content += 1;
        this.request('reload', action.scope);
        return;
      case 'restart':
        this.content += 1;
        this.request('restart', new Map(this.core.groups.map((group) => [group.spec.name, null])));
        return;
      case 'evaluated': {
        const { change } = this.core;
        if (change?.phase !== 'evaluate') return;
        if (action.well) this.definition = action.groups;
        this.send({ type: 'evaluated', change: change.id, outcome: action.well ? action.groups : error('bootstrap') });
        return;
      }
      case 'checked': {
        const { change } = this.core;
        if (change?.phase === 'check')
          this.send({ type: 'checked', change: change.id, error: action.well ? null : error('syntax') });
        return;
      }
      case 'ready':
        this.withWorker(action.pick, ['starting'], (worker) => this.ready(worker));
        return;
      case 'fail':
        this.withWorker(action.pick, ['starting', 'standby'], (worker) =>
          this.send({ type: 'failed', worker: worker.id, error: error('failed') }),
        );
        return;
      case 'exit':
        this.withWorker(action.pick, undefined, (worker) => this.exit(worker, action.code, action.diskDiffers));
        return;
      case 'debugger':
        this.withWorker(action.pick, undefined, (worker) =>
          this.send({ type: 'debugger', worker: worker.id, isConnected: action.isConnected }),
        );
        return;
      case 'leave':
        this.withWorker(action.pick, ['draining', 'ending'], (worker) => this.exit(worker, 0, false));
        return;
      case 'silent':
        this.withWorker(action.pick, ['ready'], (worker) =>
          this.send({ type: 'unresponsive', worker: worker.id, silentSince: this.now - 100 }),
        );
        return;
      case 'turn':
        this.withWorker(action.pick, ['unresponsive'], (worker) =>
          this.send({ type: 'responsive', worker: worker.id }),
        );
        return;
      case 'wait':
        this.now += action.ms;
        this.send({ type: 'tick' });
        return;
      case 'wake':
        this.wake();
        return;
      case 'stop':
        this.send({ type: 'stop' });
        return;
      case 'force':
        this.isForced = true;
        this.send({ type: 'force-stop' });
        return;
    }
  }

  /** From here on everything goes well, until nothing is left to happen. Then all that was promised must be so. */
  comeToRest(): void {
    for (let steps = 0; ; steps++) {
      assert.ok(steps < 2000, 'it does not come to rest');
      const { change } = this.core;
      const lives = [...this.lives.values()].map(({ worker }) => worker);
      const starting = lives.find(({ state }) => state.kind === 'starting');
      const leaving = lives.find(
        ({ state }) =>
          state.kind === 'draining' || state.kind === 'ending' || (state.kind === 'unresponsive' && state.killed),
      );
      const silent = lives.find(({ state }) => state.kind === 'unresponsive');
      if (change?.phase === 'evaluate') this.play({ do: 'evaluated', groups: this.definition, well: true });
      else if (change?.phase === 'check') this.play({ do: 'checked', well: true });
      else if (leaving) this.exit(leaving, 0, false);
      else if (silent) this.send({ type: 'responsive', worker: silent.id });
      else if (starting) this.ready(starting);
      else if (!this.wake()) break;
    }
    const { core } = this;
    assert.equal(core.change, null, 'a change is running');
    assert.equal(core.queued, null, 'a request is waiting');
    for (const [waiter, { answers }] of this.asked.entries()) assert.equal(answers, 1, `answers to waiter ${waiter}`);
    if (core.stopping) {
      assert.equal(this.lives.size, 0, 'workers are left');
      assert.equal(core.serverState(), 'stopped');
      return;
    }
    for (const group of core.groups) {
      for (const slot of group.slots) {
        assert.ok(slot.wanted, 'a slot that nobody wants is left');
        assert.ok(slot.workers.length <= 1, 'a slot has more than one worker');
        if (!isMissing(slot)) assert.ok(serving(slot)!.generation >= slot.target, 'a stale worker is left alone');
        else if (!slot.stopped) assert.equal(slot.backoff?.nextTryAt, null, 'a slot is empty and nothing will fill it');
      }
    }
  }

  private request(kind: Request['kind'], scope: Scope): void {
    if (this.core.stopping) return;
    const waiter = this.asked.length;
    const { change, generation } = this.core;
    const digest = `content ${this.content}`;
    const mayJoin = change?.digest === digest;
    this.asked.push({
      scope: kind === 'restart' ? 'all' : scope,
      atLeast: mayJoin ? generation : generation + 1,
      answers: 0,
    });
    this.send({
      type: 'request',
      request: { kind, scope, trigger: { kind: 'save', files: [] }, digest, waiters: [waiter] },
    });
  }

  private ready(worker: Worker): void {
    this.send({ type: 'ready', worker: worker.id, listens: worker.group !== 'quiet' });
  }

  private exit(worker: Worker, code: number, diskDiffers: boolean): void {
    this.send({ type: 'exited', worker: worker.id, exit: exitOf(code), diskDiffers });
  }

  private wake(): boolean {
    const at = this.core.nextDeadline();
    if (at === null) return false;
    assert.ok(at >= this.now - 1, 'a deadline has passed unseen');
    this.now = Math.max(at, this.now);
    this.send({ type: 'tick' });
    const next = this.core.nextDeadline();
    assert.ok(next === null || next > this.now, 'it wants to be woken for what has been done');
    return true;
  }

  private withWorker(
    pick: number,
    kinds: readonly Worker['state']['kind'][] | undefined,
    act: (worker: Worker) => void,
  ): void {
    const workers = [...this.lives.values()]
      .map(({ worker }) => worker)
      .filter(({ state }) => !kinds || kinds.includes(state.kind));
    const worker = workers[pick % workers.length];
    if (worker) act(worker);
  }

  private send(event: Event): void {
    const before = this.core.groups.map((group) => ({ group, slots: group.slots.filter(serving) }));
    const lost = event.type === 'exited' ? this.lives.get(event.worker) : undefined;
    this.story.push(`${this.now}  ${tell(event, lost?.worker)}`);
    if (event.type === 'exited') this.lives.delete(event.worker);
    const commands = this.core.handle(event, this.now);
    for (const command of commands) {
      this.story.push(`      ${command.type} ${'worker' in command ? nameOf(command.worker) : ''}`);
      this.watch(command);
    }
    this.watchState();
    if (this.core.stopping) return;
    for (const { group, slots } of before) {
      if (!this.core.groups.includes(group) || orderOf(group) !== 'start-first') continue;
      for (const slot of slots) {
        const isLost = lost?.worker.group === group.spec.name && lost.worker.slot === slot.index;
        assert.ok(serving(slot) ?? (isLost || !slot.wanted), `${group.spec.name}#${slot.index} serves no more`);
      }
    }
  }

  private watch(command: Command): void {
    switch (command.type) {
      case 'spawn': {
        const { worker } = command;
        assert.ok(!this.core.stopping, 'a worker is started while the server stops');
        this.lives.set(worker.id, { worker, admitted: false, drained: false, killed: false });
        const group = this.core.groups.find((candidate) =>
          candidate.slots.some((slot) => slot.workers.includes(worker)),
        );
        if (!group || orderOf(group) !== 'stop-first') return;
        // A restart may ask for another order.
        const newest = this.definition.find(({ name }) => name === worker.group);
        if (newest && orderOf(group, newest) !== 'stop-first') return;
        const slot = group.slots.find((candidate) => candidate.workers.includes(worker));
        assert.equal(slot?.workers.length, 1, 'two copies of a stop-first slot run');
        return;
      }
      case 'admit': {
        const life = this.living(command.worker);
        assert.ok(!life.admitted && !life.killed, 'admitted twice, or when it was killed');
        life.admitted = true;
        return;
      }
      case 'drain': {
        const life = this.living(command.worker);
        assert.ok(life.admitted && !life.drained && !life.killed, 'drained without need');
        life.drained = true;
        this.noteEmptied(command.worker);
        return;
      }
      case 'kill': {
        const life = this.living(command.worker);
        assert.ok(!life.killed, 'killed twice');
        life.killed = true;
        const { state } = command.worker;
        assert.equal(command.forced, life.admitted);
        const isLate = state.kind === 'draining' && state.killAt <= this.now && !command.worker.isDebugged;
        const isReplaced = state.kind === 'unresponsive';
        if (life.admitted && !this.isForced)
          assert.ok(isLate || isReplaced, 'a worker that served is killed before its time');
        return;
      }
      case 'deadline': {
        const life = this.living(command.worker);
        assert.ok(life.drained && !life.killed, 'a deadline for one that does not drain');
        return;
      }
      case 'ended':
        this.watchEnd(command.result);
        return;
      case 'began':
      case 'hurry':
      case 'evaluate':
      case 'check':
      case 'commit':
      case 'release':
      case 'stopped':
        return;
    }
  }

  private noteEmptied(worker: Worker): void {
    for (const group of this.core.groups) {
      const slot = group.slots.find((candidate) => candidate.workers.includes(worker));
      if (slot && orderOf(group) === 'stop-first' && !serving(slot) && !this.core.stopping) this.emptied.add(slot);
    }
  }

  private watchEnd({ result, waiters }: ChangeResult): void {
    for (const waiter of waiters) {
      const asked = this.asked[waiter]!;
      asked.answers += 1;
      if (result === 'done') this.watchDone(asked);
    }
  }

  private watchDone({ scope, atLeast }: Asked): void {
    for (const group of this.core.groups) {
      const slots = scope === 'all' ? null : scope.get(group.spec.name);
      if (slots === undefined) continue;
      for (const slot of group.slots) {
        if (!slot.wanted || slot.backoff || (slots && !slots.includes(slot.index))) continue;
        // The state is that after all commands: the slot may be in the hands of the next change already.
        if (this.core.change && concerns(this.core.change, group.spec.name, slot.index)) continue;
        // It may have crashed after it was replaced.
        const generation = (serving(slot) ?? successor(slot))?.generation ?? slot.stopped?.generation;
        assert.ok(
          generation !== undefined && generation >= atLeast,
          `${group.spec.name}#${slot.index} is said to be done`,
        );
      }
    }
  }

  /** What must be so after every event. */
  private watchState(): void {
    const { change, groups, queued, stopping } = this.core;
    if (!change) assert.equal(queued, null, 'a request waits for nothing');
    for (const group of groups) {
      for (const slot of group.slots) this.watchSlot(slot, group);
      const emptied = group.slots.filter((slot) => this.emptied.has(slot));
      assert.ok(emptied.length <= 1, `a change has emptied ${emptied.length} slots of ${group.spec.name} at once`);
      if (!change || change.kind === 'start' || stopping) continue;
      const concerned = group.slots.filter((slot) => concerns(change, group.spec.name, slot.index));
      const replaced = concerned.filter(
        (slot) => serving(slot) && slot.workers.some((worker) => worker.state.kind === 'starting'),
      );
      assert.ok(replaced.length <= 1, `${group.spec.name} starts several replacements at once`);
      const isAdmitted = concerned.some((slot) => serving(slot)?.change === change.id);
      assert.ok(change.phase === 'roll' || !isAdmitted, 'a worker is admitted before the commit');
    }
  }

  private watchSlot(slot: Slot, group: Group): void {
    assert.ok(slot.workers.filter(isServing).length <= 1, 'two workers serve in a slot');
    for (const worker of slot.workers)
      assert.ok(this.lives.has(worker.id), `${nameOf(worker)} is gone and still counts`);
    if (serving(slot) || slot.backoff || slot.stopped || !slot.wanted) this.emptied.delete(slot);
    if (this.core.stopping || this.core.change || !isMissing(slot)) return;
    assert.ok(slot.backoff ?? slot.stopped, `${group.spec.name}#${slot.index} is empty and nothing will fill it`);
    if (group.rejected === null || anyServing(group)) return;
    const isTried = group.slots.some(
      (other) => other.stopped ?? successor(other) ?? typeof other.backoff?.nextTryAt === 'number',
    );
    assert.ok(isTried, `${group.spec.name} waits though nobody serves`);
  }

  private living(worker: Worker): Life {
    const life = this.lives.get(worker.id);
    assert.ok(life, `${nameOf(worker)} is gone and gets a command`);
    return life;
  }
}

function tell(event: Event, worker: Worker | undefined): string {
  switch (event.type) {
    case 'ready':
    case 'failed':
    case 'unresponsive':
    case 'responsive':
      return `${event.type} worker ${event.worker}`;
    case 'exited':
      return `${worker ? nameOf(worker) : event.worker} exits with ${event.exit.code}${event.diskDiffers ? ', another version is on disk' : ''}`;
    case 'request':
      return `${event.request.kind} ${JSON.stringify([...event.request.scope])} ${event.request.digest}`;
    case 'evaluated':
      return Array.isArray(event.outcome)
        ? `evaluated ${event.outcome.map((spec: GroupSpec) => `${spec.name} x${spec.workers} ${spec.order}`).join(', ')}`
        : 'not evaluated';
    case 'start':
      return `start ${event.groups.map((spec) => `${spec.name} x${spec.workers} ${spec.order}${spec.reloadable ? '' : ' fixed'}`).join(', ')}`;
    default:
      return event.type;
  }
}
