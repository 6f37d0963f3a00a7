/** Clients that go on at once while a server reloads. Each counts what it asked and keeps every failure. */
import type { NetConnectOpts } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Changes } from '../harness/events.ts';
import { seeded } from './random.ts';
import { RawHttp, type Answer } from './rawHttp.ts';

export interface Tally {
  readonly name: string;
  /** How many of this kind are at work. */
  readonly clients: number;
  asked: number;
  /** Connections opened; for those that keep theirs it stays as many as there are clients. */
  opened: number;
  readonly failures: string[];
  /** Failures on connections that were doomed. */
  cut: number;
  readonly generations: Set<string>;
}

export interface StrictClients {
  /** Stops asking, lets what is under way end, and gives the tallies. */
  stop(): Promise<Tally[]>;
  /** Asks so far, of all clients. */
  asked(): number;
  /** Settles once it holds for the clients of all these names. */
  all(names: readonly string[], holds: (tally: Tally) => boolean): Promise<void>;
  /** Resolves when every client has been answered this many times more; rejects once one has failed. */
  answered(times: number): Promise<void>;
  /** What has failed so far. */
  failures(): string[];
  /**
   * Connections with these local ports are about to be cut off with the worker that holds them: what fails on them is
   * counted apart. Over when every client has asked twice since, so that a later connection with such a port is none of them.
   */
  doom(localPorts: ReadonlySet<number>): Promise<void>;
}

type Ask = (run: Run) => Promise<void>;

class Run {
  readonly target: NetConnectOpts;
  readonly tally: Tally;
  readonly random: () => number;
  answered = 0;
  ended = 0;
  isOver = false;
  /** The connection that the present ask is on; none while it is being opened. */
  current: RawHttp | undefined;
  private kept: RawHttp | undefined;

  constructor(target: NetConnectOpts, tally: Tally, random: () => number) {
    this.target = target;
    this.tally = tally;
    this.random = random;
  }

  /** One connection for the life of the client: it must survive every reload. */
  async keep(): Promise<RawHttp> {
    if (!this.kept || this.kept.failure) this.kept = await this.open();
    this.current = this.kept;
    return this.kept;
  }

  async open(): Promise<RawHttp> {
    this.tally.opened += 1;
    this.current = undefined;
    this.current = await RawHttp.open(this.target);
    return this.current;
  }

  check(answer: Answer, wanted?: string): void {
    if (answer.status !== 200) throw new Error(`status ${answer.status}: ${answer.body.slice(0, 80)}`);
    if (wanted !== undefined && answer.body !== wanted)
      throw new Error(`body ${JSON.stringify(answer.body.slice(0, 80))}, wanted ${JSON.stringify(wanted)}`);
    this.tally.generations.add(answer.headers.get('x-generation') ?? '?');
  }

  async pause(ms: number): Promise<void> {
    await delay(ms);
  }

  end(): void {
    this.kept?.close();
  }
}

const asks: Record<string, { readonly clients: number; readonly ask: Ask }> = {
  'keep-alive': {
    clients: 8,
    ask: async (run) => run.check(await (await run.keep()).get('/')),
  },
  'idle keep-alive': {
    clients: 8,
    ask: async (run) => {
      const connection = await run.keep();
      run.check(await connection.get('/'));
      await run.pause(run.random() * 300);
      if (connection.failure) throw connection.failure;
    },
  },
  'per request': {
    clients: 4,
    ask: async (run) => {
      const connection = await run.open();
      run.check(await connection.get('/', 'Connection: close\r\n'));
      connection.close();
    },
  },
  pipelined: {
    clients: 3,
    ask: async (run) => {
      const connection = await run.keep();
      const answers = Array.from({ length: 5 }, () => connection.expect());
      connection.write('GET / HTTP/1.1\r\nHost: test\r\n\r\n'.repeat(5));
      for (const answer of await Promise.all(answers)) run.check(answer);
      await run.pause(run.random() * 10);
    },
  },
  'half-sent head': {
    clients: 4,
    ask: async (run) => {
      const connection = await run.keep();
      const answer = connection.expect();
      connection.write('GET / HTTP/1.1\r\nHo');
      await run.pause(run.random() * 100);
      connection.write('st: test\r\n\r\n');
      run.check(await answer);
    },
  },
  'silent first': {
    clients: 4,
    ask: async (run) => {
      const connection = await run.open();
      await run.pause(run.random() * 200);
      run.check(await connection.get('/'));
      connection.close();
    },
  },
  'slow upload': {
    clients: 3,
    ask: async (run) => {
      const connection = await run.keep();
      const answer = connection.expect();
      connection.write('POST /upload HTTP/1.1\r\nHost: test\r\nContent-Length: 16384\r\n\r\n');
      for (let part = 0; part < 4; part++) {
        connection.write('x'.repeat(4096));
        await run.pause(run.random() * 60);
      }
      run.check(await answer, 'got 16384');
    },
  },
  'streamed response': {
    clients: 3,
    ask: async (run) => run.check(await (await run.keep()).get('/stream'), 'start 1 2 3 end'),
  },
};

/**
 * @param only names of clients; all by default
 * @param pauseMs after each answer, where the machine's time is needed for something else
 */
export function startClients(
  target: NetConnectOpts,
  seed: number,
  only: readonly string[] = Object.keys(asks),
  pauseMs = 0,
): StrictClients {
  const runs: Run[] = [];
  const loops: Promise<void>[] = [];
  const random = seeded(seed);
  const turns = new Changes();
  const doomed = new Set<number>();
  for (const name of only) {
    const { clients, ask } = asks[name]!;
    const tally: Tally = { name, clients, asked: 0, opened: 0, failures: [], cut: 0, generations: new Set() };
    for (let index = 0; index < clients; index++) {
      const run = new Run(target, tally, random);
      runs.push(run);
      loops.push(loop(run, ask, turns, doomed, pauseMs));
    }
  }
  return {
    asked: () =>
      runs
        .filter((run, index) => runs.findIndex(({ tally }) => tally === run.tally) === index)
        .reduce((sum, { tally }) => sum + tally.asked, 0),
    all: async (names, holds) => {
      const tallies = new Set(runs.map(({ tally }) => tally).filter(({ name }) => names.includes(name)));
      const missing = (): string[] => [...tallies].filter((tally) => !holds(tally)).map(({ name }) => name);
      await turns.until(
        () => missing().length === 0,
        'every client to be answered',
        () => `still waiting: ${missing().join(', ')}`,
      );
    },
    answered: async (times) => {
      const goals = runs.map(({ answered }) => answered + times);
      const isThere = (): boolean => {
        const failed = runs.find(({ tally }) => tally.failures.length > 0)?.tally;
        if (failed) throw new Error(`${failed.name}: ${failed.failures[0]}`);
        return runs.every(({ answered }, index) => answered >= goals[index]!);
      };
      await turns.until(isThere, `${times} more answers each`, () => runs.map(({ answered }) => answered).join(' '));
    },
    failures: () =>
      [...new Set(runs.map(({ tally }) => tally))].flatMap(({ name, failures }) =>
        failures.map((failure) => `${name}: ${failure}`),
      ),
    doom: async (localPorts) => {
      for (const port of localPorts) doomed.add(port);
      const goals = runs.map(({ ended }) => ended + 2);
      await turns.until(
        () => runs.every(({ ended, isOver }, index) => isOver || ended >= goals[index]!),
        'two more turns of every client',
        () => runs.map(({ ended }) => ended).join(' '),
      );
      for (const port of localPorts) doomed.delete(port);
    },
    stop: async () => {
      for (const run of runs) run.isOver = true;
      await Promise.all(loops);
      for (const run of runs) run.end();
      return [...new Set(runs.map(({ tally }) => tally))];
    },
  };
}

async function loop(run: Run, ask: Ask, turns: Changes, doomed: ReadonlySet<number>, pauseMs: number): Promise<void> {
  while (!run.isOver) {
    run.tally.asked += 1;
    try {
      await ask(run);
      run.answered += 1;
    } catch (error) {
      if (run.current && doomed.has(run.current.localPort)) run.tally.cut += 1;
      else run.tally.failures.push(error instanceof Error ? error.message : String(error));
      await delay(20);
    }
    run.ended += 1;
    turns.tell();
    if (pauseMs > 0) await delay(pauseMs);
  }
}
