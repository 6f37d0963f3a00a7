/** What is said before a restart. Pure. */
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
    : cut.map(({ name, count }) => `${plural(count, 'connection')} of ${name}`).join(' and ');
}

/** `server.ts has changed: shop runs on as it was started.` */
export function restartNotice(snapshot: Snapshot): string {
  const cut = cutByRestart(snapshot);
  return `${filesText(snapshot.needsRestart)}: ${snapshot.name} runs on as it was started, until it is restarted.${
    cut === undefined ? '' : ` A restart cuts ${cut}.`
  }`;
}

function filesText(changes: readonly NeedsRestart[]): string {
  const [first, ...more] = changes;
  const verb = first?.digest === null ? 'was deleted' : 'has changed';
  return more.length === 0
    ? `${first?.file ?? ''} ${verb}`
    : `${first?.file ?? ''} and ${plural(more.length, 'more file')} have changed`;
}

/** Names the content of all edits: a restart that failed is not tried again before the next one. */
export function editsKey(changes: readonly NeedsRestart[]): string {
  return JSON.stringify(changes.map(({ file, digest }) => [file, digest]).sort());
}
