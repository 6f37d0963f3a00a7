/** What the machine refuses: the server goes on with less, says once what is missing where and what to do, and serves. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Snapshot } from '../../src/protocol/status.ts';
import { cli, fixtures, node } from './harness/paths.ts';
import { allGone } from './harness/processes.ts';
import { Project } from './harness/project.ts';
import { ask } from './harness/requests.ts';
import { portFree, type Server } from './harness/server.ts';

/** Lines of ours, not of the workers, that tell of it. */
const told = ({ lines }: Server, pattern: RegExp): string[] =>
  lines.filter((line) => line.startsWith('graceful-reload') && pattern.test(line));

/** A superuser may read everything. */
const WITHOUT_POWERS = process.getuid?.() === 0 ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] : [];

/** A user namespace of its own has limits of its own: those of the machine stay as they are. */
const withLimit = (name: string, number: number): string[] => [
  ...['unshare', '--user', '--map-root-user', 'sh', '-c'],
  `echo ${number} > /proc/sys/user/${name} && exec "$0" "$@"`,
];
const mayLimit = (): boolean => {
  const [file, ...args] = withLimit('max_inotify_watches', 1);
  return spawnSync(file!, [...args, 'true']).status === 0;
};

for (const { name, number, code, remedy } of [
  { name: 'max_inotify_watches', number: 2, code: 'ENOSPC', remedy: 'fs.inotify.max_user_watches=' },
  { name: 'max_inotify_instances', number: 0, code: 'EMFILE', remedy: 'fs.inotify.max_user_instances=' },
])
  test(`no more watches (${name} ${number}): saves are found by looking, and one line says so`, async (t) => {
    if (!mayLimit()) return t.skip('no user namespaces here');
    const project = Project.of('cjs', t);
    const server = await project.ready(['app.cjs'], { under: withLimit(name, number) });
    for (const word of ['two', 'three']) {
      const { result } = await server.reloadBy(() => project.write('message.cjs', `exports.message = '${word}';\n`));
      assert.equal(result, 'done');
      assert.equal((await server.ask()).body['message'], word);
    }
    const [line = '', ...more] = told(server, /watch/);
    assert.deepEqual(more, []);
    assert.match(line, new RegExp(`no watches left \\(${code}\\), files are looked at every \\d+ ms instead`));
    assert.ok(line.includes(remedy), line);
  });

test('watches that die are replaced by looks, and each folder is told of once', async (t) => {
  const project = Project.of('cjs', t);
  const preload = join(fixtures, 'faults', 'dyingWatches.cjs');
  const server = await project.ready(['app.cjs'], { masterFlags: ['--require', preload] });
  const { result } = await server.reloadBy(() => project.write('message.cjs', "exports.message = 'two';\n"));
  assert.equal(result, 'done');
  server.child.kill('SIGUSR2');
  await server.line(/file watch of .*project: EIO/);
  assert.equal(
    (await server.reloadBy(() => project.write('message.cjs', "exports.message = 'three';\n"))).result,
    'done',
  );
  assert.equal((await server.ask()).body['message'], 'three');
  assert.equal(told(server, /file watch/).length, 1, server.facts());
});

/** So many numbers of descriptors are left to the process, those that it gives back counted; null gives it back what it may have. */
function leaveFree(pid: number, free: number | null): void {
  const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let most = 0;
  for (let left = free ?? 0; left > 0; most++) if (!taken.has(most)) left--;
  const hard = /^Max open files +\S+ +(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1];
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${free === null ? hard : most}:`]);
}

for (const order of ['start-first', 'stop-first'])
  test(`no descriptor left for another process (${order}): rejected with the remedy, the workers serve on`, async (t) => {
    if (process.platform !== 'linux') return t.skip('needs prlimit');
    const project = Project.of('cjs', t);
    const server = await project.ready(['--order', order, '--spares', '0', '--workers', '2', 'app.cjs']);
    const before = server.pids();
    leaveFree(server.pid, 3);
    const { result, error } = await server.reloadBy(() => project.write('message.cjs', "exports.message = 'two';\n"));
    assert.equal(result, 'rejected', server.facts());
    assert.match(error?.message ?? '', /could not be started: spawn .* EMFILE\. .*raise the limit \(ulimit -n\)/);
    assert.equal(told(server, /EMFILE/).length, 1, server.facts());
    assert.deepEqual(server.pids(), before);
    assert.equal((await server.ask()).body['message'], 'one');
    // The command line can still ask.
    for (const command of ['status', 'logs']) assert.equal((await project.run([command])).code, 0, command);
    leaveFree(server.pid, null);
    assert.equal((await server.reloadBy(() => project.run(['reload']))).result, 'done');
    assert.equal((await server.ask()).body['message'], 'two');
  });

test('a file that cannot be looked at is not taken for a deleted one', async (t) => {
  if (process.platform !== 'linux') return t.skip('needs prlimit');
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs']);
  const { lastReload } = server;
  leaveFree(server.pid, 0);
  project.write('message.cjs', "exports.message = 'two';\n");
  for (let times = 0; times < 50; times++) assert.equal((await server.ask()).body['message'], 'one');
  assert.deepEqual(server.lastReload, lastReload, server.facts());
  const { result } = await server.reloadBy(() => leaveFree(server.pid, null));
  assert.equal(result, 'done');
  assert.equal((await server.ask()).body['message'], 'two');
  assert.deepEqual(told(server, /gone|deleted|rejected/), []);
  assert.ok(told(server, /EMFILE/).length <= 1, server.facts());
});

test('a file that may not be read is rejected, and counts again once it may', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs'], { under: WITHOUT_POWERS });
  const rejected = await server.reloadBy(() => chmodSync(project.path('message.cjs'), 0));
  assert.equal(rejected.result, 'rejected');
  assert.match(rejected.error?.message ?? '', /EACCES/);
  const { result } = await server.reloadBy(() => {
    project.write('message.cjs', "exports.message = 'two';\n");
    chmodSync(project.path('message.cjs'), 0o644);
  });
  assert.equal(result, 'done');
  assert.equal((await server.ask()).body['message'], 'two');
});

test('a user without a name, as in containers, has servers like everybody else', async (t) => {
  const asNobody = ['unshare', '--user', '--map-user=4242'];
  if (spawnSync('unshare', [...asNobody.slice(1), 'true']).status !== 0) return t.skip('no user namespaces here');
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs'], { under: asNobody });
  assert.equal((await server.ask()).status, 200);
  const script = "require('node:os').userInfo()";
  assert.notEqual(spawnSync(asNobody[0]!, [...asNobody.slice(1), node, '-e', script]).status, 0);
  for (const [command, GRACEFUL_RELOAD_RUNTIME_DIR] of [
    ['status', project.runtimeFolder],
    ['start', ''],
  ] as const) {
    const env = project.environment({ GRACEFUL_RELOAD_RUNTIME_DIR });
    const words = [
      ...asNobody.slice(1),
      node,
      '--',
      cli,
      command,
      '--json',
      ...(command === 'start' ? ['gone.cjs'] : []),
    ];
    const { stdout, stderr } = spawnSync(asNobody[0]!, words, { cwd: project.folder, env, encoding: 'utf8' });
    assert.doesNotMatch(stdout + stderr, /internal/);
  }
});

test('the folder of the project is moved away: said as that, the workers serve on, and once it is back what was saved meanwhile serves', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs']);
  const { result, error } = await server.reloadBy(() => renameSync(project.folder, `${project.folder}-moved`));
  assert.equal(result, 'rejected');
  assert.match(error?.message ?? '', /could not be started: its folder .*\/project is gone$/);
  assert.equal((await server.ask()).body['message'], 'one');
  writeFileSync(join(`${project.folder}-moved`, 'message.cjs'), "exports.message = 'two';\n");
  const back = await server.reloadBy(() => renameSync(`${project.folder}-moved`, project.folder));
  assert.equal(back.result, 'done');
  assert.equal((await server.ask()).body['message'], 'two');
});

for (const [how, pauseMs] of [
  ['at once', 0],
  ['a while later', 1500],
] as const)
  test(`the folder of the project is removed and, ${how}, made anew: what is saved there serves`, async (t) => {
    const project = Project.of('cjs', t);
    const server = await project.ready(['app.cjs']);
    const kept = `${project.folder}-kept`;
    cpSync(project.folder, kept, { recursive: true });
    for (const message of ['two', 'three']) {
      writeFileSync(join(kept, 'message.cjs'), `exports.message = '${message}';\n`);
      const before = server.lastReload?.id ?? 0;
      rmSync(project.folder, { recursive: true });
      await delay(pauseMs);
      cpSync(kept, project.folder, { recursive: true });
      await server.snapshotWith(
        ({ lastReload }) => lastReload?.result === 'done' && lastReload.id > before,
        'a reload from the new folder',
      );
      assert.equal((await server.ask()).body['message'], message);
      await server.reloadBy(() => project.write('message.cjs', `exports.message = '${message} saved';\n`));
      assert.equal((await server.ask()).body['message'], `${message} saved`);
    }
  });

test('a worker without a descriptor left serves on where it is connected, and is replaced', async (t) => {
  if (process.platform !== 'linux') return t.skip('needs prlimit');
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs']);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const answered = async (): Promise<unknown> => (await server.ask('/', { agent })).body['pid'];
  const [worker] = server.pids();
  assert.equal(await answered(), worker);
  leaveFree(worker!, 0);
  assert.equal(await answered(), worker);
  const { result, movedConnections } = await server.control.request('reload', {});
  assert.deepEqual([result, movedConnections], ['done', 1]);
  assert.notEqual(await answered(), worker);
});

/** The words stand for the folder. */
const full = (size: string, write: string): string[] => [
  ...['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c'],
  `mkdir -p "$FULL" && mount -t tmpfs -o size=${size},mode=700 none "$FULL" && ${write}; exec "$0" "$@"`,
];
const mayMount = (folder: string): boolean => {
  const [file, ...args] = full('4k', ':');
  return spawnSync(file!, [...args, 'true'], { env: { ...process.env, FULL: folder } }).status === 0;
};

test('a runtime folder without room, or with too long a path, ends the start with what to do', async (t) => {
  const project = Project.of('cjs', t);
  const folder = project.path('run');
  const remedy = /takes no files: .*set GRACEFUL_RELOAD_RUNTIME_DIR to a folder of your own, with a short path\.$/;
  const long = await project.run(['start', 'app.cjs'], {
    env: { GRACEFUL_RELOAD_RUNTIME_DIR: project.path('x'.repeat(120)) },
  });
  assert.equal(long.code, 1);
  assert.match(long.stderr.trim(), remedy);
  if (!mayMount(folder)) return t.skip('no user namespaces here');
  const [file, ...args] = full('4k', 'dd if=/dev/zero of="$FULL/fill" bs=4k count=2 2>/dev/null');
  const { status, stderr } = spawnSync(file!, [...args, node, cli, 'start', 'app.cjs'], {
    cwd: project.folder,
    env: project.environment({ FULL: folder, GRACEFUL_RELOAD_RUNTIME_DIR: folder }),
    encoding: 'utf8',
  });
  assert.equal(status, 1, stderr);
  assert.match(stderr.trim(), /^graceful-reload: The runtime folder .* ENOSPC/);
  assert.match(stderr.trim(), remedy);
});

test('the runtime folder fills up: a restart that gives the server another name says so, and goes on', async (t) => {
  const project = Project.of('groups', t);
  const server = await project.ready(['server.js']);
  const before = server.snapshot.name;
  // A folder where the file would be written stands for a disk that has no room.
  const [entry = ''] = readdirSync(project.runtimeFolder).filter((name) => name.endsWith('.json'));
  mkdirSync(join(project.runtimeFolder, entry.replace('.json', `-${server.pid}.tmp`), 'full'), { recursive: true });
  project.replace('server.js', `name: '${before}'`, "name: 'renamed'");
  assert.equal((await project.run(['restart'])).code, 0, server.facts());
  const [line = '', ...more] = told(server, /cannot be written/);
  assert.deepEqual(more, []);
  assert.match(line, new RegExp(`the name renamed .* Other commands find the server as ${before}\\.$`));
  assert.equal((await project.run(['status', '--server', before])).code, 0);
  assert.equal((await server.ask()).status, 200);
});

test('standard output goes to a disk that is full: one line on standard error, and the server goes on', async (t) => {
  if (process.platform !== 'linux') return t.skip('needs /dev/full');
  const project = Project.of('flood', t);
  const child = spawn('/bin/sh', ['-c', 'exec "$0" "$@" > /dev/full', node, cli, 'start', 'app.cjs'], {
    cwd: project.folder,
    env: project.environment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stderr = text(child.stderr);
  const status = async (): Promise<Snapshot | undefined> => {
    const { code, stdout } = await project.run(['status', '--json']);
    return code === 0 ? (JSON.parse(stdout) as Snapshot) : undefined;
  };
  let snapshot = await status();
  while (snapshot?.state !== 'running') snapshot = await status();
  const { port } = snapshot.addresses[0]!;
  assert.equal((await ask(port!, '/flood?lines=2000&bytes=1000')).status, 200);
  while ((await ask(port!, '/written')).body['written'] !== 2000);
  assert.equal((await project.run(['reload'])).code, 0);
  assert.match((await project.run(['logs'])).stdout, /flood over/);
  assert.equal((await project.run(['stop'])).code, 0);
  assert.match(await stderr, /^graceful-reload {2}standard output cannot be written: ENOSPC.*graceful-reload logs\n$/);
});

test('`| head -1`: the one who reads has seen enough, the server goes on', async (t) => {
  const project = Project.of('cjs', t);
  const command = '"$0" "$@" | head -1';
  const child = spawn('/bin/sh', ['-c', command, node, cli, 'start', '--workers', '2', 'app.cjs'], {
    cwd: project.folder,
    env: project.environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  while ((await project.run(['wait'])).code !== 0);
  for (let times = 0; times < 3; times++) assert.equal((await project.run(['reload'])).code, 0);
  assert.equal((await project.run(['stop'])).code, 0);
  assert.deepEqual([await stdout, await stderr], ['graceful-reload  app.cjs  starting\n', '']);
});

test('a master with little memory serves through reloads, floods and questions', async (t) => {
  const project = Project.of('flood', t);
  const server = await project.ready(['--workers', '2', 'app.cjs'], { masterFlags: ['--max-old-space-size=24'] });
  for (let times = 0; times < 10; times++) {
    await server.ask('/flood?lines=5000&bytes=1000');
    assert.equal((await server.reloadBy(() => project.run(['reload']))).result, 'done');
    for (const command of ['status', 'logs']) assert.equal((await project.run([command])).code, 0, command);
  }
  server.lines.length = 0;
  assert.equal((await server.ask()).status, 200);
  assert.equal((await project.run(['stop'])).code, 0);
  assert.equal(await server.exit, 0);
});

test('a master that runs out of memory leaves nothing behind, and the next start works', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs'], {
    masterFlags: ['--max-old-space-size=24', '--require', join(fixtures, 'faults', 'hungry.cjs')],
  });
  const port = server.port();
  server.child.kill('SIGUSR2');
  await server.exit;
  assert.ok(
    server.lines.some((line) => line.includes('JavaScript heap out of memory')),
    server.facts(),
  );
  await allGone(project.mark);
  await portFree(port);
  assert.equal((await project.run(['status'])).code, 3);
  const next = await project.ready(['app.cjs']);
  assert.equal((await next.ask()).status, 200);
});
