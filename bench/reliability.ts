/** Runs of hours that CI has no time for: the soak test and the fuzz test of the process suite, in their long forms. */
import { fuzz, type FuzzResult } from '../test/process/clients/fuzz.ts';
import { descriptors, rssMb } from '../test/process/harness/processes.ts';
import { Project } from '../test/process/harness/project.ts';
import { soak } from '../test/process/soak/soak.ts';
import { debugPortOf, INSPECT, liveMb } from '../test/process/soak/vitals.ts';
import { Ends } from './ends.ts';
import { tell, type Options } from './options.ts';
import { count, type Report } from './report.ts';

const HOUR_S = 3600;
const QUICK_S = 60;
/** One in about ten seconds. */
const SAMPLE_S = 10;
/** The machine has other things to do than to ask. */
const PAUSE_MS = 20;
const MESSAGES = 1_000_000;
const QUICK_MESSAGES = 20_000;
const CHUNK = 50_000;
const WARM_UP = 20_000;

/** Live memory of the master may differ by that much, since what it remembers differs. */
const HEAP_MB = 1;

export async function soakPart({
  isQuick,
  seconds = isQuick ? QUICK_S : HOUR_S,
  seed = newSeed(),
}: Options): Promise<Report> {
  tell(`soak: ${seconds} s, --seed ${seed}`);
  const ends = new Ends();
  try {
    const samples = Math.max(6, Math.round(seconds / SAMPLE_S));
    const result = await soak(
      { seed, seconds, samples, pauseMs: PAUSE_MS, tell: (text) => tell(`soak: ${text}`) },
      ends,
    );
    for (const failure of result.failures) tell(`soak: ${failure}`);
    const { growth, counts } = result;
    const done = (pattern: RegExp): number =>
      Object.entries(counts).reduce((sum, [name, times]) => sum + (pattern.test(name) ? times : 0), 0);
    const grown = (of: (sample: typeof growth.before) => number, digits = 0): string =>
      `${of(growth.before).toFixed(digits)} → ${of(growth.after).toFixed(digits)}`;
    return {
      title: 'Soak',
      how:
        `${Math.round(result.seconds / 60)} minutes of what days of work bring, at random (\`--seed ${seed}\`), while 37 strict connections ask all the time. ` +
        'Cut: requests on connections that a worker held when it was made to crash. Of the master: medians of the first and of the last third of ' +
        `${growth.samples} samples after a warm-up, all of the same state; memory is what lives after a full collection.`,
      columns: [
        { title: '', align: 'left' },
        { title: '', align: 'right' },
      ],
      rows: [
        ['requests', count(result.requests)],
        ['failed', count(result.failures.length)],
        ['cut', count(result.cut)],
        ['generations', count(result.generation)],
        ['rounds with saves', count(done(/save|env file/) - done(/broken/))],
        ['broken saves', count(done(/broken/))],
        ['reloads and restarts by command', count(done(/^re(load|start)$/))],
        ['edits that need a restart', count(done(/needs a restart/))],
        ['crashes (exit, throw, SIGKILL)', count(done(/^crash|^spare/))],
        ['windows, commands and questions', count(done(/window|command|questions/))],
        ['rounds with clients that vanish', count(done(/vanish/))],
        ['memory of the master, MB', grown(({ heapMb }) => heapMb, 1)],
        ['its RSS, MB', grown(({ rssMb }) => rssMb)],
        ['its descriptors', grown((sample) => sample.descriptors)],
        ['processes', grown(({ processes }) => processes)],
      ],
      figures: { seed, ...result },
      targets: [
        { what: 'failed requests', measured: result.failures.length, wanted: 0, kind: 'at most' },
        atMost('memory of the master, MB', growth.after.heapMb - growth.before.heapMb, HEAP_MB),
        atMost('descriptors of the master', growth.after.descriptors - growth.before.descriptors, 0),
        atMost('processes', growth.after.processes - growth.before.processes, 0),
      ],
    };
  } finally {
    await ends.run();
  }
}

export async function fuzzPart({
  isQuick,
  messages = isQuick ? QUICK_MESSAGES : MESSAGES,
  seed = newSeed(),
}: Options): Promise<Report> {
  tell(`fuzz: ${messages} messages, --seed ${seed}`);
  const ends = new Ends();
  try {
    const project = Project.of('cjs', ends);
    const server = await project.ready(['--spares', '0', 'app.cjs'], { masterFlags: [INSPECT] });
    const debugPort = await debugPortOf(server);
    const measure = async () => ({
      heapMb: await liveMb(debugPort),
      rssMb: rssMb(server.pid),
      descriptors: descriptors(server.pid),
    });
    const { token, socket } = server.registryEntry();
    const pids = server.pids();
    await fuzz({ socket, token }, 1, WARM_UP);
    // Some message asks for the debug port, which stays open from then on.
    await server.control.request('inspect', {});
    const before = await measure();
    const total = { messages: 0, connections: 0, closed: 0, errors: 0 };
    while (total.messages < messages) {
      const chunk = await fuzz({ socket, token }, seed + total.messages, Math.min(CHUNK, messages - total.messages));
      for (const key of Object.keys(total) as (keyof FuzzResult)[]) total[key] += chunk[key];
      tell(`fuzz: ${count(total.messages)} messages, the master has ${rssMb(server.pid)} MB`);
    }
    const after = await measure();
    const isAsBefore = server.pids().join() === pids.join() && (await server.ask()).status === 200;
    return {
      title: 'Control wire under attack',
      how:
        `Hostile messages from a seed (\`--seed ${seed}\`): noise, wrong lengths, wrong types, unknown methods, half messages, with and without the token. ` +
        'Each must be answered or its connection closed, and the server must not notice. Memory is what lives after a full collection; RSS is what the process keeps to work with.',
      columns: [
        { title: '', align: 'left' },
        { title: '', align: 'right' },
      ],
      rows: [
        ['messages', count(total.messages)],
        ['connections', count(total.connections)],
        ['of these closed by the server', count(total.closed)],
        ['error answers', count(total.errors)],
        ['neither answered nor closed', '0'],
        ['memory of the master, MB', `${before.heapMb.toFixed(1)} → ${after.heapMb.toFixed(1)}`],
        ['its RSS, MB', `${before.rssMb} → ${after.rssMb}`],
        ['its descriptors', `${before.descriptors} → ${after.descriptors}`],
        ['the same worker serves', isAsBefore ? 'yes' : 'no'],
      ],
      figures: { seed, ...total, before, after },
      targets: [
        { what: 'the same worker serves', measured: Number(isAsBefore), wanted: 1, kind: 'at least' },
        atMost('memory of the master, MB', after.heapMb - before.heapMb, HEAP_MB),
        atMost('descriptors of the master', after.descriptors - before.descriptors, 0),
      ],
    };
  } finally {
    await ends.run();
  }
}

const atMost = (what: string, grown: number, wanted: number): Report['targets'][number] => ({
  what: `growth of ${what}`,
  measured: grown,
  wanted,
  kind: 'at most',
});

const newSeed = (): number => Date.now() % 1_000_000;
