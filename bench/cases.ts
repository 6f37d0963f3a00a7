/** What becomes of a server, and of its clients, when things go as they do: saves under load, broken saves, saves in a hurry. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RawHttp } from '../test/process/clients/rawHttp.ts';
import { startClients } from '../test/process/clients/strictClients.ts';
import { isChosen, tell, type Options } from './options.ts';
import type { AppName } from './places.ts';
import { count, type Report, type Target } from './report.ts';
import { Running } from './running.ts';
import { tools, type Tool } from './tools.ts';

/** For the new code to answer. Longer than any of the tools takes that gets there at all. */
const SAVE_LIMIT_MS = 15_000;
const IDLE_CONNECTIONS = 20;
const KILLED = 'L. its process is killed from outside';
const HUNG = 'L. it hangs in an endless loop, then a save';
const HANGS_MS = 500;
const HURRIED_SAVES = 10;
const HURRY_MS = 40;

interface Scale {
  readonly saves: number;
  /** How long a broken save is looked at. */
  readonly brokenMs: number;
  readonly stormFiles: number;
  readonly stormMs: number;
}

const full: Scale = { saves: 5, brokenMs: 2000, stormFiles: 300, stormMs: 3000 };
const quick: Scale = { saves: 2, brokenMs: 1000, stormFiles: 100, stormMs: 1000 };

interface Outcome {
  readonly requests: number;
  readonly failed: number;
  /** Whether the last good save serves in the end. */
  readonly serves: boolean;
  /** How often the program was started meanwhile, where that counts. */
  readonly starts?: number;
}

interface Case {
  readonly name: string;
  readonly app?: AppName;
  readonly play: (running: Running, scale: Scale) => Promise<Outcome>;
  readonly tell: (outcome: Outcome) => string;
}

const failures = ({ failed, requests }: Outcome): string =>
  failed === 0 ? '0 failed' : `**${count(failed)} of ${count(requests)} failed**`;
const lost = ({ serves }: Outcome): string => (serves ? '' : ', **save lost**');
const afterwards = ({ serves }: Outcome): string => (serves ? ', recovers' : ', **stays down**');
const started = ({ starts = 0 }: Outcome): string => `, ${count(starts)} start${starts === 1 ? '' : 's'}`;

const broken = (what: string, breaks: (source: string) => string): Case => ({
  name: `G. ${what}`,
  play: (running, { brokenMs }) => playBroken(running, breaks, brokenMs),
  tell: (outcome) => (outcome.failed === 0 ? 'serves on' : `down: ${failures(outcome)}`) + afterwards(outcome),
});

const cases: readonly Case[] = [
  {
    name: 'A. saves under load',
    app: 'strict',
    play: playLoad,
    tell: (outcome) => failures(outcome) + lost(outcome),
  },
  {
    name: `D. ${IDLE_CONNECTIONS} idle connections, used again after a save`,
    play: playIdle,
    tell: (outcome) =>
      outcome.failed === 0 ? 'all go on' : `**${outcome.failed} of ${outcome.requests} cut**${lost(outcome)}`,
  },
  broken('a syntax error is saved', (source) => `${source}const;\n`),
  broken('what is saved throws when it loads', (source) => `throw new Error('no database');\n${source}`),
  broken('what is saved never listens', (source) => source.replace('server.listen(', 'setInterval(() => {}, ')),
  broken('what is saved exits once it is ready', (source) => `${source}setTimeout(() => process.exit(1), 100);\n`),
  {
    name: `H. ${HURRIED_SAVES} saves in a hurry`,
    play: playHurry,
    tell: (outcome) => failures(outcome) + started(outcome) + lost(outcome),
  },
  {
    name: 'I. a checkout rewrites all files',
    play: playStorm,
    tell: (outcome) => failures(outcome) + started(outcome) + lost(outcome),
  },
  {
    name: KILLED,
    play: playKilled,
    tell: (outcome) => failures(outcome) + (outcome.serves ? ', comes back' : ', **stays down until a save**'),
  },
  {
    name: HUNG,
    play: playHang,
    tell: (outcome) => failures(outcome) + afterwards(outcome),
  },
  {
    name: 'O. saves one after the other: loads of the program',
    play: playSaves,
    tell: (outcome) => `${count(outcome.starts ?? 0)}${lost(outcome)}`,
  },
];

export async function casesPart(options: Options): Promise<Report> {
  const scale = options.isQuick ? quick : full;
  const all: readonly Tool[] = [tools.ours, tools.nodemon, tools.tsx, tools.pm2Reload, tools.nodeWatch];
  const chosen = all.filter((tool) => isChosen(options, tool));
  const figures: { readonly case: string; readonly tool: string; readonly outcome: Outcome }[] = [];
  for (const each of cases) {
    for (const tool of chosen) {
      const running = await Running.start(tool, each.app ?? 'cases');
      try {
        const outcome = await each.play(running, scale);
        figures.push({ case: each.name, tool: tool.id, outcome });
        tell(`cases: ${each.name}: ${tool.name}: ${each.tell(outcome)}`);
      } finally {
        await running.end();
      }
    }
  }
  const outcomeOf = (each: Case, { id }: Tool): Outcome =>
    figures.find(({ case: name, tool }) => name === each.name && tool === id)!.outcome;
  return {
    title: 'What can happen while you work',
    how:
      `One process under each tool, requests running all the time. A: ${scale.saves} saves under 37 strict connections that try nothing twice. G: ${scale.brokenMs / 1000} s of the ` +
      `broken code, then a good save. H: a save every ${HURRY_MS} ms, with requests that take 200 ms. I: ${scale.stormFiles} loaded files within ${scale.stormMs / 1000} s. ` +
      `L: ${scale.brokenMs / 1000} s after the kill, and a save ${HANGS_MS} ms after the loop has begun. O: ${scale.saves} saves. ` +
      '`pm2` is told by `pm2 reload` after each save (after the last one in I).',
    columns: [{ title: '', align: 'left' }, ...chosen.map(({ name }) => ({ title: name, align: 'left' as const }))],
    rows: cases.map((each) => [each.name, ...chosen.map((tool) => each.tell(outcomeOf(each, tool)))]),
    figures,
    targets: targets(figures.filter(({ tool }) => tool === tools.ours.id)),
  };
}

function targets(ours: readonly { case: string; outcome: Outcome }[]): Target[] {
  return ours.flatMap(({ case: name, outcome: { failed, serves } }): Target[] => {
    // What exits after it was ready is a crash: the code that was saved is the code that runs. What is killed or hangs
    // takes along the requests that it was at.
    const isCrash = name.includes('exits once') || name === KILLED || name === HUNG;
    return [
      ...(isCrash ? [] : [{ what: `${name}: failed`, measured: failed, wanted: 0, kind: 'at most' as const }]),
      { what: `${name}: the last good save serves`, measured: Number(serves), wanted: 1, kind: 'at least' },
    ];
  });
}

async function playLoad(running: Running, { saves }: Scale): Promise<Outcome> {
  const clients = startClients({ host: '127.0.0.1', port: running.port }, 1);
  let serves = true;
  for (let save = 0; save < saves; save++) {
    const { version, told } = running.save();
    serves = await running.answers(version, SAVE_LIMIT_MS);
    await told;
    // Those that watch need to have looked before the next save.
    await delay(250);
  }
  const tallies = await clients.stop();
  return {
    requests: tallies.reduce((sum, { asked }) => sum + asked, 0),
    failed: tallies.reduce((sum, tally) => sum + tally.failures.length, 0),
    serves,
  };
}

async function playIdle(running: Running): Promise<Outcome> {
  const target = { host: '127.0.0.1', port: running.port };
  const connections = await Promise.all(Array.from({ length: IDLE_CONNECTIONS }, () => RawHttp.open(target)));
  await Promise.all(connections.map((connection) => connection.get('/')));
  const { version, told } = running.save();
  const serves = await running.answers(version, SAVE_LIMIT_MS);
  await told;
  const answers = await Promise.allSettled(connections.map((connection) => connection.get('/')));
  for (const connection of connections) connection.close();
  const failed = answers.filter(({ status }) => status === 'rejected').length;
  return { requests: IDLE_CONNECTIONS, failed, serves };
}

async function playBroken(running: Running, breaks: (source: string) => string, brokenMs: number): Promise<Outcome> {
  const load = startLoad(running);
  const { told } = running.breakIt(breaks);
  await Promise.all([told, delay(brokenMs)]);
  const result = await load.stop();
  const mended = running.save();
  const serves = await running.answers(mended.version, SAVE_LIMIT_MS);
  await mended.told;
  return { ...result, serves };
}

async function playHurry(running: Running): Promise<Outcome> {
  const load = startLoad(running, '/slow');
  const before = running.starts();
  const saves: ReturnType<Running['save']>[] = [];
  for (let save = 0; save < HURRIED_SAVES; save++) {
    saves.push(running.save());
    await delay(HURRY_MS);
  }
  const serves = await running.answers(saves.at(-1)!.version, SAVE_LIMIT_MS);
  await Promise.all(saves.map(({ told }) => told));
  const result = await load.stop();
  return { ...result, serves, starts: running.starts() - before };
}

async function playStorm(running: Running, { stormFiles, stormMs }: Scale): Promise<Outcome> {
  const folder = join(running.folder, 'parts');
  mkdirSync(folder);
  const write = (part: number, value: number): void =>
    writeFileSync(join(folder, `part${part}.cjs`), `module.exports = ${value};\n`);
  for (let part = 0; part < stormFiles; part++) write(part, 0);
  // With this save they are loaded.
  const { version, told } = running.save();
  await running.answers(version, SAVE_LIMIT_MS);
  await told;
  await delay(1000);
  const load = startLoad(running);
  const before = running.starts();
  for (let part = 0; part < stormFiles; part++) {
    write(part, 1);
    await delay(stormMs / stormFiles);
  }
  const last = running.tellTool();
  const serves = await running.answers(String(stormFiles), SAVE_LIMIT_MS, '/parts');
  await last;
  // Late starts count as well.
  await delay(1000);
  const result = await load.stop();
  return { ...result, serves, starts: running.starts() - before };
}

/** No save: what serves in the end is the process that came in its place. */
async function playKilled(running: Running, { brokenMs }: Scale): Promise<Outcome> {
  const load = startLoad(running);
  process.kill(Number(await running.ask(false, undefined, '/pid')), 'SIGKILL');
  await delay(brokenMs);
  const result = await load.stop();
  return { ...result, serves: await running.ask().then(Boolean, () => false) };
}

async function playHang(running: Running): Promise<Outcome> {
  const load = startLoad(running);
  // Nobody answers this one.
  const stuck = running.ask(false, undefined, '/hang').catch(() => undefined);
  await delay(HANGS_MS);
  const { version, told } = running.save();
  const serves = await running.answers(version, SAVE_LIMIT_MS);
  await told;
  const result = await load.stop();
  await stuck;
  return { ...result, serves };
}

async function playSaves(running: Running, { saves }: Scale): Promise<Outcome> {
  const before = running.starts();
  let serves = true;
  for (let save = 0; save < saves; save++) {
    const { version, told } = running.save();
    serves = await running.answers(version, SAVE_LIMIT_MS);
    await told;
    await running.rest();
  }
  return { requests: 0, failed: 0, serves, starts: running.starts() - before };
}

/** Four clients that ask one thing after the other, each time on a new connection. */
function startLoad(
  running: Running,
  path = '/',
): { readonly stop: () => Promise<{ requests: number; failed: number }> } {
  const result = { requests: 0, failed: 0 };
  let isOver = false;
  const loops = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      result.requests += 1;
      await running.ask(false, undefined, path).catch(() => (result.failed += 1));
      await delay(5);
    }
  });
  return {
    stop: async () => {
      isOver = true;
      await Promise.all(loops);
      return result;
    },
  };
}
