/** Programs with a `node:cluster` of their own run unmodified, and their children get the care of workers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawHttp } from './clients/rawHttp.ts';
import { startClients } from './clients/strictClients.ts';
import { poll } from './harness/events.ts';
import { isAlive } from './harness/processes.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

/** The other versions are only seen to work at all. */
const RELOADS = /22|24\.10|26/.test(process.env['GR_TEST_NODE'] ?? '') ? 3 : 10;
const KEEPING = ['keep-alive', 'idle keep-alive', 'pipelined', 'half-sent head', 'slow upload', 'streamed response'];
async function start(project: Project, ...[args, options]: Parameters<Project['ready']>): Promise<Server> {
  const server = await project.ready(args, options);
  await server.until(() => server.snapshot.addresses.length === 1, 'a child to listen');
  return server;
}

const target = (server: Server) => ({ host: '127.0.0.1', port: server.port() });

for (const order of ['start-first', 'stop-first'])
  test(`${order}: ${RELOADS} saves of what only the children load, under load: 0 failed, the same connections, no child left`, async (t) => {
    const project = Project.of('strict', t);
    const server = await start(project, ['--order', order, 'cluster.cjs']);
    const clients = startClients(target(server), 1);
    t.after(() => clients.stop());
    await clients.answered(3);
    const pids = new Set<number>();
    let moved = 0;
    for (let turn = 0; turn < RELOADS; turn++) {
      const { headers } = await (await RawHttp.open(target(server))).get('/');
      pids.add(Number(headers.get('x-pid')));
      const report = await server.reloadBy(() =>
        project.write('app.cjs', `${project.read('app.cjs')}// save ${turn}\n`),
      );
      assert.equal(report.result, 'done', JSON.stringify(report.error));
      await clients.all(KEEPING, ({ generations }) => generations.has(String(report.generation)));
      await server.settled();
      const { forcedKills = 0, forcedConnections = 0, movedConnections = 0 } = server.lastReload ?? {};
      assert.equal(forcedKills + forcedConnections, 0, 'nothing was cut');
      moved += movedConnections;
    }
    const tallies = await clients.stop();
    for (const { name, asked, failures } of tallies)
      assert.deepEqual(failures, [], `${name}: ${failures.length} of ${asked} failed`);
    for (const { name, opened, clients: count } of tallies.filter((tally) => KEEPING.includes(tally.name)))
      assert.equal(opened, count, `${name}: each client still has its first connection`);
    assert.ok(moved >= RELOADS, `${moved} connections moved`);
    assert.equal(pids.size, RELOADS, 'each time by new children');
    for (const pid of pids) await poll(() => !isAlive(pid), 'the end of the children');
    const hints = server.lines.filter((line) => line.includes('node:cluster'));
    assert.equal(hints.length, 1, 'told once that --workers does the same');
  });

test('a request under way in a child is answered before it ends, and the child is what it would be without us', async (t) => {
  const project = Project.of('strict', t);
  project.write(
    'app.cjs',
    `${project.read('app.cjs')}
if (process.env.GRACEFUL_RELOAD_PRELOAD || process.env.NODE_OPTIONS !== 'x'.repeat(0) + '--no-deprecation') console.log('not clean', process.env.NODE_OPTIONS);
if (process.execArgv.length > 0 || !process.send || !process.connected) console.log('not a plain child', process.execArgv);
process.on('message', (message) => console.log('told', message));`,
  );
  const server = await start(project, ['cluster.cjs'], { env: { NODE_OPTIONS: '--no-deprecation' } });
  const slow = await RawHttp.open(target(server));
  const answer = slow.get('/wait/700');
  await server.reloadBy(() => project.write('app.cjs', `${project.read('app.cjs')}// saved\n`));
  assert.equal((await answer).status, 200);
  await server.settled();
  assert.equal(server.lastReload?.forcedKills, 0);
  assert.deepEqual(
    server.lines.filter((line) => /not clean|not a plain|told/.test(line)),
    [],
  );
});
