/**
 * Plays the world around the supervisor: events in, commands out as short lines, a clock that only moves when it is told
 * to. A worker is called by its place and generation, `web#1 g2`; of several such the newest that still lives is meant.
 */
import assert from 'node:assert/strict';
import type { ChangeResult } from '../../../src/core/change.ts';
import type { Exit, Group, GroupSpec, Slot } from '../../../src/core/pool.ts';
import type { Request, Scope } from '../../../src/core/requests.ts';
import type { Command, Event } from '../../../src/core/events.ts';
import { Supervisor } from '../../../src/core/supervisor.ts';
import type { Worker } from '../../../src/core/workerState.ts';
import type { ErrorInfo } from '../../../src/protocol/status.ts';

export const DRAIN_MS = 10_000;
export const BOOT_MS = 30_000;

export function spec(name: string, more: Partial<GroupSpec> = {}): GroupSpec {
  return {
    name,
    definition: 1,
    workers: 1,
    reloadable: true,
    order: 'start-first',
    drainTimeout: DRAIN_MS,
    bootTimeout: BOOT_MS,
    spares: 1,
    replaceUnresponsive: false,
    ...more,
  };
}

export function error(message = 'broken', code = 'rejected'): ErrorInfo {
  return { code, message, file: null, line: null, column: null, stack: null };
}

export function exitOf(code: number | null, message = `exited with code ${code}`): Exit {
  return { code, signal: null, error: error(message) };
}

export interface Asking {
  /** `web`, `web#2` or several of them; default: all groups that reload. */
  readonly scope?: string;
  /** What is on disk; default: something else each time. */
  readonly content?: string;
  readonly waiter?: number;
  readonly kind?: Request['kind'];
  readonly files?: readonly string[];
}

export class World {
  readonly core = new Supervisor();
  readonly results: ChangeResult[] = [];
  now = 0;
  private readonly living: Worker[] = [];
  private contents = 0;

  /** @returns what the supervisor does about it, in order */
  send(event: Event): string[] {
    return this.core.handle(event, this.now).map((command) => {
      this.note(command);
      return lineOf(command);
    });
  }

  private note(command: Command): void {
    if (command.type === 'spawn') this.living.push(command.worker);
    if (command.type === 'ended') this.results.push(command.result);
  }

  start(...groups: GroupSpec[]): string[] {
    return this.send({ type: 'start', groups });
  }

  /** Starts and brings up everything, so that a test begins with a server that runs. */
  running(...groups: GroupSpec[]): this {
    this.start(...groups);
    this.settle();
    assert.equal(this.core.serverState(), 'running');
    this.results.length = 0;
    return this;
  }

  reload(asking: Asking = {}): string[] {
    const groups = this.core.groups.filter((group) => group.spec.reloadable).map((group) => group.spec.name);
    const request: Request = {
      kind: asking.kind ?? 'reload',
      scope: scopeOf(asking.scope ?? groups.join(' ')),
      trigger: { kind: 'save', files: [...(asking.files ?? [])] },
      digest: asking.content ?? `content ${++this.contents}`,
      waiters: asking.waiter === undefined ? [] : [asking.waiter],
    };
    return this.send({ type: 'request', request });
  }

  restart(asking: Asking = {}): string[] {
    const scope = this.core.groups.map((group) => group.spec.name).join(' ');
    return this.reload({ scope, ...asking, kind: 'restart' });
  }

  /** The bootstrap script of the change that runs declares these groups. */
  evaluated(...groups: GroupSpec[]): string[] {
    return this.send({ type: 'evaluated', change: this.change().id, outcome: groups });
  }

  evaluationFails(message: string): string[] {
    return this.send({ type: 'evaluated', change: this.change().id, outcome: error(message, 'bootstrap-error') });
  }

  checked(problem: ErrorInfo | null = null): string[] {
    return this.send({ type: 'checked', change: this.change().id, error: problem });
  }

  ready(name: string, listens = true): string[] {
    return this.send({ type: 'ready', worker: this.find(name).id, listens });
  }

  fails(name: string, problem = error('addresses changed', 'addresses-changed')): string[] {
    return this.send({ type: 'failed', worker: this.find(name).id, error: problem });
  }

  debugger(name: string, isConnected: boolean): string[] {
    return this.send({ type: 'debugger', worker: this.find(name).id, isConnected });
  }

  exits(name: string, code: number | null = null, diskDiffers = false): string[] {
    const worker = this.find(name);
    this.living.splice(this.living.indexOf(worker), 1);
    return this.send({ type: 'exited', worker: worker.id, exit: exitOf(code, `${name} is gone`), diskDiffers });
  }

  /** Its event loop has not turned for a second. */
  isSilent(name: string): string[] {
    return this.send({ type: 'unresponsive', worker: this.find(name).id, silentSince: this.now - 1000 });
  }

  turnsAgain(name: string): string[] {
    return this.send({ type: 'responsive', worker: this.find(name).id });
  }

  crashes(name: string, diskDiffers = false): string[] {
    return this.exits(name, 1, diskDiffers);
  }

  /** Time passes; the supervisor is woken when it asked for it. */
  pass(ms: number): string[] {
    const end = this.now + ms;
    const lines: string[] = [];
    for (;;) {
      const next = this.core.nextDeadline();
      if (next === null || next > end) break;
      assert.ok(next >= this.now, 'a deadline that has passed would wake the supervisor without end');
      this.now = next;
      lines.push(...this.send({ type: 'tick' }));
    }
    this.now = end;
    return [...lines, ...this.send({ type: 'tick' })];
  }

  /** Everything goes well from here on: workers become ready, drain, and end when they are killed. */
  settle(): string[] {
    const lines: string[] = [];
    for (let rounds = 0; rounds < 1000; rounds++) {
      const next = this.nextOfItself();
      if (!next) return lines;
      lines.push(...next());
    }
    throw new Error('the world does not come to rest');
  }

  private nextOfItself(): (() => string[]) | undefined {
    const { change } = this.core;
    if (change?.phase === 'check') return () => this.checked();
    for (const worker of this.living) {
      if (worker.state.kind === 'starting') return () => this.ready(nameOf(worker));
      if (worker.state.kind === 'draining' || worker.state.kind === 'ending') return () => this.exits(nameOf(worker));
    }
    return undefined;
  }

  private change(): NonNullable<Supervisor['change']> {
    assert.ok(this.core.change, 'no change is running');
    return this.core.change;
  }

  find(name: string): Worker {
    const worker = this.living.findLast((candidate) => nameOf(candidate) === name);
    assert.ok(worker, `no ${name} among ${this.living.map(nameOf).join(', ')}`);
    return worker;
  }

  group(name: string): Group {
    const group = this.core.groups.find((candidate) => candidate.spec.name === name);
    assert.ok(group, `no group ${name}`);
    return group;
  }

  slot(name: string): Slot {
    const [group = '', index = '1'] = name.split('#');
    const slot = this.group(group).slots.find((candidate) => candidate.index === Number(index));
    assert.ok(slot, `no slot ${name}`);
    return slot;
  }

  /** A group slot by slot: `['ready g2', 'draining g1, starting g2', 'backoff']`. */
  slots(name: string): string[] {
    return this.group(name).slots.map((slot) => {
      const workers = slot.workers.map((worker) => `${worker.state.kind} g${worker.generation}`);
      if (slot.backoff) workers.push('backoff');
      if (slot.stopped) workers.push('stopped');
      return workers.join(', ') || 'empty';
    });
  }

  /** How many workers of all groups are in this state. */
  count(kind: Worker['state']['kind']): number {
    return this.living.filter((worker) => worker.state.kind === kind).length;
  }

  /** `['g2 superseded', 'g3 done (7, 8)']`: how changes ended, and who was told. */
  ended(): string[] {
    return this.results.map(({ change, result, waiters }) => {
      const told = waiters.length > 0 ? ` (${waiters.join(', ')})` : '';
      return `g${change.generation} ${result}${told}`;
    });
  }
}

export function nameOf(worker: Worker): string {
  return `${worker.group}#${worker.slot} g${worker.generation}`;
}

function scopeOf(text: string): Scope {
  const scope = new Map<string, number[] | null>();
  for (const word of text.split(' ').filter(Boolean)) {
    const [group = '', slot] = word.split('#');
    if (slot === undefined) scope.set(group, null);
    else scope.set(group, [...(scope.get(group) ?? []), Number(slot)]);
  }
  return scope;
}

function lineOf(command: Command): string {
  switch (command.type) {
    case 'spawn':
    case 'admit':
    case 'drain':
    case 'hurry':
      return `${command.type} ${nameOf(command.worker)}`;
    case 'kill':
      return `kill ${nameOf(command.worker)}${command.forced ? ' (forced)' : ''}`;
    case 'evaluate':
    case 'commit':
      return command.type;
    case 'check':
      return `check ${command.groups.join(' ')}`;
    case 'deadline':
      return `deadline ${nameOf(command.worker)} ${command.timeoutMs ?? 'none'}`;
    case 'release':
      return `release ${command.group}`;
    case 'began':
      return `began ${command.change.kind} g${command.change.generation}`;
    case 'ended':
      return `${command.result.result} g${command.result.change.generation}`;
    case 'stopped':
      return 'stopped';
  }
}
