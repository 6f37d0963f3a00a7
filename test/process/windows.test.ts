/**
 * The ways that only Windows takes, walked on Linux: every process takes itself for one on Windows, with a `taskkill` and
 * a `powershell` that do what the real ones are documented to do. It shows that no path throws, not that Windows agrees.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startClients } from './clients/strictClients.ts';
import { fixtures } from './harness/paths.ts';
import { allGone } from './harness/processes.ts';
import { Project } from './harness/project.ts';

const windows = join(fixtures, 'windows');
const PIPE = /^\\\\\.\\pipe\\graceful-reload-[0-9a-f]{32}$/;

function projectOn(t: TestContext): { project: Project; env: NodeJS.ProcessEnv; kills: () => string[] } {
  const project = Project.of('strict', t);
  // The pipe is a socket in the folder of the server here.
  process.chdir(project.folder);
  const log = project.path('taskkill.log');
  writeFileSync(log, '');
  const env = {
    NODE_OPTIONS: `--require ${join(windows, 'platform.cjs')}`,
    PATH: [join(windows, 'bin'), process.env['PATH']].join(delimiter),
    // What runs a command line; the real one is cmd.exe.
    comspec: '/bin/sh',
    TASKKILL_LOG: log,
  };
  return { project, env, kills: () => readFileSync(log, 'utf8').split('\n').slice(0, -1) };
}

test('start, save, reload, status and stop, by message alone', async (t) => {
  const { project, env, kills } = projectOn(t);
  const server = await project.ready(['--workers', '2', '--spares', '0', 'app.cjs'], { env });
  assert.match(server.registryEntry().socket, PIPE);
  const clients = startClients({ host: '127.0.0.1', port: server.port() }, 1, ['per request', 'silent first'], 5);
  t.after(() => void clients.stop());
  await clients.answered(2);
  assert.equal(
    (await server.reloadBy(() => project.write('app.cjs', `${project.read('app.cjs')}// saved\n`))).result,
    'done',
  );
  await clients.answered(2);
  for (const { name, failures } of await clients.stop()) assert.deepEqual(failures, [], name);
  await server.settled();
  for (const { fallback } of server.group().workers) assert.equal(fallback, 'connection-close');
  const again = await project.run(['start', 'app.cjs'], { env });
  assert.equal(again.code, 1);
  assert.match(again.stderr, new RegExp(`already.*pid ${server.pid}`));
  const { code, stderr } = await project.run(['stop'], { env });
  assert.equal(code, 0, stderr);
  assert.equal(await server.exit, 0);
  assert.deepEqual(kills(), [], 'nobody had to be killed');
});

test('what takes too long is ended with its tree by taskkill, and a killed master leaves nobody', async (t) => {
  const { project, env, kills } = projectOn(t);
  project.replace(
    'app.cjs',
    "if (request.url === '/upload') {",
    "if (request.url === '/stuck') { console.log('stuck'); for (;;); }\n  $&",
  );
  const server = await project.ready(['--drain-timeout', '200', '--spares', '0', 'app.cjs'], { env });
  const [pid] = server.pids();
  server.ask('/stuck').catch(() => undefined);
  await server.line(/stuck/);
  assert.equal((await project.run(['stop'], { env })).code, 0);
  await server.exit;
  assert.deepEqual(kills(), [`/pid ${pid} /T /F`]);
  await allGone(project.mark);
  const next = await project.ready(['app.cjs'], { env });
  next.child.kill('SIGKILL');
  await next.exit;
  await allGone(project.mark);
  // Its entry names a process that is gone.
  assert.equal((await project.run(['status'], { env })).code, 3);
});
