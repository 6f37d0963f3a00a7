/** The commands that talk to a running server. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { ControlClient } from '../client/controlClient.ts';
import { readLog } from '../client/readLog.ts';
import { listServers, pickServer } from '../client/registry.ts';
import type { ReloadReport, Snapshot } from '../protocol/status.ts';
import { isUserError, UserError } from '../protocol/userError.ts';
import { duration, parseOwn, realPathToBe, wholeNumber } from './arguments.ts';
import {
  explanationText,
  liveText,
  logText,
  notLiveText,
  pausedText,
  reportText,
  statusText,
} from '../protocol/inWords.ts';
import { nearest } from './nearest.ts';

const COMMANDS = ['start', 'status', 'reload', 'restart', 'wait', 'pause', 'resume', 'logs', 'explain', 'stop'];
const WAIT_MS = 30_000;
const LOG_LINES = 100;
const common = { json: { type: 'boolean' }, server: { type: 'string' } } as const;

export async function runCommand(command: string, args: readonly string[]): Promise<number> {
  switch (command) {
    case 'status':
      return status(args);
    case 'reload':
      return reload(args);
    case 'restart':
      return restart(args);
    case 'wait':
      return wait(args);
    case 'pause':
    case 'resume':
      return setPaused(command, args);
    case 'logs':
      return logs(args);
    case 'explain':
      return explain(args);
    case 'stop':
      return stop(args);
    default: {
      if (looksLikeFile(command))
        throw new UserError('usage', `Did you mean: graceful-reload start ${[command, ...args].join(' ')}`);
      const near = nearest(command, COMMANDS);
      throw new UserError(
        'usage',
        `Unknown command "${command}".${near === undefined ? '' : ` Did you mean "${near}"?`} See: graceful-reload --help`,
      );
    }
  }
}

const looksLikeFile = (word: string): boolean => /[\\/]|\.[cm]?[jt]sx?$/.test(word) || existsSync(word);

async function status(args: readonly string[]): Promise<number> {
  const { values } = parse(args, { ...common, follow: { type: 'boolean' }, all: { type: 'boolean' } }, 0);
  const show = (snapshot: Snapshot): void => print(values.json ? JSON.stringify(snapshot) : statusText(snapshot));
  if (values.all) {
    if (values.follow)
      throw new UserError('usage', '--follow shows one server: pick it with --server NAME|PID instead of --all.');
    return statusOfAll(values.json ?? false);
  }
  const client = await connect(values.server);
  if (values.follow) {
    let last = '';
    await client.subscribe((snapshot) => {
      const state = JSON.stringify(withoutFigures(snapshot));
      // Figures come once a second: of interest to a program, but not to one who reads along.
      if (values.json || state !== last) show(snapshot);
      last = state;
    });
    await client.closed;
  } else {
    show(await client.request('status', {}));
  }
  client.dispose();
  return 0;
}

function withoutFigures(snapshot: Snapshot): unknown {
  const groups = snapshot.groups.map((group) => ({
    ...group,
    workers: group.workers.map(({ slot, state, pid, generation, crashes, nextTryAt, fallback }) => ({
      slot,
      state,
      pid,
      generation,
      crashes,
      nextTryAt,
      fallback,
    })),
  }));
  return { ...snapshot, groups };
}

async function statusOfAll(isJson: boolean): Promise<number> {
  const snapshots: Snapshot[] = [];
  for (const entry of await listServers()) {
    // One that has just ended is none of all.
    const client = await ControlClient.connect(entry, 'cli').catch(() => undefined);
    const snapshot = await client?.request('status', {}).catch(() => undefined);
    if (snapshot) snapshots.push(snapshot);
    client?.dispose();
  }
  if (isJson) print(JSON.stringify(snapshots));
  else
    print(
      snapshots.length === 0 ? 'No server is running.' : snapshots.map((snapshot) => statusText(snapshot)).join('\n\n'),
    );
  return 0;
}

async function reload(args: readonly string[]): Promise<number> {
  const { values } = parse(args, { ...common, group: { type: 'string' }, slot: { type: 'string' } }, 0);
  const slot = wholeNumber('--slot', values.slot, 1, 1024);
  const client = await connect(values.server);
  const report = await client.request('reload', {
    ...(values.group === undefined ? {} : { group: values.group }),
    ...(slot === undefined ? {} : { slot }),
  });
  client.dispose();
  return finish(report, values.json ?? false);
}

async function restart(args: readonly string[]): Promise<number> {
  const { values } = parse(args, common, 0);
  const client = await connect(values.server);
  const report = await client.request('restart', {});
  client.dispose();
  return finish(report, values.json ?? false);
}

function finish(report: ReloadReport, isJson: boolean): number {
  print(isJson ? JSON.stringify(report) : reportText(report));
  return report.result === 'done' ? 0 : 1;
}

async function wait(args: readonly string[]): Promise<number> {
  const { values } = parse(args, { ...common, timeout: { type: 'string' } }, 0);
  const timeout = duration('--timeout', values.timeout) ?? WAIT_MS;
  const client = await connect(values.server);
  const result = await client.request('wait', { timeout });
  client.dispose();
  if (result.live) print(values.json ? JSON.stringify(result) : liveText(result));
  else if (values.json) print(JSON.stringify(result.report ?? { error: result.error }));
  else throw new UserError('internal', notLiveText(result));
  return result.live ? 0 : 1;
}

async function setPaused(command: 'pause' | 'resume', args: readonly string[]): Promise<number> {
  const { values } = parse(args, common, 0);
  const client = await connect(values.server);
  const result = await client.request(command, {});
  client.dispose();
  print(values.json ? JSON.stringify(result) : pausedText(result));
  return 0;
}

async function logs(args: readonly string[]): Promise<number> {
  const specs = { group: { type: 'string' }, slot: { type: 'string' }, lines: { type: 'string' } } as const;
  const { values } = parse(args, { ...common, ...specs, build: { type: 'boolean' }, follow: { type: 'boolean' } }, 0);
  if (values.build && (values.group !== undefined || values.slot !== undefined))
    throw new UserError('usage', '--build shows what builders wrote: leave out --group and --slot.');
  const wish = {
    build: values.build ? (true as const) : undefined,
    group: values.group,
    slot: wholeNumber('--slot', values.slot, 1, 1024),
    lines: wholeNumber('--lines', values.lines, 0, 1_000_000) ?? LOG_LINES,
    follow: values.follow ?? false,
  };
  const client = await connect(values.server);
  // Such as `| head`, which has seen enough.
  process.stdout.on('error', () => process.exit());
  const isPlain = !process.stdout.isTTY;
  try {
    for await (const entries of readLog(client, wish)) {
      const lines = entries.map((entry) => {
        if (values.json) return `${JSON.stringify(entry)}\n`;
        const text = `${logText(entry)}\n`;
        return isPlain ? stripVTControlCharacters(text) : text;
      });
      if (!process.stdout.write(lines.join(''))) await once(process.stdout, 'drain');
    }
  } catch (error) {
    // The end of the server is the end of its log.
    if (!wish.follow || !isUserError(error) || error.code !== 'no-server') throw error;
  }
  client.dispose();
  return 0;
}

async function explain(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, common, 1);
  const [file] = positionals;
  if (file === undefined) throw new UserError('usage', 'Which file? Usage: graceful-reload explain <file>');
  const client = await connect(values.server);
  const explanation = await client.request('explain', { file: realPathToBe(resolve(file)) });
  client.dispose();
  if (explanation.verdict === 'none' && !existsSync(file))
    throw new UserError('usage', `There is no file ${resolve(file)}, and no process has loaded one.`);
  print(values.json ? JSON.stringify(explanation) : explanationText(explanation));
  return 0;
}

async function stop(args: readonly string[]): Promise<number> {
  const { values } = parse(args, common, 0);
  const client = await connect(values.server);
  const report = await client.request('stop', {});
  client.dispose();
  if (values.json) print(JSON.stringify(report));
  else
    print(
      `stopped ${report.stopped} worker${report.stopped === 1 ? '' : 's'}${report.forcedKills > 0 ? `, ${report.forcedKills} killed` : ''}`,
    );
  return 0;
}

function parse<T extends Parameters<typeof parseOwn>[1]>(
  args: readonly string[],
  options: T,
  positionals: number,
): ReturnType<typeof parseOwn<T>> {
  const parsed = parseOwn(args, options);
  const extra = parsed.positionals[positionals];
  if (extra !== undefined) throw new UserError('usage', `Unexpected argument "${extra}". See: graceful-reload --help`);
  return parsed;
}

async function connect(server: string | undefined): Promise<ControlClient> {
  const entry = pickServer(await listServers(), { cwd: process.cwd(), server });
  return ControlClient.connect(entry, 'cli');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
