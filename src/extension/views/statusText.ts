/** The status bar item as a function of all snapshots: the sum of the workers, the worst state. Pure. */
import { t } from '@vscode/l10n';
import type { CommandId } from '../contributions.ts';
import type { Snapshot } from '../../protocol/status.ts';
import { clock, duration, plural, serverStateText, shortAddress, urlsOf } from './format.ts';
import { commandLink, escapeMarkdown } from './markdown.ts';
import { heldText, oldCodeText } from './reloadText.ts';
import { codeSince, countReady, heldChanges, isBusy, needsAttention } from './standing.ts';

/** Ordered: the worst of several servers is the largest. */
export const severities = ['none', 'warning', 'error'] as const;
export type Severity = (typeof severities)[number];

export interface StatusText {
  readonly text: string;
  readonly severity: Severity;
  /** Markdown with links that run `statusCommands`. */
  readonly tooltip: string;
  readonly spoken: string;
}

export interface ServerSnapshot {
  readonly id: string;
  readonly snapshot: Snapshot;
}

export const statusCommands: readonly CommandId[] = [
  'gracefulReload.reload',
  'gracefulReload.restart',
  'gracefulReload.resume',
  'gracefulReload.stop',
  'gracefulReload.showHistory',
  'gracefulReload.showLog',
];

/** Undefined when there is no server, and so nothing to show. */
export function statusOf(servers: readonly ServerSnapshot[]): StatusText | undefined {
  if (servers.length === 0) return undefined;
  const snapshots = servers.map(({ snapshot }) => snapshot);
  const counts = snapshots.map(countReady);
  const ready = counts.reduce((sum, count) => sum + count.ready, 0);
  const wanted = counts.reduce((sum, count) => sum + count.wanted, 0);
  const severity =
    severities[Math.max(...snapshots.map((snapshot) => severities.indexOf(severityOf(snapshot))))] ?? 'none';
  const addresses = snapshots.flatMap((snapshot) => snapshot.addresses).map(shortAddress);
  const [address] = addresses;
  const icon = iconOf(
    severity,
    snapshots.some(isBusy),
    snapshots.some(({ paused }) => paused),
  );
  const parts = [
    // Which workers there are to be is not known at once.
    `$(${icon}) ${wanted > 0 ? `${ready}/${wanted}` : serverStateText(snapshots[0]!.state)}`,
    ...(address !== undefined && addresses.length === 1 ? [address] : []),
    ...noteOf(snapshots),
  ];
  return {
    text: parts.join(' '),
    severity,
    tooltip: servers.map(serverLine).join('\n\n'),
    spoken: servers.map(({ snapshot }) => describe(snapshot)).join('; '),
  };
}

function iconOf(severity: Severity, spins: boolean, isPaused: boolean): string {
  if (severity === 'error') return 'error';
  if (spins) return 'sync~spin';
  if (severity === 'warning') return 'warning';
  return isPaused ? 'debug-pause' : 'server-process';
}

/** What a person must not overlook: that what was saved is not what runs. Of several servers the tooltip tells which. */
function noteOf(snapshots: readonly Snapshot[]): string[] {
  const old = snapshots.filter((snapshot) => !isBusy(snapshot)).map(oldCodeText);
  return [
    ...old.filter((text) => text !== undefined).slice(0, 1),
    ...(snapshots.some(({ paused }) => paused) ? [t('paused')] : []),
  ];
}

function severityOf(snapshot: Snapshot): Severity {
  const { ready, missing } = countReady(snapshot);
  if (snapshot.state === 'failed') return 'error';
  if (ready === 0 && missing > 0 && (snapshot.state === 'running' || snapshot.state === 'reloading')) return 'error';
  return needsAttention(snapshot) ? 'warning' : 'none';
}

function serverLine({ id, snapshot }: ServerSnapshot): string {
  const facts = [`**${escapeMarkdown(snapshot.name)}**`];
  facts.push(
    snapshot.state === 'running'
      ? t('generation {0} since {1}', snapshot.generation, clock(codeSince(snapshot)))
      : serverStateText(snapshot.state),
  );
  facts.push(...urlsOf(snapshot.addresses).map((url) => `[${escapeMarkdown(url)}](${url})`));
  const last = snapshot.lastReload;
  if (last?.result === 'done') facts.push(t('last reload {0}', duration(last.durationMs)));
  if (last?.result === 'rejected') facts.push(oldCodeText(snapshot) ?? t('last reload rejected'));
  if (snapshot.paused) facts.push(t('paused'));
  const held = heldText(snapshot);
  if (held !== undefined) facts.push(escapeMarkdown(`${held}: ${filesOf(heldChanges(snapshot))}`));
  if (snapshot.needsRestart.length > 0)
    facts.push(escapeMarkdown(t('needs a restart for {0}', filesOf(snapshot.needsRestart))));
  if (snapshot.flapping.length > 0) facts.push(escapeMarkdown(t('left alone: {0}', filesOf(snapshot.flapping))));
  facts.push(
    ...(snapshot.paused ? [commandLink(t('Resume'), 'gracefulReload.resume', id)] : []),
    commandLink(t('Reload'), 'gracefulReload.reload', id),
    commandLink(t('Restart'), 'gracefulReload.restart', id),
    commandLink(t('Stop'), 'gracefulReload.stop', id),
    commandLink(t('History'), 'gracefulReload.showHistory', id),
    commandLink(t('Show log'), 'gracefulReload.showLog', id),
  );
  return facts.join(' · ');
}

function filesOf(changes: readonly { readonly file: string }[]): string {
  const [first, second, ...more] = changes.map(({ file }) => file);
  if (second === undefined) return first ?? '';
  return t('{0} and {1}', first!, more.length === 0 ? second : plural(more.length + 1, 'more file'));
}

function describe(snapshot: Snapshot): string {
  const { ready, wanted } = countReady(snapshot);
  const parts = [
    t('{0} is {1}', snapshot.name, serverStateText(snapshot.state)),
    ...(wanted > 0 ? [t('{0} of {1} workers ready', ready, wanted)] : []),
  ];
  if (snapshot.needsRestart.length > 0) parts.push(t('needs a restart'));
  if (snapshot.lastReload?.result === 'rejected') parts.push(oldCodeText(snapshot) ?? t('last reload rejected'));
  if (snapshot.paused) parts.push(t('paused'));
  const held = heldText(snapshot);
  if (held !== undefined) parts.push(held);
  return parts.join(', ');
}
