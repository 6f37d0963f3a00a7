/** A server's snapshot as the rows of the view: server > groups > workers, "Needs restart" and "Reloads". Pure. */
import { t } from '@vscode/l10n';
import type { ErrorInfo, Snapshot } from '../../protocol/status.ts';
import { clock, firstLine, serverStateText, shortAddress } from './format.ts';
import { buildRow } from './buildRow.ts';
import { groupRow } from './groupRows.ts';
import { flappingRow, heldRow, needsRestartRow, reloadsRow } from './noteRows.ts';
import { oldCodeText } from './reloadText.ts';
import { icons, type Row, type RowIcon } from './row.ts';
import { heldChanges, needsAttention } from './standing.ts';

/** @param id names the server; every row id begins with it. What is no group has an "@" behind it, which no group name has. */
export function serverRow(id: string, snapshot: Snapshot, now: number): Row {
  const state = describeState(snapshot);
  const parts = [snapshot.script];
  const [address] = snapshot.addresses;
  if (address)
    parts.push(snapshot.addresses.length === 1 ? shortAddress(address) : t('{0} addresses', snapshot.addresses.length));
  if (snapshot.generation > 0) parts.push(t('generation {0}', snapshot.generation));
  // What a person should know first stands where a narrow view still shows it.
  if (snapshot.paused || oldCodeText(snapshot) !== undefined) parts.unshift(state);
  else parts.push(state);
  const children: Row[] = [];
  if (snapshot.error) children.push(errorRow(id, snapshot.error));
  children.push(...snapshot.groups.map((group) => groupRow(id, group, now)));
  children.push(...snapshot.builds.map((build) => buildRow(id, build)));
  if (snapshot.needsRestart.length > 0) children.push(needsRestartRow(id, snapshot.needsRestart));
  if (heldChanges(snapshot).length > 0) children.push(heldRow(id, snapshot));
  children.push(...snapshot.flapping.map((flapping) => flappingRow(id, flapping)));
  if (snapshot.reloads.length > 0) children.push(reloadsRow(id, snapshot.reloads));
  return {
    id,
    kind: 'server',
    label: snapshot.name,
    description: parts.join(' · '),
    icon: serverIcon(snapshot),
    contextValue: serverTags(snapshot).join(' '),
    spoken: t('Server {0}, {1}, {2}', snapshot.name, state.replaceAll(' · ', ', '), spokenFacts(snapshot).join(', ')),
    fold: 'open',
    children,
    target: { server: id },
  };
}

/** What runs and where; the sign before a port is not for the ear. */
function spokenFacts({ script, addresses, generation }: Snapshot): string[] {
  const [address] = addresses;
  const where = address && shortAddress(address).replace(/^:(.*)/, (_, port: string) => t('port {0}', port));
  return [
    script,
    ...(where === undefined ? [] : [addresses.length === 1 ? where : t('{0} addresses', addresses.length)]),
    ...(generation > 0 ? [t('generation {0}', generation)] : []),
  ];
}

function describeState(snapshot: Snapshot): string {
  const { state, paused, startedAt } = snapshot;
  const oldCode = state === 'running' ? oldCodeText(snapshot) : undefined;
  // A pause is news; since when the server has run can wait for it.
  const running = paused ? [] : [t('running since {0}', clock(startedAt))];
  const first = state === 'running' ? (oldCode ?? running) : serverStateText(state);
  return [first, paused ? t('paused') : []].flat().join(' · ');
}

function serverIcon(snapshot: Snapshot): RowIcon {
  switch (snapshot.state) {
    case 'starting':
    case 'stopping':
      return icons.starting;
    case 'reloading':
      return icons.reloading;
    case 'failed':
      return icons.failed;
    case 'stopped':
      return icons.stopped;
    case 'running':
      if (needsAttention(snapshot)) return icons.attention;
      return snapshot.paused ? icons.paused : icons.server;
  }
}

function serverTags(snapshot: Snapshot): string[] {
  const tags = ['server', snapshot.state];
  // `stopping` and `stopped` servers take no more requests.
  if (!snapshot.state.startsWith('stop')) tags.push('controllable', snapshot.paused ? 'paused' : 'pausable');
  if (snapshot.addresses.some((address) => address.protocol === 'tcp')) tags.push('browsable');
  if (snapshot.needsRestart.length > 0) tags.push('restartNeeded');
  return tags;
}

function errorRow(serverId: string, error: ErrorInfo): Row {
  const where = error.file === null ? '' : `${error.file}${error.line === null ? '' : `:${error.line}`}`;
  const message = firstLine(error.message);
  return {
    id: `${serverId}/@error`,
    kind: 'error',
    label: message,
    description: where,
    icon: icons.failed,
    contextValue: 'error',
    spoken: where === '' ? t('Error: {0}', message) : t('Error: {0} at {1}', message, where),
    fold: 'none',
    children: [],
    target: { server: serverId },
    ...(error.file === null ? {} : { place: { file: error.file, line: error.line ?? 1, column: error.column ?? 1 } }),
  };
}
