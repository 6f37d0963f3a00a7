/** Many changes at a time: saves during a reload (case H), storms (case I), loops, and how files are written. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startClients, type StrictClients } from './clients/strictClients.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

/** Saves this close together act together, in ms; the program waits for somewhat more. */
const QUIET_MS = 50;
/** An editor's announcement of a save holds others back for that long. */
const ANNOUNCED_MS = 1000;
/** Of all kinds that the fixture answers. */
const KINDS = ['keep-alive', 'idle keep-alive', 'per request', 'pipelined', 'half-sent head'];
const word = (text: string): string => `exports.word = '${text}';\n`;

interface Stage {
  readonly project: Project;
  readonly server: Server;
  readonly clients: StrictClients;
}

async function start(
  t: TestContext,
  prepare: (project: Project) => void,
  args: readonly string[] = [],
): Promise<Stage> {
  const project = Project.of('cases', t);
  project.link('ws');
  prepare(project);
  const server = await project.ready([...args, 'app.cjs'], { env: { SLOW_BOOT: '100' } });
  const clients = startClients({ host: '127.0.0.1', port: server.port() }, 1, KINDS, 10);
  t.after(() => void clients.stop());
  await clients.answered(2);
  return { project, server, clients };
}

/** What is on disk serves, no request failed for it, and nobody who served was killed. */
async function ends({ server, clients }: Stage, wanted: string): Promise<void> {
  assert.equal((await server.control.request('wait', { timeout: 30_000 })).live, true);
  const answers = await Promise.all(Array.from({ length: 4 }, () => server.ask('/word')));
  assert.deepEqual([...new Set(answers.map(({ text }) => text))], [wanted]);
  await clients.answered(2);
  for (const { name, failures, asked } of await clients.stop())
    assert.deepEqual(failures, [], `${name}: ${failures.length} of ${asked}`);
  await server.settled();
  for (const { id, forcedKills } of server.snapshot.reloads) assert.equal(forcedKills, 0, `in reload ${id}`);
}

/** Generations that were begun, superseded and rejected ones counted. */
const begun = ({ server }: Stage, from = 0): number =>
  server.lines.slice(from).filter((line) => /^graceful-reload {2}g\d+ {2}.* → reloading/.test(line)).length;

/** Gaps between our own writes that a busy machine made so long that they count as quiet. */
const quietGaps = (times: readonly number[]): number =>
  times.filter((time, index) => index > 0 && time - times[index - 1]! > QUIET_MS).length;

const PHASES: Record<string, (server: Server) => boolean> = {
  'nothing happens': () => true,
  'the canary comes up': ({ snapshot }) => snapshot.state === 'reloading' && snapshot.generation === 1,
  'the workers are replaced': (server) =>
    server.ready().some(({ generation }) => generation === 2) &&
    server.ready().some(({ generation }) => generation === 1),
  'an old worker drains': ({ snapshot }) => snapshot.groups[0]!.workers.some(({ state }) => state === 'draining'),
};

for (const [phase, isThere] of Object.entries(PHASES)) {
  test(`H. 1, 2 and 20 saves while ${phase}: the last one serves, and nobody is killed`, async (t) => {
    for (const saves of [1, 2, 20]) {
      await t.test(`${saves} save${saves > 1 ? 's' : ''}`, async (t) => {
        const stage = await start(t, () => undefined, ['--workers', '2']);
        const { project, server } = stage;
        const isFirst = phase !== 'nothing happens';
        if (isFirst) project.write('word.cjs', word('first'));
        await server.until(() => isThere(server), phase);
        const times: number[] = [];
        for (let save = 1; save <= saves; save++) {
          if (save > 1) await delay(10);
          project.write('word.cjs', word(`save ${save}`));
          times.push(performance.now());
        }
        await ends(stage, `save ${saves}`);
        // One for each quiet gap, those at the end of a series counted, and one for the save that acts at once.
        const gaps = (isFirst ? 2 : 1) + quietGaps(times);
        const most = saves === 1 ? gaps : gaps + 1;
        assert.ok(begun(stage) >= 1 && begun(stage) <= most, `${begun(stage)} generations, at most ${most}`);
      });
    }
  });
}

const FILES = 500;

/** A program of 500 files, each of which holds the same word. */
function ofManyFiles(project: Project): void {
  writeAll(project, 'one');
  project.write(
    'word.cjs',
    `const words = Array.from({ length: ${FILES} }, (_, index) => require('./parts/part' + index + '.cjs').word);\n` +
      "exports.word = [...new Set(words)].join(' and ');\n",
  );
}

function writeAll(project: Project, text: string, from = 0, to = FILES): void {
  for (let index = from; index < to; index++) project.write(`parts/part${index}.cjs`, word(text));
}

const git = (project: Project, ...args: string[]): void =>
  void execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@localhost', ...args], {
    cwd: project.folder,
    stdio: 'pipe',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
  });

test(`I. a program writes ${FILES} loaded files, one after the other: at most 2 generations`, async (t) => {
  const stage = await start(t, ofManyFiles);
  for (let from = 0; from < FILES; from += 10) {
    writeAll(stage.project, 'two', from, from + 10);
    await delay(30);
  }
  await ends(stage, 'two');
  assert.ok(begun(stage) <= 2, `${begun(stage)} generations`);
});

test(`I. Save All of ${FILES} files: at most 2 generations`, async (t) => {
  const stage = await start(t, ofManyFiles);
  const saveOne = async (index: number): Promise<void> => {
    const file = stage.project.path(`parts/part${index}.cjs`);
    await stage.server.control.request('saving', { file, manual: true });
    stage.project.write(`parts/part${index}.cjs`, word('two'));
    await stage.server.control.request('saved', { file, manual: true });
  };
  const since = performance.now();
  await Promise.all(Array.from({ length: FILES }, (_, index) => saveOne(index)));
  const late = Math.floor((performance.now() - since) / ANNOUNCED_MS);
  await ends(stage, 'two');
  assert.ok(begun(stage) <= 2 + late, `${begun(stage)} generations, ${late} of them because this machine was slow`);
  assert.equal(stage.server.lastReload?.trigger.kind, 'save');
});

test(`I. git checkout of a branch with ${FILES} other files, and back: at most 2 generations each; a rebase too`, async (t) => {
  const stage = await start(t, (project) => {
    ofManyFiles(project);
    project.write('.gitignore', 'node_modules\n');
    git(project, 'init', '-q', '-b', 'main');
    git(project, 'add', '.');
    git(project, 'commit', '-q', '-m', 'one');
    git(project, 'checkout', '-q', '-b', 'other');
    writeAll(project, 'two');
    git(project, 'commit', '-q', '-a', '-m', 'two');
    for (const text of ['three', 'four', 'five']) {
      writeAll(project, text);
      git(project, 'commit', '-q', '-a', '-m', text);
    }
    git(project, 'checkout', '-q', 'main');
    project.write('beside.txt', '');
    git(project, 'add', '.');
    git(project, 'commit', '-q', '-m', 'beside');
  });
  const { project, server } = stage;
  for (const [command, wanted] of [
    [['checkout', '-q', 'other'], 'five'],
    [['checkout', '-q', 'main'], 'one'],
    [['checkout', '-q', 'other'], 'five'],
    [['rebase', '-q', 'main'], 'five'],
  ] as const) {
    const from = server.lines.length;
    git(project, ...command);
    assert.equal((await server.control.request('wait', { timeout: 30_000 })).live, true);
    assert.equal((await server.ask('/word')).text, wanted);
    assert.ok(begun(stage, from) <= 2, `${command.join(' ')}: ${begun(stage, from)} generations`);
    await stage.clients.answered(2);
  }
  await ends(stage, 'five');
});

test('I. a package manager is waited for: what changes meanwhile is one generation, and a save in the editor does not wait', async (t) => {
  const stage = await start(t, ofManyFiles);
  const { project, server } = stage;
  // Packages come one by one, and the linked ones among them change what is loaded.
  for (let turn = 0; turn < 12; turn++) {
    mkdirSync(project.path(`node_modules/package${turn}`));
    project.write(`parts/part${turn}.cjs`, word('two'));
    await delay(120);
  }
  writeAll(project, 'two', 12);
  project.write('node_modules/.package-lock.json', '{}');
  assert.equal(begun(stage), 0, 'none while it was at work');
  assert.equal((await server.control.request('wait', { timeout: 30_000 })).live, true);
  assert.equal(begun(stage), 1);
  project.write('node_modules/.package-lock.json', '{ }');
  const file = project.path('parts/part0.cjs');
  await server.control.request('saving', { file, manual: true });
  project.write('parts/part0.cjs', word('two').replace('\n', '\n\n'));
  assert.deepEqual(await server.control.request('saved', { file, manual: true }), { acted: true });
  await ends(stage, 'two');
});

test('a program that writes a file it loads does not reload for ever: the file is named, with what excludes it', async (t) => {
  const loops = (project: Project): void => {
    project.write('data.json', '{}');
    project.replace(
      'app.cjs',
      /^/,
      "require('./data.json');\nrequire('node:fs').writeFileSync(__dirname + '/data.json', JSON.stringify({ at: process.hrtime() }));\n",
    );
  };
  const stage = await start(t, loops);
  const { project, server } = stage;
  await server.line(/^graceful-reload {2}data\.json changes with each reload .* --exclude "data\.json"/);
  const { flapping } = await server.snapshotWith((snapshot) => snapshot.flapping.length > 0, 'the loop in the status');
  assert.deepEqual(
    flapping.map(({ file, exclude }) => [file, exclude]),
    [['data.json', 'data.json']],
  );
  const { generation } = await server.settled();
  const waiting = await project.json(['wait']);
  assert.equal((waiting.value as { error: { code: string } }).error.code, 'pending');
  assert.match((await project.run(['status'])).stdout, /left alone: data\.json/);
  // Other files still count, and the loop does not begin anew with them.
  const report = await server.reloadBy(() => project.write('word.cjs', word('other')));
  assert.deepEqual(report.trigger.files, ['word.cjs']);
  assert.equal(report.generation, generation + 1);
  for (const { failures } of await stage.clients.stop()) assert.deepEqual(failures, []);
  await server.stop();

  const excluded = await project.ready(['--exclude', 'data.json', 'app.cjs']);
  const next = await excluded.reloadBy(() => project.write('word.cjs', word('again')));
  assert.equal(next.id, 1, 'the write at the start reloaded nothing');
  assert.equal((await excluded.control.request('wait', { timeout: 10_000 })).live, true);
});

test('a program that writes a module that it loads once it serves does not reload for ever either', async (t) => {
  const loops = (project: Project): void => {
    project.write('generated.cjs', 'exports.at = 0;\n');
    project.replace(
      'app.cjs',
      /^/,
      "require('./generated.cjs');\nsetTimeout(() => require('node:fs').writeFileSync(__dirname + '/generated.cjs', `exports.at = ${process.hrtime.bigint()}n;\\n`), 150);\n",
    );
  };
  const stage = await start(t, loops);
  const { project, server } = stage;
  await server.line(/^graceful-reload {2}generated\.cjs changes with each reload .* --exclude "generated\.cjs"/);
  const { generation } = await server.settled();
  const report = await server.reloadBy(() => project.write('word.cjs', word('other')));
  assert.deepEqual(report.trigger.files, ['word.cjs']);
  assert.equal(report.generation, generation + 1);
  for (const { failures } of await stage.clients.stop()) assert.deepEqual(failures, []);
});

test('an editor that empties a file before it writes it, or deletes it first, makes one reload, and none that is rejected', async (t) => {
  const project = Project.of('cases', t);
  project.link('ws');
  const server = await project.ready(['app.cjs']);
  const slowly: Record<string, () => void> = {
    emptied: () => project.write('word.cjs', ''),
    deleted: () => project.remove('word.cjs'),
    'half written': () => project.write('word.cjs', '// exports.word ='),
  };
  for (const [name, begin] of Object.entries(slowly)) {
    const report = await server.reloadBy(async () => {
      begin();
      if (name !== 'half written') await delay(120);
      project.write('word.cjs', word(name));
    });
    assert.equal(report.result, 'done', name);
    assert.equal((await server.control.request('wait', { timeout: 10_000 })).live, true);
    assert.equal((await server.ask('/word')).text, name);
    const results = server.snapshot.reloads.map(({ result }) => result);
    assert.ok(!results.includes('rejected'), `${name}: ${results.join(' ')}`);
  }
  // Deleted and written as it was: nothing to do.
  const before = server.lastReload?.id;
  const text = project.read('word.cjs');
  project.remove('word.cjs');
  await delay(50);
  project.write('word.cjs', text);
  assert.equal((await server.control.request('wait', { timeout: 10_000 })).live, true);
  assert.equal(server.lastReload?.id, before);
  // Deleted for good: that counts.
  const gone = await server.reloadBy(() => rmSync(project.path('word.cjs')));
  assert.equal(gone.result, 'rejected');
  const back = await server.reloadBy(() => project.write('word.cjs', word('back')));
  assert.equal(back.result, 'done');
});

test('a clock that jumps an hour forth and back changes nothing', async (t) => {
  const project = Project.of('cases', t);
  project.link('ws');
  project.write(
    'clock.cjs',
    'const real = Date.now;\nlet turn = 0;\nDate.now = () => real() + (turn++ % 2 ? 3_600_000 : -3_600_000);\n',
  );
  const server = await project.ready(['--workers', '2', 'app.cjs'], {
    env: { NODE_OPTIONS: `--require ${project.path('clock.cjs')}` },
  });
  for (let turn = 0; turn < 4; turn++) {
    const report = await server.reloadBy(() => project.write('word.cjs', word(`turn ${turn}`)));
    assert.equal(report.result, 'done');
    project.write('word.cjs', word(`again ${turn}`));
    assert.equal((await server.control.request('wait', { timeout: 10_000 })).live, true);
    assert.equal((await server.ask('/word')).text, `again ${turn}`);
  }
});
