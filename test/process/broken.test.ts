/** Saves that do not work, saves that mean nothing, and saves that come faster than a reload. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import ts from 'typescript';
import { Project } from './harness/project.ts';

test('a save that does not boot is rejected, the old code serves on, and the next good save heals', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--workers', '2', 'app.cjs']);
  const app = project.read('app.cjs');
  const good = project.read('message.cjs');
  let heals = 0;

  const rejected = async (
    name: string,
    act: () => void,
  ): Promise<NonNullable<NonNullable<typeof server.lastReload>['error']>> => {
    const before = server.pids();
    const from = server.lines.length;
    const report = await server.reloadBy(act);
    assert.equal(report.result, 'rejected', name);
    assert.equal(report.replaced, 0, name);
    assert.ok(report.error, name);
    await server.settled();
    assert.deepEqual(server.pids(), before, `${name}: the workers are still the same`);
    assert.equal((await server.ask()).status, 200, name);
    await server.line(/^graceful-reload {2}g\d+ {2}rejected: /, from);
    return report.error;
  };
  const heal = async (name: string, file: string, text: string): Promise<void> => {
    const before = server.pids();
    const report = await server.reloadBy(() => project.write(file, text.replace('one', `healed ${++heals}`)));
    assert.equal(report.result, 'done', name);
    await server.settled();
    assert.equal(server.pids().filter((pid) => before.includes(pid)).length, 0, name);
  };

  const syntax = await rejected('syntax error', () =>
    project.write('message.cjs', "const ok = 1;\nexports.message = 'one' 'two';\n"),
  );
  assert.equal(syntax.file, 'message.cjs');
  assert.equal(syntax.line, 2);
  assert.ok(syntax.column !== null && syntax.column > 1, `column ${syntax.column}`);
  assert.match(syntax.message, /^SyntaxError: /);
  await heal('syntax error', 'message.cjs', good);
  assert.equal((await server.ask()).body['message'], 'healed 1');

  const thrown = await rejected('throw', () =>
    project.write('message.cjs', "\nfunction load() {\n  throw new Error('no database');\n}\nload();\n"),
  );
  assert.equal(`${thrown.file}:${thrown.line}`, 'message.cjs:3');
  assert.match(thrown.message, /no database/);
  // Rejected a second time: what counts is what serves, not what was tried last.
  await rejected('another error', () => project.write('message.cjs', 'undefinedName.method();\n'));
  await heal('throw', 'message.cjs', good);

  const missing = await rejected('missing import', () =>
    project.write('message.cjs', "exports.message = 'one';\nrequire('./absent.cjs');\n"),
  );
  assert.match(missing.message, /absent\.cjs/);
  assert.equal(missing.file, 'message.cjs');
  assert.equal(missing.line, 2);
  const healed = await server.reloadBy(() => project.write('absent.cjs', 'exports.here = true;\n'));
  assert.equal(healed.result, 'done', 'the file that was missing is enough');
  await server.settled();
  await heal('missing import', 'message.cjs', good);

  const other = createServer().listen(0);
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  other.close();
  await once(other, 'close');
  const moved = await rejected('address', () =>
    project.write('app.cjs', app.replace('process.env.PORT ?? 0', String(port))),
  );
  assert.equal(moved.code, 'addresses-changed');
  assert.match(moved.message, /Restart Server/);
  await server.line(/rejected: The new code listens on .*graceful-reload restart\), the old workers serve on$/);
  await heal('address', 'app.cjs', `${app}// one\n`);

  // The same answers by command, with the exit code.
  project.write('message.cjs', 'exports.message = ;\n');
  await server.snapshotWith(({ lastReload }) => lastReload?.result === 'rejected', 'the rejection');
  const { code, stdout } = await project.run(['reload']);
  assert.equal(code, 1);
  assert.match(stdout, /rejected.*message\.cjs:1/);
  const { code: jsonCode, value } = await project.json(['reload']);
  assert.equal(jsonCode, 1);
  assert.equal((value as { result: string }).result, 'rejected');
});

test('a save that fails just after it listens is rejected: what nobody handles, and the first answers of the system', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs']);
  const before = server.pids();
  const app = project.read('app.cjs');
  const failing = [
    ["void (async () => { await null; throw new Error('no config'); })();", /no config/],
    ["process.nextTick(() => { throw new Error('no plug-in'); });", /no plug-in/],
    ["setTimeout(() => { throw new Error('no start'); }, 0);", /no start/],
    ["void require('node:fs').promises.readFile('absent.json');", /ENOENT.*absent\.json/],
    // The port that nobody listens on: the database is not up.
    ["require('node:net').connect(1, '127.0.0.1');", /ECONNREFUSED/],
    ["setTimeout(() => require('node:fs').promises.readFile('late.json'), 1);", /ENOENT.*late\.json/],
  ] as const;
  for (const [code, message] of failing) {
    const { result, error, replaced } = await server.reloadBy(() => project.write('app.cjs', `${app}\n${code}\n`));
    assert.equal(result, 'rejected', code);
    assert.match(error?.message ?? '', message);
    assert.equal(replaced, 0);
    assert.deepEqual(server.pids(), before, `${code}: the old worker serves on`);
    assert.equal((await server.ask()).status, 200);
  }
  const healed = await server.reloadBy(() => project.write('app.cjs', `${app}\n// healed\n`));
  assert.equal(healed.result, 'done');
});

test('a top-level await that never settles is told as what it is, at its line', async (t) => {
  const project = Project.of('esm', t);
  const server = await project.ready(['app.js']);
  const message = project.read('message.js');
  const { result, error } = await server.reloadBy(() =>
    project.write('message.js', `${message}\nawait new Promise(() => undefined);\n`),
  );
  assert.equal(result, 'rejected');
  assert.match(error?.message ?? '', /exited with code 13 before it was ready: a top-level await never settles/);
  assert.deepEqual([error?.file, error?.line], ['message.js', `${message}\n`.split('\n').length]);
});

test('stop-first: what does not compile costs no worker', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--workers', '2', '--order', 'stop-first', 'app.cjs']);
  const before = server.pids();
  const report = await server.reloadBy(() => project.write('message.cjs', "exports.message = 'one' 'two';\n"));
  assert.equal(report.result, 'rejected');
  assert.equal(`${report.error?.file}:${report.error?.line}`, 'message.cjs:1');
  assert.deepEqual(server.pids(), before);

  // What compiles but does not boot costs one slot at most; the others serve on, and a good save heals that too.
  const thrown = await server.reloadBy(() => project.write('message.cjs', "throw new Error('no database');\n"));
  assert.equal(thrown.result, 'rejected');
  await server.snapshotWith(
    (snapshot) => server.group('main', snapshot).workers.some(({ state }) => state === 'backoff'),
    'a slot in backoff',
  );
  assert.equal(server.ready().length, 1);
  assert.equal((await server.ask()).status, 200);
  const answer = await server.control.request('wait', { timeout: 600_000 });
  assert.ok(!answer.live);
  assert.match(answer.error.message, /no database/);
  const healed = await server.reloadBy(() => project.write('message.cjs', "exports.message = 'healed';\n"));
  assert.equal(healed.result, 'done');
  await server.settled();
  assert.equal((await server.ask()).body['message'], 'healed');
});

test('a stop-first group whose only worker does not come up: wait tells why, and does not wait for it to be tried again', async (t) => {
  const project = Project.of('consumer', t);
  const server = await project.ready(['app.mjs']);
  const report = await server.reloadBy(() =>
    project.write('version.mjs', "export const version = 'two';\nthrow new Error('no queue');\n"),
  );
  assert.equal(report.result, 'rejected');
  const answer = await server.control.request('wait', { timeout: 600_000 });
  assert.ok(!answer.live);
  assert.match(answer.error.message, /no queue/);
  project.write('version.mjs', "export const version = 'two';\n");
  assert.equal((await server.control.request('wait', { timeout: 30_000 })).live, true);
});

test('a save reloads only what it concerns, and only when the content is new', async (t) => {
  const project = Project.of('groups', t);
  const server = await project.ready(['server.js']);
  const admin = server.pids('admin');
  const gateway = server.pids('gateway');
  const first = await server.reloadBy(() => {
    // Unchanged, and loaded by nobody: both come first, so that the reload of the third would show them.
    project.write('src/page.js', project.read('src/page.js'));
    project.write('src/unrelated.js', 'export const nobody = true;\n');
    project.write('src/extra.js', "import './nothing.js';\n");
    project.write('src/web.js', `${project.read('src/web.js')}// edited\n`);
  });
  assert.equal(first.result, 'done');
  assert.deepEqual(first.trigger.files, ['src/web.js']);
  assert.deepEqual(first.groups, ['web']);
  await server.settled();
  const web = server.pids('web');

  const second = await server.reloadBy(() => {
    project.writeAtomically('src/web.js', project.read('src/web.js'));
    project.write('src/admin.js', `${project.read('src/admin.js')}// edited\n`);
  });
  assert.deepEqual(second.trigger.files, ['src/admin.js']);
  assert.deepEqual(second.groups, ['admin']);
  assert.equal(second.generation, first.generation + 1, 'nothing was reloaded in between');
  await server.settled();
  assert.deepEqual(server.pids('web'), web);
  assert.notDeepEqual(server.pids('admin'), admin);
  assert.deepEqual(server.pids('gateway'), gateway);

  const both = await server.reloadBy(() =>
    project.write('src/answer.js', `${project.read('src/answer.js')}// edited\n`),
  );
  assert.deepEqual([...both.groups].sort(), ['admin', 'web'], 'all reloadable groups that loaded it');
  assert.deepEqual(server.pids('gateway'), gateway, 'one that does not reload stays');
});

test('a save during a reload is not lost', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--workers', '3', 'app.cjs']);
  /** Boots slowly enough for something to happen meanwhile. */
  const slowly = (message: string): string =>
    `console.log('${message} loads');\nconst until = Date.now() + 300;\nwhile (Date.now() < until);\nexports.message = '${message}';\n`;

  // While the first new worker boots: nobody has seen that version, and nobody will.
  project.write('message.cjs', slowly('canary'));
  await server.line(/canary loads$/);
  const overtaken = await server.reloadBy(() => project.write('message.cjs', slowly('newer')));
  assert.equal(overtaken.result, 'done');
  assert.equal(server.snapshot.reloads[1]?.result, 'superseded');
  await server.settled();
  for (let i = 0; i < 6; i++) assert.equal((await server.ask()).body['message'], 'newer');

  // While the rest is being replaced.
  project.write('message.cjs', slowly('half-way'));
  await server.snapshotWith(
    (snapshot) =>
      snapshot.state === 'reloading' &&
      server.ready('main', snapshot).some(({ generation }) => generation > overtaken.generation),
    'a first new worker',
  );
  const last = await server.reloadBy(() => project.write('message.cjs', slowly('last')));
  assert.equal(last.result, 'done');
  await server.settled();
  assert.deepEqual(new Set(server.ready().map(({ generation }) => generation)), new Set([last.generation]));
  for (let i = 0; i < 6; i++) assert.equal((await server.ask()).body['message'], 'last');
  assert.equal(
    server.snapshot.reloads.reduce((sum, { forcedKills }) => sum + forcedKills, 0),
    0,
  );
});

test('twenty saves one after the other: the last one serves, after few generations', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--workers', '2', 'app.cjs']);
  for (let save = 1; save <= 20; save++) {
    project.write('message.cjs', `exports.message = 'save ${save}';\n`);
    await new Promise((done) => setImmediate(done));
  }
  await server.until(() => server.lastReload && server.snapshot.state === 'running', 'a reload');
  project.write('message.cjs', "exports.message = 'the end';\n");
  for (let message: unknown; message !== 'the end'; message = (await server.ask()).body['message']) {
    await server.snapshotWith(({ state }) => state === 'running', 'the end of the reload');
  }
  // What was told last may be of before the reload.
  assert.equal((await server.control.request('wait', { timeout: 30_000 })).live, true);
  for (let i = 0; i < 4; i++) assert.equal((await server.ask()).body['message'], 'the end');
  t.diagnostic(`${server.snapshot.generation} generations`);
  assert.ok(server.snapshot.generation <= 6, `${server.snapshot.generation} generations for 21 saves`);
});

test('a consumer that never listens is replaced stop-first: two never run at once', async (t) => {
  const project = Project.of('consumer', t);
  const server = await project.ready(['app.mjs']);
  await server.line(/^consumer one began/);
  const report = await server.reloadBy(() => project.write('version.mjs', "export const version = 'two';\n"));
  assert.equal(report.result, 'done');
  await server.line(/^consumer two began/);
  assert.equal(server.group().order, 'stop-first');
  const order = server.lines.filter((line) => line.startsWith('consumer ')).map((line) => line.split(',')[0]);
  assert.deepEqual(order, ['consumer one began', 'consumer one finished', 'consumer two began']);
  assert.equal(
    Math.max(
      ...server.snapshots.map((snapshot) => snapshot.groups[0]?.workers.filter(({ pid }) => pid !== null).length ?? 0),
    ),
    1,
  );
});

test('a broken save that the successor of a crashed worker loads first is rejected, and nobody runs in circles', async (t) => {
  const project = Project.of('cjs', t);
  project.write('.git/HEAD', 'ref: refs/heads/main\n');
  const lock = project.path('.git/index.lock');
  // Time for the save, between the start of the successor and its first import.
  project.replace('app.cjs', /^/, 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);\n');
  const server = await project.ready(['--workers', '2', 'app.cjs']);
  const good = project.read('message.cjs');
  for (const [turn, broken] of ['process.exit(0);\n', "throw new Error('no database');\n"].entries()) {
    // Git is at work: what changes is acted on later, here when the successor has gone.
    writeFileSync(lock, '');
    const from = server.lines.length;
    const report = await server.reloadBy(async () => {
      process.kill(server.pids()[0]!, 'SIGKILL');
      await server.line(/was ended by SIGKILL, starts again/, from);
      project.write('message.cjs', broken);
      await server.line(/#\d exited with code \d.*, starts again/, from);
      rmSync(lock);
    });
    assert.equal(report.result, 'rejected');
    await server.snapshotWith(
      ({ groups: [group] }) => group?.workers.some(({ state, nextTryAt }) => state === 'backoff' && nextTryAt === null),
      'the slot to wait for the next change',
    );
    assert.equal(server.ready().length, 1);
    const healed = await server.reloadBy(() => project.write('message.cjs', good.replace('one', `${turn}`)));
    assert.equal(healed.result, 'done');
    await server.settled();
  }
});

test('the error of a build output is told at its place in the source', async (t) => {
  const project = Project.of('cjs', t);
  const build = (source: string): void => {
    project.write('src/message.ts', source);
    const compilerOptions = {
      module: ts.ModuleKind.CommonJS,
      sourceMap: true,
      sourceRoot: '../src',
      removeComments: true,
    };
    const { outputText, sourceMapText } = ts.transpileModule(source, { fileName: 'message.ts', compilerOptions });
    project.write('dist/message.js.map', sourceMapText!);
    project.write('dist/message.js', outputText);
  };
  build("export const message: string = 'one';\n");
  project.replace('app.cjs', './message.cjs', './dist/message.js');
  const server = await project.ready(['app.cjs']);
  const { result, error } = await server.reloadBy(() =>
    build("/* What\n   the output leaves out. */\nconst host: string = 'db';\nthrow new Error(`no ${host}`);\n"),
  );
  assert.equal(result, 'rejected');
  assert.deepEqual([error?.file, error?.line, error?.column], ['src/message.ts', 4, 7]);
  await server.line(/rejected: Error: no db at src\/message\.ts:4:7/);
});

test('what a rejected reload had not come to is not tried by itself: other groups, and files further on', async (t) => {
  const project = Project.of('soak', t);
  project.write(
    'app.cjs',
    "exports.server = require('node:http').createServer((_, response) => response.end()).listen(0);\n",
  );
  const server = await project.ready(['server.cjs']);
  const [jobs, web] = [server.pids('jobs'), server.pids('web')];
  const begun = (): number => server.lines.filter((line) => line.includes('→ reloading')).length;
  // jobs.cjs would lose its only worker to it.
  project.write('word.cjs', "throw new Error('no database');\n");
  for (let turn = 0; turn < 2; turn++) {
    const answer = await server.control.request('wait', { timeout: 30_000 });
    assert.ok(!answer.live);
    assert.match(answer.error.message, /no database/);
  }
  assert.equal(begun(), 1, server.facts());
  assert.deepEqual([server.pids('jobs'), server.pids('web')], [jobs, web]);
  // Both wait to act together; the second is loaded after the first, which does not work.
  await server.control.request('pause', {});
  project.write('word.cjs', "throw new Error('still no database');\n");
  project.replace('app.cjs', 'response.end()', "response.end('new')");
  await server.snapshotWith(({ pendingReload }) => pendingReload.length === 2, 'both changes');
  await server.control.request('resume', {});
  assert.equal((await server.control.request('wait', { timeout: 30_000 })).live, false);
  assert.equal(begun(), 2, server.facts());
  project.write('word.cjs', "exports.word = 'a word';\n");
  assert.equal((await server.control.request('wait', { timeout: 30_000 })).live, true);
  assert.equal(begun(), 3, server.facts());
  assert.equal((await server.ask()).text, 'new');
  await server.settled();
  assert.notDeepEqual(server.pids('jobs'), jobs);
});
