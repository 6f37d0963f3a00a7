/** What other programs find a server by is taken away while it runs, or left there by one that was killed. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ControlClient } from '../../src/client/controlClient.ts';
import { processStart } from '../../src/platform/processes.ts';
import { Changes } from './harness/events.ts';
import { cli, node } from './harness/paths.ts';
import { Project } from './harness/project.ts';

const THERE_AGAIN = /^graceful-reload {2}somebody has cleaned up .*; other commands find this server there again$/;

/** Paths of its files in the runtime folder whose name ends so. */
const filesOf = ({ runtimeFolder }: Project, end: string): string[] =>
  readdirSync(runtimeFolder)
    .filter((name) => name.endsWith(end))
    .map((name) => join(runtimeFolder, name));

const cleaners: readonly (readonly [string, (project: Project) => void])[] = [
  ['the folder is removed', ({ runtimeFolder }) => rmSync(runtimeFolder, { recursive: true })],
  ['the folder is moved', ({ runtimeFolder }) => renameSync(runtimeFolder, `${runtimeFolder}-away`)],
  ['the entry is removed', (project) => filesOf(project, '.json').forEach((file) => rmSync(file))],
  ['the entry is emptied', (project) => filesOf(project, '.json').forEach((file) => truncateSync(file))],
  ['the socket is removed', (project) => filesOf(project, '.sock').forEach((file) => rmSync(file))],
];

for (const [what, clean] of cleaners)
  test(`${what}: the server is found again, and whoever is connected stays so`, async (t) => {
    const project = Project.of('cjs', t);
    const server = await project.ready(['--spares', '0', 'app.cjs']);
    const before = server.registryEntry();
    clean(project);
    await server.line(THERE_AGAIN);
    assert.deepEqual(server.registryEntry(), before);
    const { code, value } = await project.json(['status']);
    assert.deepEqual([code, (value as { pid: number }).pid], [0, server.pid]);
    assert.equal((await server.control.request('status', {})).state, 'running');
    const second = await project.run(['start', 'app.cjs']);
    assert.equal(second.code, 1);
    assert.match(second.stderr, new RegExp(`is running already \\(pid ${server.pid}\\)`));
    assert.equal(await server.stop(), 0);
    assert.deepEqual(readdirSync(project.runtimeFolder), []);
  });

test('another server takes the place of an entry that was taken away: its entry is not touched', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--spares', '0', 'app.cjs']);
  // It stands for one that was started in between.
  const other = { ...server.registryEntry(), pid: process.ppid, token: 'of another' };
  const [path = ''] = filesOf(project, '.json');
  const text = JSON.stringify({ ...other, processStart: await processStart(process.ppid) });
  writeFileSync(path, text);
  await server.line(/other commands do not find this server: .* is running already \(pid \d+\)\./);
  assert.equal(await server.stop(), 0);
  assert.deepEqual(filesOf(project, ''), [path]);
});

test('a server that was killed had the same pid, as the first process of a container has: the next one starts', async (t) => {
  if (process.platform === 'win32') return t.skip('named pipes go with their process');
  const project = Project.of('cjs', t);
  const first = await project.ready(['--spares', '0', 'app.cjs']);
  const [path = ''] = filesOf(project, '.sock');
  assert.equal(await first.stop(), 0);
  const template = path.replace(`-${first.pid}.sock`, '');
  const server = await project.ready(['--spares', '0', 'app.cjs'], {
    under: ['sh', '-c', `: > "${template}-$$.sock"; exec "$@"`, 'sh'],
  });
  assert.equal(server.registryEntry().socket, `${template}-${server.pid}.sock`);
  const client = await ControlClient.connect(server.registryEntry(), 'test');
  assert.equal((await client.request('status', {})).pid, server.pid);
  client.dispose();
});

test('containers that share the runtime folder leave the servers of each other alone', async (t) => {
  const words = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child', '--mount-proc'];
  if (spawnSync('unshare', [...words, 'true']).status !== 0) return t.skip('no namespaces here');
  const project = Project.of('cjs', t);
  const server = await project.ready(['--spares', '0', 'app.cjs']);
  const options = { cwd: project.folder, env: project.environment() };
  // The same file under the same name: it is not running already.
  const other = spawn('unshare', [...words, node, '--', cli, 'start', '--spares', '0', 'app.cjs'], options);
  t.after(() => other.kill('SIGKILL'));
  const lines: string[] = [];
  const came = new Changes();
  other.stdout.setEncoding('utf8').on('data', (text: string) => {
    lines.push(text);
    came.tell();
  });
  other.stderr.setEncoding('utf8').on('data', (text: string) => {
    lines.push(text);
    came.tell();
  });
  await came.until(
    () => lines.join('').includes('ready in'),
    'the other server',
    () => lines.join(''),
  );
  const before = filesOf(project, '').map((file) => [file, statSync(file).ino]);
  assert.equal(before.length, 4);
  const seen = await project.json(['status', '--all']);
  assert.deepEqual(
    (seen.value as { pid: number }[]).map(({ pid }) => pid),
    [server.pid],
  );
  const third = spawnSync('unshare', [...words, node, '--', cli, 'status', '--all', '--json'], {
    ...options,
    encoding: 'utf8',
  });
  assert.deepEqual([third.stdout.trim(), third.stderr], ['[]', '']);
  assert.deepEqual(
    filesOf(project, '').map((file) => [file, statSync(file).ino]),
    before,
  );
  // Who looked has said nothing to it.
  assert.doesNotMatch(lines.join(''), /control|client/);
  const ended = once(other, 'close');
  other.kill('SIGKILL');
  await ended;
  await project.json(['status', '--all']);
  assert.equal(filesOf(project, '').length, 2);
  assert.equal((await project.json(['status'])).code, 0);
});
