/** Where the master accepts and passes connections on, as it has to on Windows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startClients } from './clients/strictClients.ts';
import { Project } from './harness/project.ts';

const MASTER = { GRACEFUL_RELOAD_ACCEPT: 'master' };

for (const [order, workers] of [
  ['start-first', 2],
  ['stop-first', 1],
] as const) {
  test(`${order}, ${workers}: 5 reloads under load, 0 failed, the same connections before and after`, async (t) => {
    const project = Project.of('strict', t);
    const server = await project.ready(['--order', order, '--workers', String(workers), 'app.cjs'], { env: MASTER });
    const clients = startClients({ host: '127.0.0.1', port: server.port() }, 1);
    t.after(() => clients.stop());
    await clients.answered(1);
    for (let reload = 0; reload < 5; reload++) {
      assert.equal((await server.control.request('reload', {})).result, 'done');
      await clients.answered(1);
    }
    for (const { name, failures, opened, clients: count, generations } of await clients.stop()) {
      assert.deepEqual(failures, [], name);
      assert.ok(generations.has('6'), `${name} has met the newest code`);
      if (!/per request|silent/.test(name))
        assert.equal(opened, count, `${name}: each client has its first connection`);
    }
  });
}

test('without hand-off, as on Windows, new connections never fail', async (t) => {
  const project = Project.of('strict', t);
  const server = await project.ready(['--workers', '2', 'app.cjs'], {
    env: { ...MASTER, GRACEFUL_RELOAD_NO_HANDOFF: '1' },
  });
  const clients = startClients({ host: '127.0.0.1', port: server.port() }, 2, ['per request', 'silent first']);
  t.after(() => clients.stop());
  for (let reload = 0; reload < 5; reload++) {
    assert.equal((await server.control.request('reload', {})).result, 'done');
    await clients.answered(1);
  }
  for (const { name, failures } of await clients.stop()) assert.deepEqual(failures, [], name);
});

test('a port that another program holds is an error of the program', async (t) => {
  const project = Project.of('addresses', t);
  const other = await project.ready(['--name', 'other', 'app.cjs'], { env: MASTER });
  project.write('where.cjs', `exports.port = ${other.port()};\n`);
  const { code, stderr } = await project.run(['start', '--name', 'second', 'app.cjs'], { env: MASTER });
  assert.equal(code, 1);
  assert.match(stderr, /EADDRINUSE/);
});
