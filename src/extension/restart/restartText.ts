/** What is said before a restart. Pure. */
import { t } from '@vscode/l10n';
import type { NeedsRestart, Snapshot } from '../../protocol/status.ts';
import { plural } from '../views/format.ts';

/** `3 connections of gateway`: a restart replaces groups that do not reload, and what is connected to them is cut. */
export function cutByRestart(snapshot: Snapshot): string | undefined {
  const cut = snapshot.groups
    .filter(({ reloadable }) => !reloadable)
    .map(({ name, workers }) => ({ name, count: workers.reduce((sum, { connections }) => sum + connections, 0) }))
    .filter(({ count }) => count > 0);
  return cut.length === 0
    ? undefined
    : cut.map(({ name, count }) => t('{0} of {1}', plural(count, 'connection'), name)).join(t(' and '));
}

/** `node, script`: options that no restart brings in. */
export function takingStart(snapshot: Snapshot): string | undefined {
  const names = snapshot.needsRestart.flatMap(({ options }) =>
    options.filter(({ takes }) => takes === 'start').map(({ name }) => name),
  );
  return names.length === 0 ? undefined : names.join(', ');
}

/** `server.ts has changed: shop runs on as it was started.` */
export function restartNotice(snapshot: Snapshot): string {
  const cut = cutByRestart(snapshot);
  const notice = t(
    '{0}: {1} runs on as it was started, until it is restarted.',
    filesText(snapshot.needsRestart),
    snapshot.name,
  );
  return cut === undefined ? notice : `${notice} ${t('A restart cuts {0}.', cut)}`;
}

function filesText(changes: readonly NeedsRestart[]): string {
  const [first, ...more] = changes;
  const file = first?.file ?? '';
  if (first && more.length === 0 && isSaidElsewhere(first))
    return t('Start options have changed ({0})', first.options.map(({ name }) => name).join(', '));
  if (more.length > 0) return t('{0} and {1} have changed', file, plural(more.length, 'more file'));
  return first?.digest === null ? t('{0} was deleted', file) : t('{0} has changed', file);
}

/** Of a detected server nobody wrote a task: what has changed may be a setting, whatever file it is shown at. */
export function isSaidElsewhere({ options }: NeedsRestart): boolean {
  return options.length > 0 && options.every(({ line }) => line === null);
}

/** Names the content of all edits: a restart that failed is not tried again before the next one. */
export function editsKey(changes: readonly NeedsRestart[]): string {
  return JSON.stringify(changes.map(({ file, digest }) => [file, digest]).sort());
}
