/** What a reload of N workers costs, counted and not timed: N process starts, one load of each file by each worker, no phase more. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import type { ReloadReport, Snapshot } from '../../src/protocol/status.ts';
import { poll } from './harness/events.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

const STARTS = '../starts.log';
const LOADS = '../loads.log';

interface Cost {
  readonly phases: readonly string[];
  readonly replaced: number;
  readonly starts: number;
  /** By file: how many processes loaded it. */
  readonly loads: Readonly<Record<string, number>>;
}

/** A project whose processes note their start, and each load of one of these files, outside of it. */
function projectOf(t: TestContext, sources: Readonly<Record<string, string>>): Project {
  const project = Project.of('cjs', t);
  const note = (log: string, what: string): string =>
    `require('node:fs').appendFileSync(${JSON.stringify(project.path(log))}, \`\${process.pid} ${what}\\n\`);\n`;
  project.write('start.cjs', note(STARTS, 'start'));
  for (const [name, text] of Object.entries(sources)) project.write(name, note(LOADS, name) + text);
  return project;
}

/** Does something that causes a reload and waits until the spares for the next one stand ready. */
async function costOf(project: Project, server: Server, act: () => void, isAtRest = hasSpares): Promise<Cost> {
  await server.snapshotWith(isAtRest, 'rest before the reload');
  const before = { starts: linesOf(project, STARTS).length, loads: linesOf(project, LOADS).length };
  const report = await server.reloadBy(act);
  assert.equal(report.result, 'done', JSON.stringify(report.error));
  await server.settled();
  await server.snapshotWith(isAtRest, 'rest after the reload');
  const [starts, loads] = [linesOf(project, STARTS), linesOf(project, LOADS)];
  assert.equal(new Set(loads).size, loads.length, 'no process loads a file twice');
  assert.equal(new Set(starts).size, starts.length);
  const counts: Record<string, number> = {};
  for (const line of loads.slice(before.loads)) {
    const file = line.slice(line.indexOf(' ') + 1);
    counts[file] = (counts[file] ?? 0) + 1;
  }
  return { ...stepsOf(report), starts: starts.length - before.starts, loads: counts };
}

const linesOf = (project: Project, name: string): string[] => project.read(name).trim().split('\n');

const stepsOf = ({ phases, replaced }: ReloadReport): Pick<Cost, 'phases' | 'replaced'> => ({
  phases: phases.map(({ name }) => name),
  replaced,
});

const hasSpares = ({ state, groups }: Snapshot): boolean =>
  state === 'running' && groups.every(({ spares }) => spares === 1);
const hasPackages = (snapshot: Snapshot): boolean =>
  hasSpares(snapshot) && snapshot.groups.every(({ loadedAhead }) => loadedAhead === 1);

const LISTEN = "require('node:http').createServer((_, response) => response.end('{}')).listen(0);\n";

test('a reload of three workers: two phases, three starts, three loads', async (t) => {
  const app = `require('./message.cjs');\n${LISTEN}`;
  const project = projectOf(t, { 'app.cjs': app, 'message.cjs': '' });
  const server = await project.ready(['--workers', '3', '--require', './start.cjs', 'app.cjs']);
  for (const word of ['one', 'two']) {
    const cost = await costOf(project, server, () =>
      project.writeAtomically('message.cjs', `// ${word}\n${project.read('message.cjs')}`),
    );
    assert.deepEqual(cost, {
      phases: ['canary', 'roll'],
      replaced: 3,
      starts: 3,
      loads: { 'app.cjs': 3, 'message.cjs': 3 },
    });
  }
});

test('packages that are loaded ahead are loaded once for each worker as well', async (t) => {
  const slow = 'const end = performance.now() + 120; while (performance.now() < end);\n';
  const project = projectOf(t, { 'app.cjs': `require('heavy');\n${LISTEN}`, 'node_modules/heavy/index.js': slow });
  const server = await project.ready(['--workers', '3', '--require', './start.cjs', 'app.cjs']);
  for (const word of ['one', 'two']) {
    const save = (): void => project.writeAtomically('app.cjs', `// ${word}\n${project.read('app.cjs')}`);
    assert.deepEqual(await costOf(project, server, save, hasPackages), {
      phases: ['canary', 'roll'],
      replaced: 3,
      starts: 3,
      loads: { 'app.cjs': 3, 'node_modules/heavy/index.js': 3 },
    });
  }
});

test('a save costs the groups that loaded the file, and no other', async (t) => {
  const project = projectOf(t, {
    'web.cjs': `require('./shared.cjs');\n${LISTEN}`,
    'api.cjs': `require('./shared.cjs');\n${LISTEN}`,
    'shared.cjs': '',
  });
  const group = (entry: string, workers: number): object => ({
    entry,
    workers,
    nodeArgs: ['--require', './start.cjs'],
  });
  const groups = { web: group('./web.cjs', 2), api: group('./api.cjs', 1) };
  project.write('server.cjs', `module.exports = ${JSON.stringify({ groups })};\n`);
  const server = await project.ready(['server.cjs']);
  const save = (name: string) => (): void => project.writeAtomically(name, `//\n${project.read(name)}`);
  const phases = ['canary', 'roll'];
  assert.deepEqual(await costOf(project, server, save('api.cjs')), {
    phases,
    replaced: 1,
    starts: 1,
    loads: { 'api.cjs': 1, 'shared.cjs': 1 },
  });
  assert.deepEqual(await costOf(project, server, save('shared.cjs')), {
    phases,
    replaced: 3,
    starts: 3,
    loads: { 'web.cjs': 2, 'api.cjs': 1, 'shared.cjs': 3 },
  });
});

test('where the old worker goes first a compile check comes first: one process more, which loads nothing', async (t) => {
  const project = projectOf(t, {
    'app.cjs': "require('./message.cjs');\nsetInterval(() => undefined, 1000);\n",
    'message.cjs': '',
  });
  const server = await project.ready(['--workers', '2', '--require', './start.cjs', 'app.cjs']);
  const save = (): void => project.writeAtomically('message.cjs', `//\n${project.read('message.cjs')}`);
  assert.deepEqual(await costOf(project, server, save), {
    phases: ['check', 'canary', 'roll'],
    replaced: 2,
    starts: 3,
    loads: { 'app.cjs': 2, 'message.cjs': 2 },
  });
});

test('the master keeps its space for new objects as small as it begins with; the workers have the usual', async (t) => {
  const project = Project.of('cjs', t);
  const grows = `
    const { getHeapSpaceStatistics } = require('node:v8');
    const objects = [];
    for (let count = 0; count < 2e6; count++) objects[count % 1e5] = { count };
    const { space_size: size } = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
    require('node:fs').writeFileSync(SIZES + (process.argv[2] === 'start' ? 'master' : 'worker'), String(size));
  `.replace('SIZES', JSON.stringify(project.path('../new-space-of-')));
  project.write('grows.cjs', `const grow = () => {${grows}};\nprocess.on('SIGUSR2', grow);\n`);
  project.write('app.cjs', LISTEN);
  const server = await project.ready(['app.cjs'], { env: { NODE_OPTIONS: `--require ${project.path('grows.cjs')}` } });
  const [worker] = (await server.settled()).groups[0]!.workers;
  const sizes: number[] = [];
  for (const [name, pid] of [
    ['master', server.pid],
    ['worker', worker!.pid!],
  ] as const) {
    process.kill(pid, 'SIGUSR2');
    const file = project.path(`../new-space-of-${name}`);
    sizes.push(
      await poll(() => (existsSync(file) && Number(readFileSync(file, 'utf8'))) || undefined, `the ${name} to tell`),
    );
  }
  assert.ok(sizes[0]! * 4 <= sizes[1]!, sizes.join(' and '));
});
