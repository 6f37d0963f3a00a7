/** Rows below the groups: edits that wait for a restart or for a person, files left alone, and what reloads came to. Pure. */
import { t } from '@vscode/l10n';
import type {
  Flapping,
  NeedsRestart,
  OptionChange,
  PendingReload,
  ReloadReport,
  Snapshot,
} from '../../protocol/status.ts';
import { clock, clockWithSeconds, describeResult, describeTrigger, duration } from './format.ts';
import { describeConnections, describePhases, heldText } from './reloadText.ts';
import { icons, type Row, type RowIcon } from './row.ts';
import { heldChanges } from './standing.ts';

export function needsRestartRow(serverId: string, changes: readonly NeedsRestart[]): Row {
  const id = `${serverId}/@needs-restart`;
  return {
    id,
    kind: 'needsRestart',
    label: t('Needs restart ({0})', changes.length),
    description: '',
    icon: icons.attention,
    contextValue: 'needsRestart',
    spoken: t('Needs restart, {0} changed', changes.length),
    fold: 'open',
    children: changes.map((change) => changedFileRow(id, serverId, change)),
    target: { server: serverId },
  };
}

function changedFileRow(parentId: string, serverId: string, change: NeedsRestart): Row {
  const isDeleted = change.digest === null;
  const description = [
    isDeleted ? t('deleted {0}', clock(change.since)) : t('changed {0}', clock(change.since)),
    restartCause(change),
  ].join(' · ');
  const tags = ['changedFile', change.reason, ...(change.changed === null ? [] : ['comparable'])];
  return {
    id: `${parentId}/${change.file}`,
    kind: 'changedFile',
    label: change.file,
    description,
    icon: icons.file,
    contextValue: tags.join(' '),
    spoken: `${change.file}, ${description.replaceAll(' · ', ', ')}`,
    fold: 'none',
    children: [],
    target: { server: serverId, file: change.file },
    // What is gone cannot be opened; then a click compares.
    ...(isDeleted
      ? {}
      : { place: { file: change.file, line: change.changed?.[0]?.from ?? change.options[0]?.line ?? 1, column: 1 } }),
  };
}

/** Why the workers alone cannot take the change: `imported by server.ts:3`. */
export function restartCause(change: NeedsRestart): string {
  // The chain ends with the file itself; the one before it is its importer, with the line.
  const importer = change.chain.at(-2);
  switch (change.reason) {
    case 'bootstrap':
      return t('bootstrap script');
    case 'bootstrap-import':
      return importer === undefined ? t('imported by the bootstrap script') : t('imported by {0}', importer);
    case 'env-file':
      return t('environment file');
    case 'non-reloadable':
      return change.groups.length > 0
        ? t('runs in {0}, which does not reload', change.groups.join(', '))
        : t('runs in a group that does not reload');
    case 'options':
      return optionsCause(change.options);
  }
}

function optionsCause(options: readonly OptionChange[]): string {
  const namesOf = (takes: OptionChange['takes']): string =>
    options
      .filter((option) => option.takes === takes)
      .map(({ name }) => name)
      .join(', ');
  const [restart, start] = [namesOf('restart'), namesOf('start')];
  return [
    ...(restart === '' ? [] : [t('start options: {0}', restart)]),
    ...(start === '' ? [] : [t('with a stop and a start: {0}', start)]),
  ].join(' · ');
}

/** Changes that wait for a person. */
export function heldRow(serverId: string, snapshot: Snapshot): Row {
  const id = `${serverId}/@held`;
  const label = heldText(snapshot) ?? '';
  const description = heldCause(snapshot);
  return {
    id,
    kind: 'held',
    label,
    description,
    icon: icons.held,
    contextValue: snapshot.paused ? 'held paused' : 'held',
    spoken: `${label}, ${description}`,
    fold: 'closed',
    children: heldChanges(snapshot).map((change) => heldFileRow(id, serverId, change)),
    target: { server: serverId },
  };
}

/** What ends the wait. */
function heldCause({ paused, reloadOn }: Snapshot): string {
  if (paused) return t('until the server is resumed');
  return reloadOn === 'never' ? t('until a reload is asked for') : t('until saved by hand');
}

function heldFileRow(parentId: string, serverId: string, { file, groups, since }: PendingReload): Row {
  const description = `${t('changed {0}', clock(since))} · ${groups.join(', ')}`;
  return {
    id: `${parentId}/${file}`,
    kind: 'heldFile',
    label: file,
    description,
    icon: icons.file,
    contextValue: 'heldFile',
    spoken: `${file}, ${description.replaceAll(' · ', ', ')}`,
    fold: 'none',
    children: [],
    target: { server: serverId, file },
    place: { file, line: 1, column: 1 },
  };
}

/** A file that each reload changed again: it no longer acts, and the row says what to exclude. */
export function flappingRow(serverId: string, { file, exclude }: Flapping): Row {
  const description = t('changes with each reload, left alone · exclude {0}', exclude);
  return {
    id: `${serverId}/@flapping/${file}`,
    kind: 'flapping',
    label: file,
    description,
    icon: icons.attention,
    contextValue: 'flapping',
    spoken: `${file}, ${description.replaceAll(' · ', ', ')}`,
    fold: 'none',
    children: [],
    target: { server: serverId, file },
    place: { file, line: 1, column: 1 },
  };
}

export function reloadsRow(serverId: string, reloads: readonly ReloadReport[]): Row {
  const id = `${serverId}/@reloads`;
  const [newest] = reloads;
  const description = newest ? `#${newest.id} ${describeReload(newest)}` : '';
  return {
    id,
    kind: 'reloads',
    label: t('Reloads'),
    description,
    icon: newest?.result === 'rejected' ? icons.failed : icons.history,
    contextValue: 'reloads',
    spoken: t('Reloads, the last: {0}', description.replaceAll(' · ', ', ')),
    fold: 'closed',
    children: reloads.map((reload) => reloadRow(id, serverId, reload)),
    target: { server: serverId },
  };
}

function reloadRow(parentId: string, serverId: string, reload: ReloadReport): Row {
  const description = describeReload(reload);
  const error = reload.error;
  return {
    id: `${parentId}/${reload.id}`,
    kind: 'reload',
    label: `#${reload.id}`,
    description,
    icon: reloadIcon(reload),
    contextValue: `reload ${reload.result}`,
    spoken: t('Reload {0}, {1}', reload.id, description.replaceAll(' · ', ', ')),
    fold: 'closed',
    children: factRows(`${parentId}/${reload.id}`, serverId, reload),
    target: { server: serverId },
    ...(error && error.file !== null
      ? { place: { file: error.file, line: error.line ?? 1, column: error.column ?? 1 } }
      : {}),
  };
}

/** What stands behind the one line of a reload; what did not happen has no row. */
function factRows(parentId: string, serverId: string, reload: ReloadReport): Row[] {
  const { files } = reload.trigger;
  const groups = reload.groups.join(', ');
  const facts: (readonly [label: string, text: string])[] = [
    [t('Files'), files.join(', ')],
    [t('Groups'), reload.replaced > 0 ? t('{0} · {1} replaced', groups, reload.replaced) : groups],
    [t('First new worker'), reload.firstReadyMs === null ? '' : t('ready after {0}', duration(reload.firstReadyMs))],
    [t('Phases'), describePhases(reload)],
    [t('Connections'), describeConnections(reload)],
  ];
  return facts
    .filter(([, text]) => text !== '')
    .map(([label, text], index) => ({
      id: `${parentId}/${index}`,
      kind: 'fact',
      label,
      description: text,
      icon: icons.fact,
      contextValue: 'fact',
      spoken: `${label}: ${text.replaceAll(' · ', ', ')}`,
      fold: 'none',
      children: [],
      target: { server: serverId },
    }));
}

function describeReload(reload: ReloadReport): string {
  return `${clockWithSeconds(reload.startedAt)} ${describeTrigger(reload.trigger)} · ${describeResult(reload)}`;
}

function reloadIcon(reload: ReloadReport): RowIcon {
  switch (reload.result) {
    case 'done':
      return icons.done;
    case 'rejected':
      return icons.failed;
    case 'superseded':
    case 'stopped':
      return icons.superseded;
  }
}
