/** Bad input of a start: one clear error, the right exit code, nothing left running. And starts that wait for a better save. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { START_REPORT_VARIABLE, startReportSchema, type StartReport } from '../../src/protocol/startReport.ts';
import { allGone } from './harness/processes.ts';
import { Project } from './harness/project.ts';

/** Ends by itself with this code, one line of ours on standard error, the same as data, no process and no registry entry left. */
async function refused(
  project: Project,
  args: readonly string[],
  code: number,
  pattern: RegExp,
  env: NodeJS.ProcessEnv = {},
): Promise<StartReport> {
  const path = project.path('told/start.json');
  const result = await project.run(['start', ...args], { env: { ...env, [START_REPORT_VARIABLE]: path } });
  const own = result.stderr.split('\n').filter((line) => line.startsWith('graceful-reload: '));
  const what = `${args.join(' ')}\n${result.stdout}${result.stderr}`;
  assert.equal(result.code, code, what);
  assert.equal(own.length, 1, what);
  assert.match(own[0] ?? '', pattern);
  assert.doesNotMatch(own[0] ?? '', /internal error/);
  await allGone(project.mark);
  const entries = ((): string[] => {
    try {
      return readdirSync(project.runtimeFolder);
    } catch {
      return [];
    }
  })();
  assert.deepEqual(entries, []);
  const report = startReportSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  assert.equal(own[0], `graceful-reload: ${report.message.split('\n')[0]}`);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(report.cwd, project.folder);
  return report;
}

const placeOf = ({ file, line, column }: StartReport): string =>
  [file, line, column].filter((part) => part !== null).join(':');

test('a file that cannot be run', async (t) => {
  const project = Project.of('cjs', t);
  const report = await refused(project, ['absent.js'], 2, /There is no file .*absent\.js/);
  assert.deepEqual([report.code, report.script, placeOf(report)], ['usage', null, project.path('absent.js')]);
  await refused(project, ['.'], 2, /is not a file/);
  project.write('secret.cjs', 'setInterval(() => {}, 1000);\n');
  chmodSync(project.path('secret.cjs'), 0);
  if (process.getuid?.() !== 0) await refused(project, ['secret.cjs'], 2, /cannot be read/);
});

test('a bootstrap script that is no good', async (t) => {
  const project = Project.of('groups', t);
  const script = (definition: string, before = ''): void =>
    project.write(
      'boot.js',
      `import { defineServer } from 'graceful-reload';\n${before}\nexport default defineServer(${definition});\n`,
    );
  const good = "{ groups: { web: { entry: './src/web.js' } } }";

  script(good, "throw new Error('no licence');");
  assert.equal(
    placeOf(await refused(project, ['boot.js'], 1, /boot\.js cannot be evaluated: Error: no licence at boot\.js:2:7/)),
    'boot.js:2:7',
  );
  script(good, 'const = 1;');
  assert.equal(
    placeOf(await refused(project, ['boot.js'], 1, /boot\.js cannot be evaluated: SyntaxError: .* at boot\.js:2/)),
    'boot.js:2:7',
  );
  script(good, "import './src/absent.js';");
  assert.equal(
    placeOf(await refused(project, ['boot.js'], 1, /boot\.js cannot be evaluated: .*absent\.js.* at boot\.js:2/)),
    'boot.js:2:1',
  );
  script("{ groups: { web: { entry: './src/web.js', workers: 'two' } } }");
  assert.equal(
    placeOf(await refused(project, ['boot.js'], 1, /boot\.js: groups\.web\.workers/)),
    `${project.path('boot.js')}:3:71`,
  );
  script("{ groups: { web: { entry: './src/web.js', wrokers: 2 } } }");
  assert.equal(
    placeOf(await refused(project, ['boot.js'], 1, /boot\.js: .*groups\.web.*wrokers/)),
    `${project.path('boot.js')}:3:71`,
  );
  script("{ groups: { web: { entry: './src/absent.js' } } }");
  assert.equal(
    placeOf(await refused(project, ['boot.js'], 1, /boot\.js: groups\.web\.entry: there is no file .*src\/absent\.js/)),
    `${project.path('boot.js')}:3:48`,
  );
  script("{ groups: { web: { entry: './src/web.js', order: 'random' } } }");
  await refused(project, ['boot.js'], 1, /boot\.js: groups\.web\.order.*start-first/);
  script("{ grups: {}, groups: { web: { entry: './src/web.js' } } }");
  await refused(project, ['boot.js'], 1, /boot\.js: .*grups/);
  script(good);
  await refused(
    project,
    ['--workers', '2', 'boot.js'],
    2,
    /--workers is for programs without a bootstrap script\. Set groups\.<name>\.workers in boot\.js/,
  );
  await refused(project, ['--order', 'stop-first', 'boot.js'], 2, /groups\.<name>\.order/);
  await refused(project, ['--no-warnings', 'boot.js'], 2, /--no-warnings .*groups\.<name>\.nodeArgs/);
});

test('an ill-typed definition is told, not run as a program', async (t) => {
  const project = Project.of('cjs', t);
  for (const [groups, wanted] of [
    ['{ web: { workers: 2 } }', /groups\.web\.entry/],
    ["{ web: './app.cjs' }", /groups\.web/],
    ["['./app.cjs']", /groups/],
  ] as const) {
    project.write('server.cjs', `module.exports = { groups: ${groups} };\n`);
    const { code, stderr } = await project.run(['start', 'server.cjs']);
    assert.equal(code, 1, groups);
    assert.match(stderr, wanted);
  }
});

test('a program that listens, or runs on, may export groups of its own', async (t) => {
  const project = Project.of('cjs', t);
  project.write('server.cjs', `${project.read('app.cjs')}\nmodule.exports = { groups: ['admins'] };\n`);
  const server = await project.ready(['server.cjs']);
  assert.equal(server.snapshot.bootstrap, false);
  assert.equal((await server.ask()).status, 200);
  project.write('later.cjs', "setInterval(() => {}, 1000);\nmodule.exports = { groups: ['admins'] };\n");
  const later = await project.ready(['later.cjs']);
  assert.equal(later.snapshot.bootstrap, false);
});

test('wrong options are told before anything runs', async (t) => {
  const project = Project.of('cjs', t);
  project.write('env.sh', 'exit 0\n');
  for (const [args, wanted] of [
    [['--import', './missing.js', 'app.cjs'], /--import .\/missing.js: there is no file/],
    [['--require', './missing.cjs', 'app.cjs'], /--require .\/missing.cjs: there is no file/],
    [['--loader', './missing.mjs', 'app.cjs'], /--loader .\/missing.mjs: there is no file/],
    [['--experimental-loader=./missing.mjs', 'app.cjs'], /--experimental-loader .\/missing.mjs: there is no file/],
    [['--node', 'no-such-node', 'app.cjs'], /no-such-node cannot be run as Node: there is no such program/],
    [['--node', '/bin/echo', 'app.cjs'], /\/bin\/echo is a program, but not Node/],
    [['--name', '4711', 'app.cjs'], /--name must be letters, .* no mere number.*, not "4711"/],
    [['--name', 'a\u001b[2J', 'app.cjs'], /--name must be letters/],
    [['--workers', '-1', 'app.cjs'], /--workers is a whole number from 1 to 1024 or "max", not "-1"/],
    [['--workers', 'app.cjs'], /--workers is a whole number .* not "app.cjs"/],
    [['env.sh'], /is not a program that Node runs/],
  ] as const) {
    const { code, stderr } = await project.run(['start', ...args]);
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, wanted);
  }
});

test('a start in the wrong place, or of what is not there, says what is wrong and what to do', async (t) => {
  const project = Project.of('cjs', t);
  const manifest = project.read('package.json');
  const script = (dev: string): string => JSON.stringify({ scripts: { dev } });
  project.write('lib/plain.js', '\n');
  for (const [text, args, code, wanted] of [
    [manifest, ['lib'], 2, /lib is not a file but a folder\. .*graceful-reload start without one in that folder/],
    [undefined, [], 2, /Which file\? There is no package\.json here\. Name it:/],
    [
      '{ "name": "shop" "main": "app.cjs" }',
      [],
      2,
      /Which file\? The package\.json here does not parse as JSON\. Name it:/,
    ],
    [script('node gone.js'), [], 2, /The script "dev" runs gone\.js, which is not there/],
    [script('nodmon app.cjs'), [], 2, /what "nodmon" runs is not known/],
    [script('npm run deev'), [], 2, /there is no script "deev"/],
    [script('vite'), [], 2, /runs vite, which reloads by itself/],
    [manifest, ['--command', 'tsx watch'], 2, /The command "tsx watch" does not tell which file .* it names no file/],
    [manifest, ['--build', 'tcs --watch', 'dist/app.js'], 1, /"tcs --watch" ended with code 127 .*installed\?/],
  ] as const) {
    if (text === undefined) project.remove('package.json');
    else project.write('package.json', text);
    await refused(project, args, code, wanted);
  }
});

test('a package.json that does not parse is told at its place, at a start and in a reload', async (t) => {
  const project = Project.of('cjs', t);
  const good = project.read('package.json');
  const broken = `{\n  "name": "shop",\n}\n`;
  project.write('package.json', broken);
  const server = await project.start(['app.cjs']);
  await server.line(/failed: .*Invalid package config .* at package\.json:3:1\. The next save starts it\.$/);
  project.write('package.json', good);
  await server.settled();
  assert.equal((await server.ask()).status, 200);
  const { result, error } = await server.reloadBy(() => project.write('package.json', broken));
  assert.deepEqual([result, error?.file, error?.line], ['rejected', 'package.json', 3], JSON.stringify(error));
  assert.equal((await server.ask()).status, 200);
  assert.equal((await server.reloadBy(() => project.write('package.json', `${good}\n`))).result, 'done');
});

test('flags that Node refuses end the start: no save can mend them', async (t) => {
  const project = Project.of('cjs', t);
  const report = await refused(
    project,
    ['--input-type=odd', 'app.cjs'],
    2,
    /Node refuses its flags: --input-type must/,
  );
  assert.equal(report.code, 'usage');
  project.write('boot.cjs', "module.exports = { groups: { web: { entry: './app.cjs', nodeArgs: ['--no-such'] } } };\n");
  await refused(project, ['boot.cjs'], 1, /Node refuses its flags: bad option: --no-such/);
});

test('a runtime folder that others may enter is refused with what to do', async (t) => {
  const project = Project.of('cjs', t);
  mkdirSync(project.runtimeFolder, { recursive: true, mode: 0o755 });
  for (const args of [['start', 'app.cjs'], ['status']]) {
    const { code, stderr } = await project.run(args);
    assert.equal(code, 1);
    assert.match(stderr, /chmod 700/);
  }
});

test('a taken port names who holds it', async (t) => {
  const project = Project.of('cjs', t);
  const other = createServer().listen(0);
  t.after(() => other.close());
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const env = { PORT: String(port) };
  // This process, which the system names by its program.
  const holder = new RegExp(
    `EADDRINUSE.*Port ${port} is taken by node\\d* \\(pid ${process.pid}, ${process.cwd()}: .*\\)\\. Stop it, or choose another port\\.`,
  );
  await refused(project, ['app.cjs'], 1, holder, env);
  await refused(project, ['--workers', '2', '--no-watch', 'app.cjs'], 1, holder, { ...env, HOST: '127.0.0.1' });
  project.write('boot.cjs', "module.exports = { groups: { web: { entry: './app.cjs', workers: 2 } } };\n");
  const report = await refused(project, ['boot.cjs'], 1, holder, env);
  assert.equal(report.code, 'port-taken');
  assert.match(placeOf(report), /^app\.cjs:\d+:\d+$/);
  // Many programs tell of it themselves.
  project.write('own.cjs', `require('node:net').createServer().on('error', () => process.exit(4)).listen(${port});\n`);
  assert.equal((await refused(project, ['own.cjs'], 1, holder)).code, 'port-taken');
});

test('a port that a reload wants and another server holds: rejected, with its name and how to stop it', async (t) => {
  const project = Project.of('cjs', t);
  const other = await project.ready(['--name', 'other', 'app.cjs']);
  const server = await project.ready(['--name', 'this', 'app.cjs']);
  const { result, error } = await server.reloadBy(() =>
    project.write(
      'message.cjs',
      `require('node:http').createServer().listen(${other.port()});\nexports.message = 'two';\n`,
    ),
  );
  assert.equal(result, 'rejected');
  assert.match(
    error?.message ?? '',
    new RegExp(`Port ${other.port()} is taken by the server "other" of Graceful Reload`),
  );
  assert.match(error?.message ?? '', new RegExp(`Stop it with: graceful-reload stop --server ${other.pid}$`));
  assert.equal(error?.file, 'message.cjs');
  assert.equal((await server.ask()).body['message'], 'one');
  assert.equal((await project.run(['stop', '--server', String(other.pid)])).code, 0);
});

test('worker code that fails: the server waits for the next save', async (t) => {
  const project = Project.of('cjs', t);
  project.write('message.cjs', "\nthrow new Error('no database');\n");
  const server = await project.start(['--workers', '2', 'app.cjs']);
  await server.line(/failed: .*no database at message\.cjs:2:7\. The next save starts it\.$/);
  await server.snapshotWith(({ state }) => state === 'failed', 'the failed state');
  assert.equal(server.snapshot.error?.file, 'message.cjs');
  assert.equal(server.snapshot.generation, 0);
  const { code, stdout } = await project.run(['status']);
  assert.equal(code, 0);
  assert.match(stdout, /failed/);
  assert.match(stdout, /no database/);
  project.write('message.cjs', "exports.message = 'healed';\n");
  await server.settled();
  assert.equal((await server.ask()).body['message'], 'healed');
  assert.equal(server.ready().length, 2);
  assert.equal(server.snapshot.error, null);
});

test('the same with an import that is missing, in a program and behind a bootstrap script', async (t) => {
  const project = Project.of('groups', t);
  project.write('src/page.js', "import './absent.js';\nexport const page = 'web';\n");
  for (const args of [['src/web.js'], ['server.js']]) {
    const server = await project.start(args);
    await server.line(/failed: .*absent\.js.* at src\/page\.js:1/);
    project.write('src/absent.js', 'export {};\n');
    await server.settled();
    assert.equal((await server.ask()).body['text'], 'shared: web');
    await server.stop();
    project.remove('src/absent.js');
  }
});

test('a package that is not installed is waited for: at the first start, and where it went while the server runs', async (t) => {
  const project = Project.of('cjs', t);
  // As a package manager does, which ends with its notes; the second time these are what they were.
  const install = (): void => {
    project.write('node_modules/@our/dep/index.js', "module.exports = 'one';\n");
    project.write('node_modules/@our/dep/package.json', '{"name":"@our/dep","version":"1.0.0"}');
    project.write('node_modules/.package-lock.json', '{}');
  };
  project.write('message.cjs', "exports.message = require('@our/dep');\n");
  const server = await project.start(['app.cjs']);
  const failed = await server.snapshotWith(({ state }) => state === 'failed', 'a failed start');
  assert.match(failed.error?.message ?? '', /Cannot find module '@our\/dep'/);
  install();
  await server.settled();
  assert.equal((await server.ask()).body['message'], 'one');

  const rejected = await server.reloadBy(() => {
    rmSync(project.path('node_modules/@our'), { recursive: true });
    project.write('message.cjs', "exports.message = `${require('@our/dep')} two`;\n");
  });
  assert.equal(rejected.result, 'rejected');
  assert.equal((await server.ask()).body['message'], 'one');
  install();
  await server.snapshotWith(
    ({ lastReload }) => lastReload?.result === 'done' && lastReload.id > rejected.id,
    'a reload once it is installed',
  );
  assert.equal((await server.ask()).body['message'], 'one two');
});

test('with --no-watch there is no next save: it exits 1', async (t) => {
  const project = Project.of('cjs', t);
  project.write('message.cjs', "throw new Error('no database');\n");
  await refused(project, ['--no-watch', 'app.cjs'], 1, /no database at message\.cjs:1:7/);
  project.write('boot.cjs', "module.exports = { groups: { web: { entry: './app.cjs', workers: 2 } } };\n");
  await refused(project, ['--no-watch', 'boot.cjs'], 1, /no database at message\.cjs:1:7/);
});

test('a program that ends by itself is stopped, and starts again with the next change', async (t) => {
  const project = Project.of('cjs', t);
  project.write('job.cjs', "console.log('the job ran');\n");
  const server = await project.start(['job.cjs']);
  await server.snapshotWith(
    ({ state, groups }) => state === 'stopped' && groups[0]?.workers[0]?.state === 'stopped',
    'the stopped state',
  );
  project.write('job.cjs', "console.log('the job ran again');\n");
  await server.line(/the job ran again/);
});

test('what a program wrote before its first start failed is shown, with the stack', async (t) => {
  const project = Project.of('cjs', t);
  project.write(
    'talks.cjs',
    "console.log('said one thing');\nconsole.error('and another');\nthrow new Error('boom');\n",
  );
  const server = await project.start(['talks.cjs']);
  await server.line(/failed: Error: boom at talks\.cjs:3/);
  await server.line(/said one thing$/);
  await server.line(/and another$/);
  await server.line(/at .*talks\.cjs:3/);
});

test("the file for the report is the master's alone, and only failed starts write it", async (t) => {
  const project = Project.of('view', t);
  const path = project.path('start.json');
  writeFileSync(path, 'of an earlier start');
  const server = await project.ready(['app.cjs'], { env: { [START_REPORT_VARIABLE]: path } });
  const { added } = (await server.ask()).body as { added: Record<string, string> };
  assert.ok(!(START_REPORT_VARIABLE in added), Object.keys(added).join());
  assert.equal(await server.stop(), 0);
  assert.equal(existsSync(path), false);
});
