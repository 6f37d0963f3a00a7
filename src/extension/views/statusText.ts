/** The status bar item as a function of all snapshots: the sum of the workers, the worst state. Pure. */
import type { CommandId } from '../contributions.ts';
import type { Snapshot } from '../../protocol/status.ts';
import { clock, duration, plural, shortAddress, urlsOf } from './format.ts';
import { commandLink, escapeMarkdown } from './markdown.ts';
import { countReady, isBusy, needsAttention } from './standing.ts';

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
  const icon = iconOf(severity, snapshots.some(isBusy));
  return {
    text: `$(${icon}) ${ready}/${wanted}${address !== undefined && addresses.length === 1 ? ` ${address}` : ''}`,
    severity,
    tooltip: servers.map(serverLine).join('\n\n'),
    spoken: servers.map(({ snapshot }) => describe(snapshot)).join('; '),
  };
}

function iconOf(severity: Severity, spins: boolean): string {
  if (severity === 'error') return 'error';
  if (spins) return 'sync~spin';
  return severity === 'warning' ? 'warning' : 'server-process';
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
      ? `generation ${snapshot.generation} since ${clock(generationSince(snapshot))}`
      : `${snapshot.state}`,
  );
  facts.push(...urlsOf(snapshot.addresses).map((url) => `[${escapeMarkdown(url)}](${url})`));
  const last = snapshot.lastReload;
  if (last?.result === 'done') facts.push(`last reload ${duration(last.durationMs)}`);
  if (last?.result === 'rejected') facts.push('last reload rejected');
  if (snapshot.needsRestart.length > 0) facts.push(escapeMarkdown(`needs a restart for ${filesOf(snapshot)}`));
  facts.push(
    commandLink('Reload', 'gracefulReload.reload', id),
    commandLink('Restart', 'gracefulReload.restart', id),
    commandLink('Stop', 'gracefulReload.stop', id),
    commandLink('History', 'gracefulReload.showHistory', id),
    commandLink('Show log', 'gracefulReload.showLog'),
  );
  return facts.join(' · ');
}

function filesOf({ needsRestart }: Snapshot): string {
  const [first, second, ...more] = needsRestart.map(({ file }) => file);
  if (second === undefined) return first ?? '';
  return more.length === 0 ? `${first} and ${second}` : `${first} and ${plural(more.length + 1, 'more file')}`;
}

function generationSince(snapshot: Snapshot): string {
  const made = snapshot.reloads.find((reload) => reload.result === 'done' && reload.generation === snapshot.generation);
  return made?.startedAt ?? snapshot.startedAt;
}

function describe(snapshot: Snapshot): string {
  const { ready, wanted } = countReady(snapshot);
  const parts = [`${snapshot.name} is ${snapshot.state}`, `${ready} of ${wanted} workers ready`];
  if (snapshot.needsRestart.length > 0) parts.push('needs a restart');
  if (snapshot.lastReload?.result === 'rejected') parts.push('last reload rejected');
  return parts.join(', ');
}
