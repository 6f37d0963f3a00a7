/** What somebody asks to be reloaded or debugged, as the slots it means. */
import type { Group } from '../core/pool.ts';
import type { Scope } from '../core/requests.ts';
import { UserError } from '../protocol/userError.ts';

/** @throws UserError `usage` when there is no such group or slot, `not-reloadable` when only a restart replaces it */
export function scopeOfDemand(groups: readonly Group[], group: string | undefined, slot: number | undefined): Scope {
  const wanted = groupsOfDemand(groups, group, slot).filter(({ spec }) => group !== undefined || spec.reloadable);
  if (wanted.some(({ spec }) => !spec.reloadable) || wanted.length === 0) {
    throw new UserError(
      'not-reloadable',
      `${group ?? 'No group'} ${group === undefined ? 'of this server is reloadable' : 'is not reloadable'}: restart the server ("Restart Server", or graceful-reload restart).`,
    );
  }
  return new Map(wanted.map(({ spec }) => [spec.name, slot === undefined ? null : [slot]]));
}

/** @throws UserError `usage` when there is no such group or slot */
export function slotsOfDemand(
  groups: readonly Group[],
  group: string | undefined,
  slot: number | undefined,
): { readonly group: string; readonly slot: number }[] {
  return groupsOfDemand(groups, group, slot).flatMap(({ spec, slots }) =>
    slots
      .filter(({ index, wanted }) => wanted && (slot === undefined || index === slot))
      .map(({ index }) => ({ group: spec.name, slot: index })),
  );
}

/** @throws UserError `usage` when nothing, or nothing by that command, builds beside the server */
export function refuseUnknownBuild(commands: readonly string[], build: string | true | undefined): void {
  if (build === undefined || commands.some((command) => build === true || build === command)) return;
  throw new UserError(
    'usage',
    commands.length === 0
      ? 'Nothing builds beside this server. A builder is started with: graceful-reload start --build COMMAND'
      : `There is no build "${String(build)}". Builds: ${commands.join(', ')}.`,
  );
}

function groupsOfDemand(groups: readonly Group[], group: string | undefined, slot: number | undefined): Group[] {
  const names = groups.map(({ spec }) => spec.name).join(', ');
  const wanted = groups.filter(({ spec }) => group === undefined || spec.name === group);
  if (wanted.length === 0) throw new UserError('usage', `There is no group "${group}". Groups: ${names}.`);
  if (slot !== undefined) {
    if (wanted.length > 1) throw new UserError('usage', `--slot needs --group, since there are several: ${names}.`);
    const count = wanted[0]!.slots.length;
    if (slot > count) throw new UserError('usage', `There is no slot ${slot}: ${wanted[0]!.spec.name} has ${count}.`);
  }
  return wanted;
}
