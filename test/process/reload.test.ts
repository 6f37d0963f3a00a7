/** The promise itself: a reload replaces the workers one at a time, in either order, and no request fails for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';
import type { Server } from './harness/server.ts';

/** The fewest ready workers that any snapshot from number `from` on shows. */
function fewestReady(server: Server, from: number, group = 'main'): number {
  return Math.min(...server.snapshots.slice(from).map((snapshot) => server.ready(group, snapshot).length));
}

/** The order in which slots got a worker of this generation that serves. */
function slotOrder(server: Server, from: number, generation: number): number[] {
  const order: number[] = [];
  for (const snapshot of server.snapshots.slice(from)) {
    for (const worker of server.ready('main', snapshot)) {
      if (worker.generation === generation && !order.includes(worker.slot)) order.push(worker.slot);
    }
  }
  return order;
}

for (const order of ['start-first', 'stop-first'] as const) {
  test(`${order}: a save and a command each replace all workers, and every request is answered`, async (t) => {
    const project = Project.of('cjs', t);
    const server = await project.ready(['--workers', '3', '--order', order, 'app.cjs']);
    const load = startLoad(server.port(), t);
    await load.answered(5);
    const before = server.pids();
    const from = server.snapshots.length;

    const saved = await server.reloadBy(() => project.write('message.cjs', "exports.message = 'two';\n"));
    assert.equal(saved.result, 'done');
    assert.deepEqual(saved.trigger, { kind: 'change', files: ['message.cjs'] });
    assert.equal(saved.replaced, 3);
    assert.equal(saved.forcedKills, 0);
    await server.settled();
    const between = server.pids();
    assert.deepEqual(
      server.ready().map(({ slot }) => slot),
      [1, 2, 3],
      'the slots stay',
    );
    assert.equal(between.filter((pid) => before.includes(pid)).length, 0, 'every process is a new one');
    assert.deepEqual(slotOrder(server, from, saved.generation), [1, 2, 3], 'one after the other');
    await load.answered(5);
    assert.equal((await server.ask()).body['message'], 'two');

    const asked = await project.json(['reload']);
    assert.equal(asked.code, 0);
    const report = asked.value as typeof saved;
    assert.equal(report.result, 'done');
    assert.deepEqual(report.trigger, { kind: 'command', files: [] });
    assert.equal(report.generation, saved.generation + 1);
    await server.settled();
    assert.equal(server.pids().filter((pid) => between.includes(pid)).length, 0);
    await load.answered(5);

    const { answers, failures } = await load.stop();
    assert.deepEqual(failures, [], `of ${answers.length} requests`);
    assert.equal(fewestReady(server, from), order === 'start-first' ? 3 : 2);
    const generations = new Set(answers.map(({ body }) => body['generation']));
    assert.deepEqual([...generations].sort(), [1, saved.generation, report.generation], 'all generations were in use');
  });
}

test('one slot can be reloaded by itself', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--workers', '2', 'app.cjs']);
  const [first, second] = server.pids();
  const { code, value } = await project.json(['reload', '--slot', '2']);
  assert.equal(code, 0);
  assert.equal((value as { replaced: number }).replaced, 1);
  await server.settled();
  assert.equal(server.pids()[0], first);
  assert.notEqual(server.pids()[1], second);
  const refused = await project.json(['reload', '--slot', '3']);
  assert.equal(refused.code, 2);
  assert.equal((refused.value as { error: { code: string } }).error.code, 'usage');
});
