/** Programs that do more with their servers than to listen once. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { poll } from './harness/events.ts';
import { isAlive } from './harness/processes.ts';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';
import type { Server } from './harness/server.ts';

const save = async (project: Project, server: Server, turn: number): Promise<void> => {
  const report = await server.reloadBy(() => project.write('word.cjs', `exports.word = 'word ${turn}';\n`));
  assert.equal(report.result, 'done', JSON.stringify(report.error));
  await server.settled();
};

test('a program with a cluster of its own is reloaded with it, and nothing of the old one stays', async (t) => {
  const project = Project.of('programs', t);
  const server = await project.ready(['cluster.cjs']);
  for (let turn = 1; turn < 4; turn++) {
    if (turn > 1) await save(project, server, turn);
    const told = (): number[] =>
      server.lines.flatMap((line) => /listening (\d+)/.exec(line)?.slice(1) ?? []).map(Number);
    await server.until(() => told().length === turn * 2, 'both children to listen');
    await server.until(() => server.snapshot.addresses.length === 1, 'the address');
    const { word, pid } = (await server.ask()).body;
    assert.equal(word, `word ${turn}`);
    assert.ok(told().slice(-2).includes(Number(pid)));
    for (const old of told().slice(0, -2)) await poll(() => !isAlive(old), 'the end of the old children');
  }
});

test('an address that comes after ready is kept over reloads too', async (t) => {
  const project = Project.of('programs', t);
  const server = await project.ready(['--workers', '2', 'late.cjs']);
  await server.until(() => server.snapshot.addresses.length === 2, 'the second address');
  const before = server.snapshot.addresses;
  const loads = [0, 1].map((index) => startLoad(server.port(index), t));
  for (let turn = 2; turn < 5; turn++) {
    for (const load of loads) await load.answered(3);
    await save(project, server, turn);
  }
  for (const load of loads) {
    await load.answered(3);
    const { answers, failures } = await load.stop();
    assert.deepEqual(failures, [], `of ${answers.length} requests`);
    assert.equal(answers.at(-1)?.body['word'], 'word 4');
  }
  assert.deepEqual(server.snapshot.addresses, before);
});

test('a program that closes a server while it runs gives that address up, and one that closes all at SIGTERM ends by itself', async (t) => {
  const project = Project.of('programs', t);
  const server = await project.ready(['closing.cjs']);
  await server.until(() => server.snapshot.addresses.length === 2, 'both addresses');
  const load = startLoad(server.port(0), t);
  const second = server.port(1);
  await server.ask('/close');
  await server.until(() => server.snapshot.addresses.length === 1, 'the address to be given up');
  await assert.rejects(once(net.connect(second, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
  for (let turn = 2; turn < 5; turn++) {
    await load.answered(3);
    await save(project, server, turn);
    await server.line(new RegExp(`closed word ${turn - 1}`));
  }
  await load.answered(3);
  const { answers, failures } = await load.stop();
  assert.deepEqual(failures, [], `of ${answers.length} requests`);
  for (const { forcedKills, forcedConnections } of server.snapshot.reloads)
    assert.equal(forcedKills + forcedConnections, 0);
});

test('state in memory: what several workers would have to share is told once, and one worker hears nothing of it', async (t) => {
  for (const [workers, told] of [
    ['2', 1],
    ['1', 0],
  ] as const) {
    const project = Project.of('cjs', t);
    project.write('package.json', JSON.stringify({ dependencies: { 'socket.io': '^4.8.0' } }));
    const server = await project.ready(['--workers', workers, 'app.cjs']);
    await server.reloadBy(() => project.write('message.cjs', "exports.message = 'two';\n"));
    await server.settled();
    const lines = server.lines.filter((line) =>
      line.includes('main runs 2 workers, and clients of socket.io that poll'),
    );
    assert.equal(lines.length, told);
  }
});
