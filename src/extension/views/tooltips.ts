/** What a row says when a person stays on it: the facts that would crowd the line. Markdown, made when it is asked for. */
import { t } from '@vscode/l10n';
import type { CommandId } from '../contributions.ts';
import type { GroupStatus, NeedsRestart, ReloadReport, Snapshot, WorkerStatus } from '../../protocol/status.ts';
import {
  clockWithSeconds,
  describeResult,
  describeTrigger,
  duration,
  megabytes,
  serverStateText,
  shortAddress,
  urlsOf,
  workerStateText,
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
  'gracefulReload.resume',
  'gracefulReload.copyExclude',
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
      return `${t('These files run in the server as they were when it started.')}\n\n${commandLink(t('Restart server'), 'gracefulReload.restart', server)}`;
    case 'changedFile': {
      const change = snapshot.needsRestart.find((candidate) => candidate.file === row.target.file);
      return change && changedFileTooltip(server, change);
    }
    case 'held':
      return `${t('These files have changed, and workers run them as they were.')}\n\n${
        snapshot.paused
          ? commandLink(t('Resume'), 'gracefulReload.resume', server)
          : commandLink(t('Reload'), 'gracefulReload.reload', server)
      }`;
    case 'flapping':
      return `${t('Each reload changed this file again, so its changes no longer act. If the program writes it, put the pattern into "exclude" of the task or bootstrap script; a reload that you ask for lets it count again.')}\n\n${commandLink(t('Copy pattern'), 'gracefulReload.copyExclude', row.target)}`;
    case 'build':
    case 'heldFile':
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
    commandLink(t('Restart server'), 'gracefulReload.restart', server),
    ...(changed === null
      ? []
      : [commandLink(t('Compare with running version'), 'gracefulReload.compareWithRunning', { server, file })]),
  ];
  const what = table([
    [t('Changed'), digest === null ? t('deleted') : lines === '' ? '' : t('line {0}', lines)],
    [t('Why'), restartCause(change)],
    [t('Imports'), chain.length > 1 ? chain.join(' → ') : ''],
  ]);
  const name = `**${escapeMarkdown(file)}**`;
  const head =
    change.reason === 'options'
      ? t('{0}: the server runs with other start options', name)
      : t('{0} runs as it was when the server started', name);
  return `${head}\n\n${what}\n\n${links.join(' · ')}`;
}

function serverTooltip(id: string, snapshot: Snapshot): string {
  const facts: [string, string][] = [
    [t('Script'), snapshot.script],
    [t('Folder'), snapshot.cwd],
    [t('Process'), `pid ${snapshot.pid}`],
    [t('Started'), clockWithSeconds(snapshot.startedAt)],
    [t('Generation'), String(snapshot.generation)],
    [
      t('Addresses'),
      [...urlsOf(snapshot.addresses), ...snapshot.addresses.filter((one) => one.port === null).map(shortAddress)].join(
        ', ',
      ),
    ],
  ];
  const links = [
    commandLink(t('Reload'), 'gracefulReload.reload', id),
    commandLink(t('Restart'), 'gracefulReload.restart', id),
    ...urlsOf(snapshot.addresses).map((url) =>
      commandLink(t('Open {0}', url.replace('http://', '')), 'gracefulReload.openInBrowser', { server: id, url }),
    ),
    commandLink(t('History'), 'gracefulReload.showHistory', id),
  ];
  return `${t('{0} is {1}', `**${escapeMarkdown(snapshot.name)}**`, serverStateText(snapshot.state))}\n\n${table(facts)}\n\n${links.join(' · ')}`;
}

function groupTooltip(group: GroupStatus): string {
  const order = group.order === 'auto' ? t('not known yet') : group.order;
  return `**${escapeMarkdown(group.name)}**\n\n${table([
    [t('Entry'), group.entry],
    [t('Order'), group.reloadable ? order : t('never reloaded, replaced by a restart only')],
    [t('Generation'), String(group.generation)],
    [t('Spare processes'), String(group.spares)],
    [t('Addresses'), group.addresses.map(shortAddress).join(', ')],
  ])}`;
}

function workerTooltip(group: GroupStatus, worker: WorkerStatus): string {
  return `${t('{0} is {1}', `**${escapeMarkdown(group.name)}#${worker.slot}**`, workerStateText(worker.state))}\n\n${table(
    [
      [t('Process'), worker.pid === null ? t('none') : `pid ${worker.pid}`],
      [t('Generation'), String(worker.generation)],
      [t('Started'), worker.startedAt === null ? '' : clockWithSeconds(worker.startedAt)],
      [
        t('Event loop'),
        worker.unresponsiveSince === null
          ? ''
          : t('has not turned since {0}', clockWithSeconds(worker.unresponsiveSince)),
      ],
      [t('Requests'), t('{0}, {1} in flight', worker.requests, worker.inFlight)],
      [t('Connections'), String(worker.connections)],
      [t('Memory'), worker.rss > 0 ? megabytes(worker.rss) : ''],
      [t('CPU'), worker.pid === null ? '' : `${Math.round(worker.cpu * 100)} %`],
      [t('Event loop lag'), worker.pid === null ? '' : duration(worker.eventLoopLagMs)],
      [t('Hand-over'), worker.fallback === null ? '' : t('closes connections instead of moving them')],
    ],
  )}`;
}

function reloadTooltip(report: ReloadReport): string {
  return `**#${report.id}** ${escapeMarkdown(describeTrigger(report.trigger))}: ${escapeMarkdown(describeResult(report))}\n\n${table(
    [
      [t('Generation'), String(report.generation)],
      [t('Files'), report.trigger.files.join(', ')],
      [t('Groups'), report.groups.join(', ')],
      [t('First new worker'), report.firstReadyMs === null ? '' : duration(report.firstReadyMs)],
      [t('Phases'), describePhases(report)],
      [t('Connections'), describeConnections(report)],
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
