/** Requests per second and CPU time per request through our workers, beside plain `node app.js`. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { tell, type Options } from './options.ts';
import { places } from './places.ts';
import { count, median, ratio, type Report, type Target } from './report.ts';
import { Running } from './running.ts';
import { tools, type Tool } from './tools.ts';

const run = promisify(execFile);

const modes = { 'keep-alive': [], 'a connection each': ['-H', 'Connection: close'] } as const;
type Mode = keyof typeof modes;

interface Candidate {
  readonly name: string;
  readonly tool: Tool;
  readonly workers: number;
}

const plain: Candidate = { name: '`node app.js`', tool: tools.plain, workers: 1 };
const ours: readonly Candidate[] = [1, 2].map((workers) => ({
  name: `Graceful Reload, ${workers} worker${workers > 1 ? 's' : ''}`,
  tool: tools.ours,
  workers,
}));
const candidates: readonly Candidate[] = [
  plain,
  ...ours,
  { name: 'node:cluster, 2 workers', tool: tools.cluster, workers: 2 },
];

/** Smallest ratio of requests per second by mode, and the largest of CPU time per request. */
const wanted: Record<number, Record<Mode | 'cpu', number>> = {
  1: { 'keep-alive': 0.95, 'a connection each': 0.9, cpu: 1.1 },
  2: { 'keep-alive': 0.88, 'a connection each': 0.78, cpu: 1.25 },
};

interface Round {
  readonly requestsPerSecond: number;
  readonly cpuMicroseconds: number;
}

interface Figures {
  readonly name: string;
  readonly mode: Mode;
  readonly rounds: Round[];
  /** Medians of the ratios to `node app.js` in the same round. */
  requestsRatio: number;
  cpuRatio: number;
}

export async function throughput({ isQuick }: Options): Promise<Report> {
  const rounds = isQuick ? 5 : 15;
  const seconds = isQuick ? 1 : 2;
  const figures = await measure(rounds, seconds);
  const of = ({ name }: Candidate, mode: Mode): Figures =>
    figures.find((each) => each.name === name && each.mode === mode)!;
  return {
    title: 'Throughput',
    how:
      `\`wrk\` with 32 connections on the same machine against a server that answers at once; ${rounds} rounds of ${seconds} s in turn. ` +
      'Ratios to `node app.js` are medians of the ratios within a round; CPU is that of all processes of the server, per request.',
    columns: [
      { title: '', align: 'left' },
      ...['keep-alive: req/s', 'ratio', 'CPU', 'a connection each: req/s', 'ratio', 'CPU'].map((title) => ({
        title,
        align: 'right' as const,
      })),
    ],
    rows: candidates.map((candidate) => [
      candidate.name,
      ...(Object.keys(modes) as Mode[]).flatMap((mode) => {
        const { rounds: measured, requestsRatio, cpuRatio } = of(candidate, mode);
        return [
          count(median(measured.map(({ requestsPerSecond }) => requestsPerSecond))),
          ratio(requestsRatio),
          ratio(cpuRatio),
        ];
      }),
    ]),
    figures,
    targets: ours.flatMap((candidate) =>
      (Object.keys(modes) as Mode[]).flatMap((mode): Target[] => {
        const { requestsRatio, cpuRatio } = of(candidate, mode);
        const { [mode]: least, cpu } = wanted[candidate.workers]!;
        const what = `${candidate.workers} worker(s), ${mode}`;
        return [
          { what: `${what}: requests per second`, measured: requestsRatio, wanted: least, kind: 'at least' },
          { what: `${what}: CPU per request`, measured: cpuRatio, wanted: cpu, kind: 'at most' },
        ];
      }),
    ),
  };
}

async function measure(rounds: number, seconds: number): Promise<Figures[]> {
  const all: { running: Running; candidate: Candidate }[] = [];
  const results = new Map<string, Figures>();
  const resultOf = (candidate: Candidate, mode: Mode): Figures => {
    const key = `${candidate.name} ${mode}`;
    let found = results.get(key);
    if (!found) {
      found = { name: candidate.name, mode, rounds: [], requestsRatio: Number.NaN, cpuRatio: Number.NaN };
      results.set(key, found);
    }
    return found;
  };
  try {
    for (const candidate of candidates)
      all.push({
        running: await Running.start(candidate.tool, 'small', { workers: candidate.workers }),
        candidate,
      });
    // The first one does not count: the code has to become hot.
    for (let round = 0; round <= rounds; round++) {
      tell(round === 0 ? 'throughput: warming up' : `throughput: round ${round} of ${rounds}`);
      const order = round % 2 === 0 ? all : [...all].reverse();
      for (const mode of Object.keys(modes) as Mode[])
        for (const { running, candidate } of order) {
          const measured = await wrk(running, mode, seconds);
          if (round > 0) resultOf(candidate, mode).rounds.push(measured);
        }
    }
  } finally {
    await Promise.all(all.map(({ running }) => running.end()));
  }
  for (const { candidate } of all)
    for (const mode of Object.keys(modes) as Mode[]) {
      const result = resultOf(candidate, mode);
      const base = resultOf(plain, mode).rounds;
      const ratios = (of: keyof Round): number[] => result.rounds.map((round, index) => round[of] / base[index]![of]);
      result.requestsRatio = median(ratios('requestsPerSecond'));
      result.cpuRatio = median(ratios('cpuMicroseconds'));
    }
  return [...results.values()];
}

async function wrk(running: Running, mode: Mode, seconds: number): Promise<Round> {
  const before = running.cpuMs();
  const args = ['-t1', '-c32', `-d${seconds}s`, ...modes[mode], `http://127.0.0.1:${running.port}/`];
  const { stdout } = await run(places.wrk, args, { timeout: (seconds + 30) * 1000 });
  const cpuMs = running.cpuMs() - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
  const requestsPerSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0);
  if (requests === 0 || /Non-2xx|Socket errors/.test(stdout)) throw new Error(`${running.tool.name}: ${stdout}`);
  return { requestsPerSecond, cpuMicroseconds: (cpuMs * 1000) / requests };
}
