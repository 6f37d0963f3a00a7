/** What somebody asks to be reloaded, as the slots it means. */
import type { Group } from '../core/pool.ts';
import type { Scope } from '../core/requests.ts';
import { UserError } from '../protocol/userError.ts';

/** @throws UserError `usage` when there is no such group or slot, `not-reloadable` when only a restart replaces it */
export function scopeOfDemand(groups: readonly Group[], group: string | undefined, slot: number | undefined): Scope {
  const reloadable = groups.filter(({ spec }) => spec.reloadable);
  const names = groups.map(({ spec }) => spec.name).join(', ');
  const wanted = group === undefined ? reloadable : groups.filter(({ spec }) => spec.name === group);
  if (group !== undefined && wanted.length === 0)
    throw new UserError('usage', `There is no group "${group}". Groups: ${names}.`);
  if (wanted.some(({ spec }) => !spec.reloadable) || wanted.length === 0) {
    throw new UserError(
      'not-reloadable',
      `${group ?? 'No group'} ${group === undefined ? 'of this server is reloadable' : 'is not reloadable'}: restart the server ("Restart Server", or graceful-reload restart).`,
    );
  }
  if (slot !== undefined) {
    if (groups.length > 1 && group === undefined)
      throw new UserError('usage', `--slot needs --group, since there are several: ${names}.`);
    const count = wanted[0]?.slots.length ?? 0;
    if (slot > count) throw new UserError('usage', `There is no slot ${slot}: ${wanted[0]?.spec.name} has ${count}.`);
  }
  return new Map(wanted.map(({ spec }) => [spec.name, slot === undefined ? null : [slot]]));
}
