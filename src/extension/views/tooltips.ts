/** What a row says when a person stays on it: the facts that would crowd the line. Markdown, made when it is asked for. */
import type { CommandId } from '../contributions.ts';
import type { GroupStatus, NeedsRestart, ReloadReport, Snapshot, WorkerStatus } from '../../protocol/status.ts';
import {
  clockWithSeconds,
  describeResult,
  describeTrigger,
  duration,
  megabytes,
  shortAddress,
  urlsOf,
} from './format.ts';
import { workerRowId } from './groupRows.ts';
import { commandLink, escapeMarkdown } from './markdown.ts';
import { describeConnections, describePhases } from './reloadText.ts';
import { restartCause } from './noteRows.ts';
import type { Row } from './row.ts';

/** Commands that a tooltip of a row may run. */
export const tooltipCommands: readonly CommandId[] = [
  'gracefulReload.reload',
  'gracefulReload.restart',
  'gracefulReload.compareWithRunning',
  'gracefulReload.openInBrowser',
  'gracefulReload.showHistory',
];

export function rowTooltip(row: Row, snapshot: Snapshot): string | undefined {
  const { server, group: groupName } = row.target;
  const group = snapshot.groups.find((candidate) => candidate.name === groupName);
  switch (row.kind) {
    case 'server':
      return serverTooltip(server, snapshot);
    case 'group':
      return group && groupTooltip(group);
    case 'worker': {
      const worker = group?.workers.find(
        (one) => workerRowId(`${server}/${group.name}`, one, group.workers) === row.id,
      );
      return group && worker && workerTooltip(group, worker);
    }
    case 'error':
      return snapshot.error ? `**${escapeMarkdown(snapshot.error.message)}**${stack(snapshot.error.stack)}` : undefined;
    case 'needsRestart':
      return `These files run in the server as they were when it started.\n\n${commandLink('Restart server', 'gracefulReload.restart', server)}`;
    case 'changedFile': {
      const change = snapshot.needsRestart.find((candidate) => candidate.file === row.target.file);
      return change && changedFileTooltip(server, change);
    }
    case 'reloads':
    case 'fact':
      return undefined;
    case 'reload': {
      const report = snapshot.reloads.find((candidate) => row.id.endsWith(`/${candidate.id}`));
      return report && reloadTooltip(report);
    }
  }
}

function changedFileTooltip(server: string, change: NeedsRestart): string {
  const { file, changed, chain, digest } = change;
  const lines = (changed ?? []).map(({ from, to }) => (from === to ? `${from}` : `${from}–${to}`)).join(', ');
  const links = [
    commandLink('Restart server', 'gracefulReload.restart', server),
    ...(changed === null
      ? []
      : [commandLink('Compare with running version', 'gracefulReload.compareWithRunning', { server, file })]),
  ];
  const what = table([
    ['Changed', digest === null ? 'deleted' : lines === '' ? '' : `line ${lines}`],
    ['Why', restartCause(change)],
    ['Imports', chain.length > 1 ? chain.join(' → ') : ''],
  ]);
  return `**${escapeMarkdown(file)}** runs as it was when the server started\n\n${what}\n\n${links.join(' · ')}`;
}

function serverTooltip(id: string, snapshot: Snapshot): string {
  const facts: [string, string][] = [
    ['Script', snapshot.script],
    ['Folder', snapshot.cwd],
    ['Process', `pid ${snapshot.pid}`],
    ['Started', clockWithSeconds(snapshot.startedAt)],
    ['Generation', String(snapshot.generation)],
    [
      'Addresses',
      [...urlsOf(snapshot.addresses), ...snapshot.addresses.filter((one) => one.port === null).map(shortAddress)].join(
        ', ',
      ),
    ],
  ];
  const links = [
    commandLink('Reload', 'gracefulReload.reload', id),
    commandLink('Restart', 'gracefulReload.restart', id),
    ...urlsOf(snapshot.addresses).map((url) =>
      commandLink(`Open ${url.replace('http://', '')}`, 'gracefulReload.openInBrowser', { server: id, url }),
    ),
    commandLink('History', 'gracefulReload.showHistory', id),
  ];
  return `**${escapeMarkdown(snapshot.name)}** is ${snapshot.state}\n\n${table(facts)}\n\n${links.join(' · ')}`;
}

function groupTooltip(group: GroupStatus): string {
  const order = group.order === 'auto' ? 'not known yet' : group.order;
  return `**${escapeMarkdown(group.name)}**\n\n${table([
    ['Entry', group.entry],
    ['Order', group.reloadable ? order : 'never reloaded, replaced by a restart only'],
    ['Generation', String(group.generation)],
    ['Spare processes', String(group.spares)],
    ['Addresses', group.addresses.map(shortAddress).join(', ')],
  ])}`;
}

function workerTooltip(group: GroupStatus, worker: WorkerStatus): string {
  return `**${escapeMarkdown(group.name)}#${worker.slot}** is ${worker.state}\n\n${table([
    ['Process', worker.pid === null ? 'none' : `pid ${worker.pid}`],
    ['Generation', String(worker.generation)],
    ['Started', worker.startedAt === null ? '' : clockWithSeconds(worker.startedAt)],
    [
      'Event loop',
      worker.unresponsiveSince === null ? '' : `has not turned since ${clockWithSeconds(worker.unresponsiveSince)}`,
    ],
    ['Requests', `${worker.requests}, ${worker.inFlight} in flight`],
    ['Connections', String(worker.connections)],
    ['Memory', worker.rss > 0 ? megabytes(worker.rss) : ''],
    ['CPU', worker.pid === null ? '' : `${Math.round(worker.cpu * 100)} %`],
    ['Event loop lag', worker.pid === null ? '' : duration(worker.eventLoopLagMs)],
    ['Hand-over', worker.fallback === null ? '' : 'closes connections instead of moving them'],
  ])}`;
}

function reloadTooltip(report: ReloadReport): string {
  return `**#${report.id}** ${escapeMarkdown(describeTrigger(report.trigger))}: ${escapeMarkdown(describeResult(report))}\n\n${table(
    [
      ['Generation', String(report.generation)],
      ['Files', report.trigger.files.join(', ')],
      ['Groups', report.groups.join(', ')],
      ['First new worker', report.firstReadyMs === null ? '' : duration(report.firstReadyMs)],
      ['Phases', describePhases(report)],
      ['Connections', describeConnections(report)],
    ],
  )}${stack(report.error?.stack ?? null)}`;
}

/** Facts without a value are left out. */
function table(facts: readonly (readonly [name: string, value: string])[]): string {
  const lines = facts
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `| ${name} | ${escapeMarkdown(value)} |`);
  return ['| | |', '|---|---|', ...lines].join('\n');
}

/** Four backticks: a stack may quote source text with three. */
function stack(text: string | null): string {
  return text === null ? '' : `\n\n\`\`\`\`text\n${text}\n\`\`\`\``;
}
