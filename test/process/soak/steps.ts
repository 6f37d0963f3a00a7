/** What happens to a server in the course of a day, each thing as a step that a soak run may take at any time. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ControlClient } from '../../../src/client/controlClient.ts';
import { crash, type How } from './crash.ts';
import type { Stage } from './stage.ts';

type Random = () => number;

export interface Step {
  readonly name: string;
  /** How often it is taken, compared with the others. */
  readonly weight: number;
  play(stage: Stage, random: Random): Promise<unknown>;
}

export const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

/** What is saved by mistake; a worker that loads it is never ready. */
const BROKEN = [
  'exports.word = (;\n',
  "throw new Error('no database');\n",
  "require('./nowhere.cjs');\n",
  'process.exit(0);\n',
  'process.exit(4);\n',
] as const;
const HOWS: readonly How[] = ['exit', 'throw', 'SIGKILL'];
const LONGEST_HURRY_MS = 60;
const LONGEST_STAY_MS = 200;

/** They change what is on disk: one at a time. */
export const edits: readonly Step[] = [
  { name: 'save', weight: 5, play: (stage, random) => write(stage, random, stage.newWord()) },
  {
    name: 'saves in a hurry',
    weight: 3,
    play: async (stage, random) => {
      for (let left = 2 + Math.floor(random() * 6); left > 0; left--) {
        await write(stage, random, stage.newWord());
        await delay(random() * LONGEST_HURRY_MS);
      }
    },
  },
  {
    name: 'broken save',
    weight: 3,
    play: async (stage, random) => {
      const served = stage.wanted;
      // Never half of it: the successor of a crashed worker loads at once whatever is there.
      stage.project.writeAtomically('word.cjs', pick(random, BROKEN));
      const { live } = await stage.server.control.request('wait', { timeout: 30_000 });
      assert.equal(live, false, 'what is broken is not live');
      assert.deepEqual(await stage.words(), [served]);
      await write(stage, random, stage.newWord());
    },
  },
  {
    name: 'save while paused',
    weight: 1,
    play: async (stage, random) => {
      const { control } = stage.server;
      await control.request('pause', {});
      await write(stage, random, stage.newWord());
      await stage.server.snapshotWith(({ pendingReload }) => pendingReload.length > 0, 'a pending reload');
      await control.request('resume', {});
    },
  },
  { name: 'env file', weight: 1, play: async (stage) => stage.project.write('web.env', stage.newNumber()) },
  {
    name: 'edit that needs a restart, undone',
    weight: 2,
    play: async (stage, random) => {
      const file = pick(random, ['server.cjs', 'counts.cjs', 'rules.cjs']);
      const before = stage.project.read(file);
      stage.project.write(file, `${before}// edited\n`);
      await flagged(stage, true);
      stage.project.writeAtomically(file, before);
      await flagged(stage, false);
    },
  },
  {
    name: 'edit that needs a restart, and restarts',
    weight: 1,
    play: async (stage, random) => {
      for (const workers of [pick(random, [1, 3, 4]), 2]) {
        stage.project.write('counts.cjs', `exports.workers = ${workers};\n`);
        await flagged(stage, true);
        await stage.done('restart');
        await flagged(stage, false);
        assert.equal(stage.server.group('web').wanted, workers);
      }
    },
  },
];

/** They can go on beside an edit. */
export const others: readonly Step[] = [
  {
    name: 'reload',
    weight: 2,
    play: (stage, random) => {
      const scope = pick(random, [{}, { group: 'web' }, { group: 'web', slot: 1 }, { group: 'jobs' }]);
      return stage.server.control.request('reload', scope);
    },
  },
  { name: 'restart', weight: 1, play: (stage) => stage.server.control.request('restart', {}) },
  ...HOWS.map((how): Step => ({
    name: `crash by ${how}`,
    weight: 1,
    play: (stage, random) => crashOne(stage, random, how),
  })),
  {
    name: 'spare killed',
    weight: 1,
    play: async (stage, random) => {
      const workers = stage.server.snapshot.groups.flatMap((group) => group.workers.map(({ pid }) => pid));
      const spares = [...stage.processes()].filter(
        ([pid, command]) => !workers.includes(pid) && /(web|jobs)\.cjs/.test(command),
      );
      // It may have become a worker meanwhile.
      if (spares.length > 0) await crash(stage, pick(random, spares)[0], 'SIGKILL');
    },
  },
  {
    name: 'clients that vanish',
    weight: 4,
    play: (stage, random) =>
      Promise.all(Array.from({ length: 1 + Math.floor(random() * 20) }, () => vanish(stage, random))),
  },
  { name: 'window opened and closed', weight: 3, play: window },
  {
    name: 'questions',
    weight: 2,
    play: async (stage, random) => {
      const { control } = stage.server;
      const file = stage.project.path(pick(random, ['word.cjs', 'server.cjs', 'package.json', 'how']));
      await Promise.all([
        control.request('status', {}),
        control.request('explain', { file }),
        control.request('runningText', { file }),
        control.request('history', {}),
        stage.answered(control.request('wait', { timeout: random() * LONGEST_STAY_MS })),
      ]);
    },
  },
  {
    name: 'command line',
    weight: 1,
    play: async (stage, random) => {
      const [wanted, ...args] = pick(random, [
        ['0', 'status'],
        ['0', 'status', '--json', '--all'],
        ['0', 'explain', 'word.cjs'],
        ['3', 'stop', '--server', 'nobody'],
        ['2', 'reload', '--grup', 'web'],
        ['1', 'start', 'server.cjs'],
      ] as const);
      const { code, stderr } = await stage.project.run(args);
      assert.equal(String(code), wanted, `${args.join(' ')}: ${stderr}`);
    },
  },
];

/** As the editors of this world do. */
async function write({ project }: Stage, random: Random, text: string): Promise<void> {
  const how = random();
  if (how < 0.5) return project.write('word.cjs', text);
  if (how < 0.9) return project.writeAtomically('word.cjs', text);
  project.remove('word.cjs');
  await delay(random() * LONGEST_STAY_MS);
  project.write('word.cjs', text);
}

async function flagged({ server }: Stage, isFlagged: boolean): Promise<void> {
  await server.snapshotWith(
    ({ needsRestart }) => needsRestart.length > 0 === isFlagged,
    isFlagged ? 'an edit that needs a restart' : 'no edit that needs a restart',
  );
}

async function crashOne(stage: Stage, random: Random, how: How): Promise<void> {
  const able = stage.server.snapshot.groups
    .flatMap(({ workers }) => workers)
    .filter(({ state }) => state === 'ready' || state === 'draining')
    .flatMap(({ pid }) => pid ?? []);
  if (able.length > 0) await crash(stage, pick(random, able), how);
}

/** A client that begins something and goes, in one of the ways in which clients go. */
async function vanish({ ports }: Stage, random: Random): Promise<void> {
  const socket = connect(random() < 0.9 ? ports.web : ports.gateway, '127.0.0.1');
  const gone = new Promise((done) => socket.once('close', done));
  socket.on('error', () => undefined).resume();
  const begun = pick(random, [
    '',
    'GET / HTTP/1.1\r\nHo',
    'GET / HTTP/1.1\r\nHost: soak\r\n\r\n',
    'GET /stream HTTP/1.1\r\nHost: soak\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: soak\r\n\r\n'.repeat(20),
    `POST /upload HTTP/1.1\r\nHost: soak\r\nContent-Length: 16384\r\n\r\n${'x'.repeat(5000)}`,
    '\x16\x03\x01 no HTTP at all\r\n\r\n',
  ]);
  if (begun !== '') socket.write(begun);
  await delay(random() * LONGEST_STAY_MS);
  const end = random();
  if (end < 0.3) socket.end();
  else if (end < 0.6) socket.resetAndDestroy();
  else socket.destroy();
  // Who only says that nothing more comes waits for the answer.
  if (end < 0.3) await Promise.race([gone, delay(LONGEST_STAY_MS)]);
  socket.destroy();
  await gone;
}

/** Editors come and go: each looks for a while, may announce a save that then never comes, and hangs up without a word. */
async function window(stage: Stage, random: Random): Promise<void> {
  const { project, server } = stage;
  const client = await ControlClient.connect(server.registryEntry(), 'window');
  await client.subscribe(() => undefined, random() < 0.5);
  await client.request('openFiles', { files: [project.path('word.cjs'), project.path('server.cjs')] });
  if (random() < 0.3) await client.request('saving', { file: project.path('word.cjs'), manual: random() < 0.5 });
  const asked = random() < 0.3 ? stage.answered(client.request('wait', { timeout: 10_000 })) : undefined;
  await delay(random() * LONGEST_STAY_MS);
  client.dispose();
  await asked;
}
