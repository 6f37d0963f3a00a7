/** Edits that only a restart picks up: which lines they are, and the text that runs meanwhile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NeedsRestart } from '../../src/protocol/status.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

async function flag(server: Server, file: string, isAsWanted: (flag: NeedsRestart) => boolean): Promise<NeedsRestart> {
  const snapshot = await server.snapshotWith(
    ({ needsRestart }) => needsRestart.some((one) => one.file === file && isAsWanted(one)),
    `the flag of ${file}`,
  );
  return snapshot.needsRestart.find((one) => one.file === file)!;
}

const none = (server: Server) => server.snapshotWith(({ needsRestart }) => needsRestart.length === 0, 'no flag');

test('the lines that differ from what runs, edit by edit, until a restart', async (t) => {
  const project = Project.of('groups', t);
  const server = await project.ready(['server.js']);
  const running = project.read('src/config.js');
  const textThatRuns = async (file: string): Promise<string | null> =>
    (await server.control.request('runningText', { file: project.path(file) })).text;

  project.write('src/config.js', running.replace('limits.workers;', '3;'));
  const first = await flag(server, 'src/config.js', ({ changed }) => changed?.[0]?.from === 5);
  assert.deepEqual(first.changed, [{ from: 5, to: 5 }]);
  project.write('src/config.js', `// two\n// lines\n${running.replace('limits.workers;', '3;')}`);
  const second = await flag(server, 'src/config.js', ({ changed }) => changed?.length === 2);
  assert.deepEqual(second.changed, [
    { from: 1, to: 2 },
    { from: 7, to: 7 },
  ]);
  assert.equal(second.since, first.since, 'one series of edits');
  assert.notEqual(second.digest, first.digest);
  assert.equal(await textThatRuns('src/config.js'), running);

  project.remove('src/config.js');
  const gone = await flag(server, 'src/config.js', ({ digest }) => digest === null);
  assert.deepEqual(gone.changed, []);
  assert.equal(await textThatRuns('src/config.js'), running, 'also of a file that is gone');
  project.write('src/config.js', running);
  await none(server);

  project.write('src/config.js', `${running}// more\n`);
  await flag(server, 'src/config.js', () => true);
  assert.equal((await server.reloadBy(() => server.control.request('restart', {}))).result, 'done');
  await none(server);
  assert.equal(await textThatRuns('src/config.js'), `${running}// more\n`);
  assert.equal(await textThatRuns('src/page.js'), null, 'a reload brings it up to date: nothing is kept');
});

test('the same for a group that does not reload', async (t) => {
  const project = Project.of('groups', t);
  const server = await project.ready(['server.js']);
  const running = project.read('src/lines.js');
  project.replace('src/lines.js', 'one', 'two');
  const { changed, reason } = await flag(server, 'src/lines.js', () => true);
  assert.deepEqual([reason, changed], ['non-reloadable', [{ from: 1, to: 1 }]]);
  assert.equal((await server.control.request('runningText', { file: project.path('src/lines.js') })).text, running);
  project.write('src/lines.js', running);
  await none(server);
});

test('an edit during a restart is not lost: the next restart does not join the one that runs', async (t) => {
  const project = Project.of('groups', t);
  project.write(
    'slow.js',
    `import { workers } from './src/config.js';
console.log('evaluating');
await new Promise((done) => setTimeout(done, 700));
export default { groups: { web: { entry: './src/web.js', workers } } };
`,
  );
  const server = await project.ready(['slow.js']);
  const lines = server.lines.length;
  project.replace('src/config.js', 'limits.workers', '1');
  const { digest } = await flag(server, 'src/config.js', () => true);
  const first = server.control.request('restart', {});
  await server.line(/evaluating/, lines);
  project.replace('src/config.js', '= 1', '= 3');
  await flag(server, 'src/config.js', (one) => one.digest !== digest);
  const second = server.control.request('restart', {});
  assert.deepEqual([(await first).result, (await second).result], ['done', 'done']);
  await none(server);
  assert.equal(server.ready('web').length, 3);
});
