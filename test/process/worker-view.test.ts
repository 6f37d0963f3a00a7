/** What a program sees of its being supervised: as little as possible. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { isAlive } from './harness/processes.ts';
import { poll } from './harness/events.ts';
import { node } from './harness/paths.ts';
import { Project } from './harness/project.ts';

/** The same program under plain node. */
function plainly(project: Project, args: readonly string[]): Record<string, unknown> {
  const { stdout, stderr } = spawnSync(node, args, {
    cwd: project.folder,
    env: project.environment({ DUMP: '1' }),
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  return JSON.parse(stdout) as Record<string, unknown>;
}

test('CommonJS: arguments, flags and main module are those of plain node', async (t) => {
  const project = Project.of('view', t);
  project.write('.env.test', 'FROM_FILE=first\n');
  const flags = ['--no-warnings', '--conditions', 'special', '--stack-trace-limit=20'];
  const program = ['app.cjs', '--workers', '7', '--', 'last'];
  const server = await project.ready([
    '--workers',
    '2',
    '--name',
    'seen',
    '--env-file',
    '.env.test',
    ...flags,
    ...program,
  ]);
  const { added, pid, child: _child, ...seen } = (await server.ask()).body;
  const { added: _none, ...plain } = plainly(project, [...flags, ...program]);
  assert.deepEqual(seen, { ...plain, fromEnvFile: 'first' });
  assert.equal(plain['send'], 'undefined');
  const slot = server.ready().find((worker) => worker.pid === pid)?.slot;
  assert.deepEqual(added, {
    GRACEFUL_RELOAD_SERVER: 'seen',
    GRACEFUL_RELOAD_GROUP: 'main',
    GRACEFUL_RELOAD_SLOT: String(slot),
    GRACEFUL_RELOAD_GENERATION: '1',
  });

  const report = await server.reloadBy(() => project.write('.env.test', 'FROM_FILE=second\n'));
  assert.deepEqual(report.trigger.files, ['.env.test'], 'an env file counts as loaded');
  const { body } = await server.ask();
  assert.equal(body['fromEnvFile'], 'second');
  assert.equal((body['added'] as Record<string, string>)['GRACEFUL_RELOAD_GENERATION'], String(report.generation));
});

test('ES module: the same', async (t) => {
  const project = Project.of('view', t);
  const server = await project.ready(['--no-warnings', 'app.mjs', 'one', '--two']);
  assert.deepEqual((await server.ask()).body, plainly(project, ['--no-warnings', 'app.mjs', 'one', '--two']));
});

test('a worker that leaves runs its own SIGTERM handlers, and its children end with it', async (t) => {
  const project = Project.of('view', t);
  const server = await project.ready(['app.cjs'], { env: { WITH_CHILD: '1' } });
  const { pid, child } = (await server.ask()).body as { pid: number; child: number };
  assert.ok(isAlive(child));
  const report = await server.reloadBy(() => project.replace('app.cjs', '// Tells', '// It tells'));
  assert.equal(report.result, 'done');
  await server.line(new RegExp(`handler of ${pid}$`));
  await server.line(new RegExp(`end of ${pid}$`));
  await poll(() => !isAlive(child), 'the end of the child');
  assert.equal(isAlive(pid), false);
  assert.equal(server.lastReload?.forcedKills, 0);

  const next = (await server.ask()).body as { pid: number; child: number };
  assert.equal(await server.stop('SIGTERM'), 0);
  assert.equal(server.lines.filter((line) => line.includes(`end of ${next.pid}`)).length, 1, 'at a stop too');
  // It was told to end before the server did, and may take a moment longer.
  await poll(() => !isAlive(next.child), 'the end of the child');
});
