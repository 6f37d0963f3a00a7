/** What a restart makes of groups and slots, once its definition is in force. */
import { newSlot, type Group, type GroupSpec } from './pool.ts';
import type { Change } from './change.ts';
import type { Roster } from './roster.ts';

export function applyDefinition(roster: Roster, change: Change, next: readonly GroupSpec[]): void {
  roster.out.push({ type: 'commit', change });
  const kept: Group[] = [];
  for (const spec of next) {
    const group =
      roster.groups.find((candidate) => candidate.spec.name === spec.name) ??
      change.added.find((candidate) => candidate.spec.name === spec.name);
    if (!group) continue;
    group.spec = spec;
    // A slot that an earlier restart took away may still be there, with a worker that drains.
    const present = new Map(group.slots.map((slot) => [slot.index, slot]));
    const wanted = Array.from(
      { length: spec.workers },
      (_, i) => present.get(i + 1) ?? newSlot(i + 1, change.generation),
    );
    group.slots = [...wanted, ...group.slots.filter((slot) => slot.index > spec.workers)];
    for (const slot of group.slots) slot.wanted = slot.index <= spec.workers;
    kept.push(group);
  }
  for (const group of roster.groups) {
    if (kept.includes(group)) continue;
    for (const slot of group.slots) slot.wanted = false;
    roster.removed.push(group);
  }
  roster.groups = kept;
  change.added = [];
  retireUnwanted(roster);
}

/** Slots and groups that the definition no longer has: their workers drain, then they go. */
export function retireUnwanted(roster: Roster): void {
  for (const group of [...roster.groups, ...roster.removed]) {
    for (const slot of group.slots) {
      if (slot.wanted) continue;
      for (const worker of slot.workers) roster.leave(worker, group, 'restart');
    }
    group.slots = group.slots.filter((slot) => slot.wanted || slot.workers.length > 0);
  }
  releaseRemoved(roster);
}

/** Tells which groups are no more. One that came back under the same name keeps its addresses. */
function releaseRemoved(roster: Roster): void {
  const namesOf = (groups: readonly Group[]): Set<string> => new Set(groups.map((group) => group.spec.name));
  // A definition that is not in force yet may still be rejected: what it would free stays until then.
  const coming = namesOf(roster.change?.added ?? []);
  const isGone = (group: Group): boolean => group.slots.length === 0 && !coming.has(group.spec.name);
  const gone = namesOf(roster.removed.filter(isGone));
  roster.removed = roster.removed.filter((group) => !isGone(group));
  const kept = namesOf([...roster.groups, ...roster.removed]);
  for (const name of gone) if (!kept.has(name)) roster.out.push({ type: 'release', group: name });
}
