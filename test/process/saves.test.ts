/** Where a change comes from: an editor that tells of its saves, the file system, or a look at intervals. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Project } from './harness/project.ts';

test('a save that the editor announced is a save, whoever tells of it first', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs']);
  const file = project.path('message.cjs');
  const report = await server.reloadBy(async () => {
    await server.control.request('saving', { file, manual: true });
    project.write('message.cjs', "exports.message = 'saved';\n");
  });
  assert.deepEqual(report.trigger, { kind: 'save', files: ['message.cjs'] });
  // Told late: the same content is acted on once.
  await server.control.request('saved', { file, manual: true });
  const next = await server.reloadBy(() => project.write('message.cjs', "exports.message = 'from elsewhere';\n"));
  assert.deepEqual([next.id - report.id, next.trigger.kind], [1, 'change']);
});

test("under manualSave the editor's verdict holds, though the file system tells of the write as well", async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--reload-on', 'manualSave', 'app.cjs']);
  const file = project.path('message.cjs');
  const save = async (text: string, manual: boolean): Promise<void> => {
    await server.control.request('saving', { file, manual });
    project.write('message.cjs', `exports.message = '${text}';\n`);
    await server.control.request('saved', { file, manual });
  };
  await save('auto save', false);
  await server.snapshotWith(({ pendingReload }) => pendingReload.length === 1, 'a pending reload');
  // A change to another file, told by the file system: by the end of its reload it would have told of the first one too.
  const report = await server.reloadBy(() => project.replace('app.cjs', /$/, '\n'));
  assert.deepEqual(report.trigger, { kind: 'change', files: ['app.cjs'] });
  assert.equal((await server.ask()).body['message'], 'auto save', 'a new worker runs what is on disk');
  await save('once more', false);
  const manual = await server.reloadBy(() => save('by hand', true));
  assert.deepEqual(manual.trigger, { kind: 'save', files: ['message.cjs'] });
  assert.equal(manual.id, report.id + 1);
});

test('--poll looks at intervals, and asks the system to tell of nothing', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--poll', '20', 'app.cjs']);
  const report = await server.reloadBy(() => project.write('message.cjs', "exports.message = 'polled';\n"));
  assert.deepEqual(report.trigger, { kind: 'change', files: ['message.cjs'] });
  assert.equal((await server.ask()).body['message'], 'polled');
  if (process.platform !== 'linux') return;
  const watches = readdirSync(`/proc/${server.pid}/fdinfo`).filter((fd) => {
    try {
      return /^inotify /m.test(readFileSync(`/proc/${server.pid}/fdinfo/${fd}`, 'utf8'));
    } catch {
      return false;
    }
  });
  assert.deepEqual(watches, []);
});

test('a file that is emptied and written a little later is not waited for longer than one that is written at once', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs']);
  const took: { readonly atOnce: number[]; readonly later: number[] } = { atOnce: [], later: [] };
  const save = async (word: string, pauseMs: number): Promise<number> => {
    let since = 0;
    await server.reloadBy(async () => {
      if (pauseMs > 0) project.write('message.cjs', '');
      await delay(pauseMs);
      since = performance.now();
      project.write('message.cjs', `exports.message = '${word}';\n`);
    });
    const ms = performance.now() - since;
    assert.equal((await server.ask()).body['message'], word);
    await server.snapshotWith(({ state, groups }) => state === 'running' && groups[0]?.spares === 1, 'the next spare');
    return ms;
  };
  for (let turn = 0; turn < 5; turn++) {
    took.atOnce.push(await save(`at once ${turn}`, 0));
    took.later.push(await save(`later ${turn}`, 5));
  }
  // The best of each: what else the machine does only adds.
  assert.ok(Math.min(...took.later) < 4 * Math.min(...took.atOnce), JSON.stringify(took));
});

/** A program whose module is emptied just before it is loaded, and written a moment later by a thread. */
const WRITTEN_LATE = `
const { truncateSync, writeFileSync } = require('node:fs');
const { Worker } = require('node:worker_threads');
const word = require('node:path').join(__dirname, NAME);
const turn = new Int32Array(new SharedArrayBuffer(4));
const writer = ({ word, text, turn }) => {
  Atomics.store(turn, 0, 1);
  Atomics.notify(turn, 0);
  Atomics.wait(turn, 0, 1);
  Atomics.wait(turn, 0, 2, 20);
  require('node:fs').writeFileSync(word, text);
};
new Worker('(' + writer + ")(require('node:worker_threads').workerData)", { eval: true, workerData: { word, text: TEXT, turn } });
Atomics.wait(turn, 0, 0);
truncateSync(word);
Atomics.store(turn, 0, 2);
Atomics.notify(turn, 0);
const listen = ({ word }) => require('node:http').createServer((_, response) => response.end(word)).listen(0);
`;

for (const [name, text, load] of [
  ['late.cjs', "exports.word = 'whole';\n", 'listen(require(word));'],
  ['late.mjs', "export const word = 'whole';\n", 'import(word).then(listen);'],
] as const)
  test(`a module that is just being written is loaded whole: ${name}`, async (t) => {
    const project = Project.of('cjs', t);
    project.write(name, text);
    const values = `const [NAME, TEXT] = ${JSON.stringify([name, text])};`;
    project.write('app.cjs', values + WRITTEN_LATE + load);
    const server = await project.ready(['--no-watch', 'app.cjs']);
    assert.equal((await server.ask()).text, 'whole');
  });
