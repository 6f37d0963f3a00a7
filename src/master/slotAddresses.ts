/** What the worker of each slot listened on. Its successor has to listen there too; what nobody listens on is released. */
import { isServing, serving, successor } from '../core/pool.ts';
import type { Worker } from '../core/workerState.ts';
import type { Facts } from './facts.ts';
import type { Listeners } from './listeners.ts';
import type { Spares } from './spares.ts';
import { slotName, type WorkerHandle } from './workerHandle.ts';

export class SlotAddresses {
  private readonly facts: Facts;
  private readonly listeners: Listeners;
  private readonly spares: Spares;
  private readonly bySlot = new Map<string, ReadonlySet<string>>();

  constructor(facts: Facts, listeners: Listeners, spares: Spares) {
    this.facts = facts;
    this.listeners = listeners;
    this.spares = spares;
  }

  of(slot: Pick<Worker, 'group' | 'slot'>): Iterable<string> {
    return this.bySlot.get(slotName(slot)) ?? [];
  }

  learn({ worker, listening }: WorkerHandle): void {
    if (isServing(worker)) this.bySlot.set(slotName(worker), new Set(listening));
  }

  /** A new definition is in force: its groups may listen elsewhere. */
  onCommitted(): void {
    this.bySlot.clear();
  }

  onUnlistened(handle: WorkerHandle, key: string): void {
    const { group } = handle.worker;
    handle.listening.delete(key);
    handle.bound.delete(key);
    const isLast = !this.handlesOf(group).some(({ listening }) => listening.has(key));
    if (isLast) {
      this.listeners.release(group, key);
      this.spares.forget(group, key);
    }
    this.learn(handle);
  }

  /**
   * An address that a group no longer listens on is refused from now on, instead of letting clients wait. While a slot is
   * without its worker nothing is decided: its next one may listen there.
   */
  releaseUnused(name: string): void {
    const group = this.facts.group(name);
    const isSettled = group?.slots.every((slot) => (serving(slot) && !successor(slot)) || slot.stopped);
    if (!group || !isSettled || this.facts.core.change?.scope.has(name)) return;
    const handles = this.handlesOf(name);
    const expected = group.slots.map(({ index }) => this.of({ group: name, slot: index }));
    const kept = [...handles.map(({ bound }) => bound), ...expected].flatMap((keys) => [...keys]);
    const unused = this.listeners.keepOnly(name, new Set(kept));
    for (const key of unused) {
      for (const { process } of handles) process.send({ t: 'forget', key });
      this.spares.forget(name, key);
    }
  }

  private handlesOf(group: string): WorkerHandle[] {
    return [...this.facts.handles.values()].filter(({ worker }) => worker.group === group);
  }
}
