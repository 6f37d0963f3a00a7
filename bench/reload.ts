/** Strict clients that never try twice, while the server reloads again and again. */
import { setTimeout as delay } from 'node:timers/promises';
import { ControlClient } from '../src/client/controlClient.ts';
import { listServers, pickServer } from '../src/client/registry.ts';
import type { ReloadReport } from '../src/protocol/status.ts';
import { startClients, type Tally } from '../test/process/clients/strictClients.ts';
import { Changes } from '../test/process/harness/events.ts';
import { isChosen, tell, type Options } from './options.ts';
import { count, type Report } from './report.ts';
import { Running } from './running.ts';
import { tools, type Tool } from './tools.ts';

const WORKERS = 2;
const RELOAD_LIMIT_MS = 30_000;
/** Tools that are told by a watcher need to have looked before the next save. */
const PAUSE_MS = 250;

interface Goal {
  readonly reloads: number;
  readonly requests: number;
}

interface Figures {
  readonly tool: string;
  readonly name: string;
  readonly reloads: number;
  /** It did not take a save any more, long after it was written. */
  readonly isStuck: boolean;
  readonly seconds: number;
  readonly requests: number;
  readonly failed: number;
  /** Connections that went from one worker to another; null where nobody counts them. */
  readonly moved: number | null;
  readonly clients: readonly { name: string; requests: number; failed: number; failures: Record<string, number> }[];
}

export async function reload(options: Options): Promise<Report> {
  const { isQuick } = options;
  const goalOf = (tool: Tool): Goal => {
    if (tool.id === tools.ours.id)
      return isQuick ? { reloads: 20, requests: 0 } : { reloads: 1000, requests: 1_000_000 };
    return { reloads: isQuick ? 5 : 50, requests: 0 };
  };
  const figures: Figures[] = [];
  const all: readonly Tool[] = [tools.ours, tools.cluster, tools.pm2Reload, tools.nodemon, tools.nodeWatch];
  for (const tool of all.filter((each) => isChosen(options, each))) figures.push(await measure(tool, goalOf(tool)));
  return {
    title: 'Requests while the server reloads',
    how:
      `Strict clients, ${WORKERS} workers where the tool has workers: 37 connections at once (keep-alive, idle keep-alive, one per request, pipelined, ` +
      'half-sent heads, silent first, slow uploads, streamed responses), nothing is ever tried twice.',
    columns: [
      { title: '', align: 'left' },
      ...['reloads', 'requests', 'failed', 'failed per reload'].map((title) => ({ title, align: 'right' as const })),
    ],
    rows: figures.map(({ name, reloads, isStuck, requests, failed }) => [
      name,
      isStuck ? `${count(reloads)}, then stuck` : count(reloads),
      count(requests),
      count(failed),
      failed === 0 ? '0' : (failed / Math.max(1, reloads)).toFixed(1),
    ]),
    figures,
    targets: figures
      .filter(({ tool }) => tool === tools.ours.id)
      .map(({ failed }) => ({ what: 'failed requests', measured: failed, wanted: 0, kind: 'at most' })),
  };
}

async function measure(tool: Tool, goal: Goal): Promise<Figures> {
  tell(`reload: ${tool.name}`);
  const running = await Running.start(tool, 'strict', { workers: tool.hasWorkers ? WORKERS : 1 });
  try {
    const reloader = tool.id === tools.ours.id ? await Ours.of(running) : new Other(running);
    const clients = startClients({ host: '127.0.0.1', port: running.port }, 1);
    const since = performance.now();
    let reloads = 0;
    let moved = 0;
    let isStuck = false;
    while (reloads < goal.reloads || clients.asked() < goal.requests) {
      const movedNow = await reloader.reload();
      if (movedNow === null) {
        isStuck = true;
        tell(`reload: ${tool.name} did not take save ${reloads + 1}`);
        break;
      }
      moved += movedNow;
      reloads += 1;
      if (reloads % 50 === 0) tell(`reload: ${tool.name}: ${reloads} reloads, ${count(clients.asked())} requests`);
    }
    const seconds = (performance.now() - since) / 1000;
    const tallies = await clients.stop();
    reloader.dispose();
    return {
      tool: tool.id,
      name: tool.name,
      reloads,
      isStuck,
      seconds,
      requests: tallies.reduce((sum, { asked }) => sum + asked, 0),
      failed: tallies.reduce((sum, { failures }) => sum + failures.length, 0),
      moved: tool.id === tools.ours.id ? moved : null,
      clients: tallies.map(clientFigures),
    };
  } finally {
    await running.end();
  }
}

function clientFigures({ name, asked, failures }: Tally): Figures['clients'][number] {
  const reasons: Record<string, number> = {};
  for (const reason of failures) reasons[reason] = (reasons[reason] ?? 0) + 1;
  return { name, requests: asked, failed: failures.length, failures: reasons };
}

/** The master says when the last worker is replaced, and what became of the connections. */
class Ours {
  private readonly running: Running;
  private readonly client: ControlClient;
  private readonly changes = new Changes();
  private last: ReloadReport | null = null;
  private isSettled = false;

  private constructor(running: Running, client: ControlClient) {
    this.running = running;
    this.client = client;
  }

  static async of(running: Running): Promise<Ours> {
    const entry = pickServer(await listServers(), { cwd: running.folder });
    const ours = new Ours(running, await ControlClient.connect(entry, 'bench'));
    await ours.client.subscribe(({ lastReload, state }) => {
      ours.last = lastReload;
      ours.isSettled = state === 'running';
      ours.changes.tell();
    });
    await ours.changes.until(
      () => ours.isSettled,
      'the start',
      () => running.log(),
    );
    return ours;
  }

  async reload(): Promise<number> {
    const before = this.last?.id ?? 0;
    this.running.save();
    const report = await this.changes.until(
      () => this.isSettled && this.last !== null && this.last.id > before && this.last,
      'the end of a reload',
      () => this.running.log(),
      RELOAD_LIMIT_MS,
    );
    if (report.result !== 'done') throw new Error(`a reload ended as ${report.result}: ${report.error?.message}`);
    return report.movedConnections;
  }

  dispose(): void {
    this.client.dispose();
  }
}

/** A reload is over when the command says so, or the new code answers. */
class Other {
  private readonly running: Running;

  constructor(running: Running) {
    this.running = running;
  }

  /** @returns null when the new code does not answer within `RELOAD_LIMIT_MS` */
  async reload(): Promise<number | null> {
    const { version, told } = this.running.save();
    await told;
    if (!(await this.running.answers(version, RELOAD_LIMIT_MS))) return null;
    await delay(PAUSE_MS);
    return 0;
  }

  dispose(): void {}
}
