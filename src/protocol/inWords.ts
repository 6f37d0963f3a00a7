/** Status, results and explanations as a person reads them in a terminal. */
import { writerOf, type LogEntry } from './logs.ts';
import type {
  BuildStatus,
  ErrorInfo,
  Explanation,
  OptionChange,
  PendingReload,
  ReloadReport,
  Snapshot,
  WaitReport,
  WorkerStatus,
} from './status.ts';

export function statusText(snapshot: Snapshot, now = Date.now()): string {
  const addresses = snapshot.addresses.map(({ host, port }) => (port === null ? host : `:${port}`)).join(' ');
  const head = [
    snapshot.name,
    snapshot.paused ? `${snapshot.state}, paused` : snapshot.state,
    snapshot.generation > 0 ? `generation ${snapshot.generation}` : '',
    addresses,
    snapshot.reloadOn === 'change' ? '' : `reload on ${snapshot.reloadOn}`,
    `pid ${snapshot.pid}`,
  ].filter((part) => part !== '');
  const lines = [`${head.join('  ')}  since ${age(snapshot.startedAt, now)}`];
  for (const group of snapshot.groups) {
    const note = group.reloadable ? '' : '  does not reload';
    lines.push(`  ${group.name}  ${group.entry}  ${group.order}${note}`);
    for (const worker of group.workers) lines.push(`    ${workerText(worker, now)}`);
  }
  for (const build of snapshot.builds) lines.push(`  ${buildText(build)}`);
  for (const { file, chain, options } of snapshot.needsRestart) {
    const why = options.length > 0 ? optionsText(options) : chain.length > 1 ? chain.join(' → ') : '';
    lines.push(`  needs restart: ${file}${why === '' ? '' : `  (${why})`}`);
  }
  for (const { file, groups } of snapshot.pendingReload)
    lines.push(`  changed, not reloaded: ${file}  (${groups.join(', ')})`);
  for (const { file, exclude } of snapshot.flapping)
    lines.push(
      `  left alone: ${file} changed with each reload that it caused; if the program writes it, --exclude "${exclude}"`,
    );
  if (snapshot.lastReload) lines.push(`  last reload: ${reportText(snapshot.lastReload)}`);
  if (snapshot.error) lines.push(`  ${errorText(snapshot.error)}`);
  return lines.join('\n');
}

function workerText(worker: WorkerStatus, now: number): string {
  const parts = [`#${worker.slot}`, worker.state.padEnd(8), `g${worker.generation}`];
  if (worker.pid !== null) parts.push(`pid ${worker.pid}`);
  if (worker.startedAt !== null) parts.push(age(worker.startedAt, now));
  if (worker.unresponsiveSince !== null)
    parts.push(`event loop stands still for ${age(worker.unresponsiveSince, now)}`);
  if (worker.inFlight > 0) parts.push(`${worker.inFlight} in flight`);
  if (worker.crashes > 1) parts.push(`${worker.crashes} crashes in a row`);
  if (worker.nextTryAt !== null)
    parts.push(`next try in ${Math.max(0, Math.round((Date.parse(worker.nextTryAt) - now) / 1000))} s`);
  if (worker.fallback !== null) parts.push(worker.fallback);
  return parts.join('  ');
}

/** `build  tsc --watch  failed: TS2322: … at src/a.ts:1:14` */
function buildText({ command, state, error, end }: BuildStatus): string {
  const how = state === 'ended' ? end : error === null ? state : `${state}: ${error.message}${place(error)}`;
  return `build  ${command}  ${how}`;
}

/** `workers, args; node takes a stop and a start` */
export function optionsText(options: readonly OptionChange[]): string {
  const byRestart = options.filter(({ takes }) => takes === 'restart').map(({ name }) => name);
  const byStart = options.filter(({ takes }) => takes === 'start').map(({ name }) => name);
  const needs = byStart.length === 1 ? 'takes' : 'take';
  return [
    ...(byRestart.length > 0 ? [byRestart.join(', ')] : []),
    ...(byStart.length > 0 ? [`${byStart.join(', ')} ${needs} a stop and a start`] : []),
  ].join('; ');
}

export function reportText(report: ReloadReport): string {
  const { movedConnections: moved, forcedConnections: cut, forcedKills: kills } = report;
  const extras = [
    moved > 0 ? `${moved} connection${moved === 1 ? '' : 's'} moved` : '',
    cut > 0 ? `${cut} connection${cut === 1 ? '' : 's'} cut` : '',
    kills > 0 ? `${kills} killed` : '',
  ].filter((part) => part !== '');
  const what = `g${report.generation} ${report.result}, ${report.replaced} replaced in ${report.durationMs} ms`;
  const why = report.error ? `: ${report.error.message}${place(report.error)}` : '';
  return [what, ...extras].join(', ') + why;
}

export function liveText({ generation, needsRestart }: Extract<WaitReport, { live: true }>): string {
  const flags = needsRestart.map(({ file }) => `\n  needs restart: ${file}`);
  return `live: generation ${generation} is what is on disk${flags.join('')}`;
}

export function notLiveText({ error }: Extract<WaitReport, { live: false }>): string {
  const what = error.code === 'build-failed' ? 'not built' : 'rejected';
  return `${what}: ${error.message}${place(error)}`;
}

export function pausedText({
  paused,
  pendingReload,
}: {
  paused: boolean;
  pendingReload: readonly PendingReload[];
}): string {
  const files = pendingReload.map(({ file }) => file).join(', ');
  if (paused) return `paused: changes are remembered, not acted on${files === '' ? '' : ` (so far: ${files})`}`;
  return files === '' ? 'resumed: nothing has changed' : `resumed: ${files} changed meanwhile`;
}

/** As it stands in the server's terminal. */
export function logText(entry: LogEntry): string {
  const text = 'text' in entry ? entry.text : `… ${entry.skipped} line${entry.skipped === 1 ? '' : 's'} skipped`;
  return `${entry.build === undefined ? writerOf(entry) : entry.group} | ${text}`;
}

export function errorText(error: ErrorInfo): string {
  return `error: ${error.message}${place(error)}`;
}

export function explanationText({ file, reason, chain }: Explanation): string {
  return `${file}: ${reason}${chain.length > 1 ? `\n  ${chain.join(' → ')}` : ''}`;
}

function place({ file, line, column }: { file: string | null; line: number | null; column: number | null }): string {
  const parts = [file, line, column].filter((part) => part !== null);
  return file === null ? '' : ` at ${parts.join(':')}`;
}

function age(iso: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
