/** `wait`, `pause` and `resume`: whoever edits files knows when the edit is live, and decides when edits act. */
import assert from 'node:assert/strict';
import { readFileSync, statSync, utimesSync } from 'node:fs';
import { test } from 'node:test';
import { poll } from './harness/events.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

const wait = (server: Server, timeout = 30_000) => server.control.request('wait', { timeout });
const message = (text: string): string => `exports.message = '${text}';\n`;

test('wait resolves once what is on disk serves in every slot, right after a write that nobody has told of yet', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--workers', '3', 'app.cjs']);
  for (let turn = 1; turn <= 8; turn++) {
    if (turn % 2 === 0) project.write('message.cjs', message(`turn ${turn}`));
    else project.writeAtomically('message.cjs', message(`turn ${turn}`));
    const live = await wait(server);
    assert.equal(live.live, true);
    const snapshot = await server.control.request('status', {});
    assert.deepEqual(
      server.ready('main', snapshot).map(({ generation }) => generation),
      [turn + 1, turn + 1, turn + 1],
    );
    assert.deepEqual(snapshot.pendingReload, []);
    const answers = await Promise.all(Array.from({ length: 6 }, () => server.ask()));
    for (const { body } of answers) assert.equal(body['message'], `turn ${turn}`);
  }
  const { code, value } = await project.json(['wait']);
  assert.equal(code, 0);
  assert.deepEqual(value, { live: true, generation: 9, needsRestart: [] });
});

test('wait sees by itself what the file system does not tell: without a watch, with old times, and a file that an import waited for', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--no-watch', 'app.cjs']);
  assert.equal((await wait(server)).live, true);
  const { atime, mtime } = statSync(project.path('message.cjs'));
  const text = project.read('message.cjs');
  project.write('message.cjs', text.replace('one', 'two'));
  utimesSync(project.path('message.cjs'), atime, mtime);
  assert.equal((await wait(server)).live, true);
  assert.equal((await server.ask()).body['message'], 'two', 'of the same size and time');
  project.write('message.cjs', `${text}require('./absent.cjs');\n`);
  const rejected = await wait(server);
  assert.ok(!rejected.live);
  assert.match(rejected.error.message, /absent/);
  const again = await project.json(['wait']);
  assert.equal(again.code, 1);
  assert.equal((again.value as { error: { code: string } }).error.code, rejected.report?.error?.code);
  project.write('absent.cjs', '');
  assert.equal((await wait(server)).live, true);
});

test('wait names edits that need a restart, and does not wait for them', async (t) => {
  const project = Project.of('groups', t);
  const server = await project.ready(['server.js']);
  project.replace('server.js', /$/, '// changed\n');
  const live = await wait(server);
  assert.ok(live.live);
  assert.deepEqual(
    live.needsRestart.map(({ file, reason }) => [file, reason]),
    [['server.js', 'bootstrap']],
  );
});

test('wait looks at the loaded files only, and reads only those that were written', async (t) => {
  if (process.platform !== 'linux') return t.skip('counts reads through /proc');
  const project = Project.of('cjs', t);
  const modules = Array.from({ length: 400 }, (_, index) => `part${index}.cjs`);
  for (const name of modules) project.write(`parts/${name}`, `exports.text = '${'x'.repeat(20_000)}';\n`);
  project.write('parts/all.cjs', modules.map((name) => `require('./${name}');\n`).join(''));
  project.replace('app.cjs', /^/, "require('./parts/all.cjs');\n");
  const server = await project.ready(['--no-watch', 'app.cjs']);
  const read = (): number => Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${server.pid}/io`, 'utf8'))?.[1]);
  const cost = async (): Promise<number> => {
    const before = read();
    assert.equal((await wait(server)).live, true);
    return read() - before;
  };
  assert.ok((await cost()) > 400 * 20_000, 'the first time all are read');
  // Files that were written a moment ago are read again, since their times may not tell.
  await poll(() => Date.now() - statSync(project.path('app.cjs')).ctimeMs > 2500, 'older files');
  await cost();
  assert.ok((await cost()) < 100 * 20_000, 'then none is');
});

test('while paused changes are remembered, and resume acts on them together', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs']);
  const paused = await project.run(['pause']);
  assert.equal(paused.code, 0);
  assert.match(paused.stdout, /^paused/);
  assert.match((await project.run(['explain', 'app.cjs'])).stdout, /It waits until the server resumes: it is paused\./);
  project.write('message.cjs', message('paused'));
  project.replace('app.cjs', /$/, '\n');
  const pending = await project.json(['wait']);
  assert.equal(pending.code, 1);
  const { error } = pending.value as { error: { code: string; message: string } };
  assert.equal(error.code, 'pending');
  assert.match(error.message, /resume/);
  const snapshot = await server.snapshotWith(({ pendingReload }) => pendingReload.length === 2, 'both files');
  assert.equal(snapshot.paused, true);
  assert.equal(snapshot.generation, 1);
  assert.deepEqual(snapshot.pendingReload.map(({ file }) => file).sort(), ['app.cjs', 'message.cjs']);
  const report = await server.reloadBy(() => project.run(['resume']));
  assert.deepEqual([report.id, report.result], [1, 'done']);
  assert.deepEqual([...report.trigger.files].sort(), ['app.cjs', 'message.cjs']);
  await server.settled();
  assert.equal((await server.ask()).body['message'], 'paused');
  assert.deepEqual(server.snapshot.pendingReload, []);
  assert.equal(server.snapshot.paused, false);
});

test('paused in the middle of a reload, what is saved then waits, also when the reload has ended', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--workers', '2', 'app.cjs']);
  const report = await server.reloadBy(async () => {
    project.write('message.cjs', message('first'));
    // From here on one worker runs the first.
    await server.until(() => server.ready().some(({ generation }) => generation === 2), 'a new worker');
    await server.control.request('pause', {});
    project.write('message.cjs', message('second'));
  });
  await server.settled();
  await server.snapshotWith(({ pendingReload }) => pendingReload.length === 1, 'the second one to wait');
  const [newest] = server.snapshot.reloads;
  assert.equal(newest?.id, report.id);
  await server.control.request('resume', {});
  assert.equal((await wait(server)).live, true);
  assert.equal((await server.ask()).body['message'], 'second');
});

test('what was rejected stays pending, and wait gives the reason until it is mended', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs']);
  const good = project.read('message.cjs');
  project.write('message.cjs', "throw new Error('no database');\n");
  const { code, stderr } = await project.run(['wait']);
  assert.equal(code, 1);
  assert.match(stderr, /^graceful-reload: rejected: .*no database at message\.cjs:1/);
  await server.settled();
  assert.deepEqual(
    server.snapshot.pendingReload.map(({ file }) => file),
    ['message.cjs'],
  );
  project.write('message.cjs', good);
  assert.equal((await wait(server)).live, true);
});

test('wait ends with what it waited for when the time is over, and when the server stops', async (t) => {
  const project = Project.of('cases', t);
  project.link('ws');
  const server = await project.ready(['app.cjs']);
  project.replace('app.cjs', /^/, 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);\n');
  const late = await project.json(['wait', '--timeout', '300']);
  assert.equal(late.code, 1);
  const { error } = late.value as { error: { code: string; message: string } };
  assert.equal(error.code, 'timeout');
  // The editor's write may be seen in two steps on a busy machine: then it is the second attempt.
  assert.match(error.message, /generation \d is coming up/);
  const waiting = assert.rejects(wait(server), /stopping|ended/);
  await server.stop();
  await waiting;
});

test('a first start that fails is told by wait, and the save that mends it is waited for', async (t) => {
  const project = Project.of('cjs', t);
  const good = project.read('message.cjs');
  project.write('message.cjs', "throw new Error('no database');\n");
  const server = await project.start(['app.cjs']);
  await server.snapshotWith(({ state }) => state === 'failed', 'the failure');
  const failed = await project.json(['wait']);
  assert.equal(failed.code, 1);
  assert.match((failed.value as { error: { message: string } }).error.message, /no database/);
  project.write('message.cjs', good);
  assert.equal((await wait(server)).live, true);
});
