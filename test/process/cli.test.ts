/** The commands: what they print, their exit codes, and how they find the server that is meant. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { snapshotSchema, type Explanation, type ReloadReport, type Snapshot } from '../../src/protocol/status.ts';
import { cli, node, root } from './harness/paths.ts';
import { Project, type CommandResult } from './harness/project.ts';

const codeOf = ({ value }: { value: unknown }): string => (value as { error: { code: string } }).error.code;

/** One clear line that says what to do, on standard error alone. */
function assertRefusal({ code, stdout, stderr }: CommandResult, expected: number, pattern: RegExp): void {
  assert.equal(code, expected, stderr);
  assert.match(stderr, pattern);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  assert.ok(stderr.startsWith('graceful-reload: '), stderr);
  assert.equal(stdout, '');
}

test('--version and --help', async (t) => {
  const project = Project.of('cjs', t);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  assert.deepEqual(await project.run(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
  for (const args of [['--help'], ['-h'], ['start', '--help'], ['status', '--help'], ['stop', '-h']]) {
    const { code, stdout } = await project.run(args);
    assert.equal(code, 0);
    for (const word of ['start', 'status', 'reload', 'restart', 'explain', 'stop', '--workers', '--drain-timeout'])
      assert.ok(stdout.includes(word), word);
  }
});

test('wrong usage exits 2 and names what was probably meant', async (t) => {
  const project = Project.of('cjs', t);
  assertRefusal(await project.run(['statsu']), 2, /Unknown command "statsu"\. Did you mean "status"\?/);
  for (const file of ['app.cjs', './gone.js'])
    assertRefusal(await project.run([file, '--x']), 2, new RegExp(`Did you mean: graceful-reload start ${file} --x`));
  assertRefusal(
    await project.run(['start', '--worker', '2', 'app.cjs']),
    2,
    /Unknown option --worker\. Did you mean --workers\?/,
  );
  const which = await project.run(['start']);
  assert.equal(which.code, 2);
  assert.match(which.stderr, /^graceful-reload: Which file\? .*:\n {2}graceful-reload start app\.cjs\n$/);
  assertRefusal(await project.run(['start', '--workers', '0', 'app.cjs']), 2, /--workers is a whole number from 1/);
  assertRefusal(
    await project.run(['start', '--order', 'random', 'app.cjs']),
    2,
    /--order is one of auto, start-first, stop-first/,
  );
  assertRefusal(await project.run(['start', '--drain-timeout', 'soon', 'app.cjs']), 2, /--drain-timeout is a duration/);
  assertRefusal(await project.run(['start', '--watch', '--no-watch', 'app.cjs']), 2, /contradict/);
  assertRefusal(await project.run(['reload', '--slt', '1']), 2, /Unknown option --slt\. Did you mean --slot\?/);
  assertRefusal(await project.run(['reload', 'extra']), 2, /Unexpected argument "extra"/);
  assertRefusal(await project.run(['explain']), 2, /Which file\?/);
  assertRefusal(await project.run(['wait', '--timeout', '-1']), 2, /--timeout is a duration .*, not "-1"/);
  assertRefusal(await project.run(['wait', '--timeout']), 2, /--timeout needs a value/);
  assertRefusal(await project.run(['logs', '--group', '--follow']), 2, /--group needs a value/);
  assertRefusal(await project.run(['logs', '-1']), 2, /Unknown option -1/);
  const usage = await project.json(['reload', '--slot', 'x']);
  assert.equal(usage.code, 2);
  assert.equal(codeOf(usage), 'usage');
});

test('without a server every command exits 3 and says how to start one', async (t) => {
  const project = Project.of('cjs', t);
  for (const args of [['status'], ['reload'], ['restart'], ['explain', 'app.cjs'], ['stop']]) {
    assertRefusal(await project.run(args), 3, /No server is running for .*graceful-reload start/);
    const { code, value } = await project.json(args);
    assert.equal(code, 3);
    assert.equal(codeOf({ value }), 'no-server');
  }
  assert.deepEqual(await project.json(['status', '--all']), { code: 0, value: [] });
  assert.equal(codeOf(await project.json(['status', '--server', 'nobody'])), 'no-server');
});

test('status in all its forms', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--workers', '2', '--name', 'first', 'app.cjs']);
  const { code, value } = await project.json(['status']);
  assert.equal(code, 0);
  const status = snapshotSchema.parse(value);
  assert.equal(status.name, 'first');
  assert.equal(status.pid, server.pid);
  assert.equal(status.cwd, project.folder);
  assert.equal(status.script, 'app.cjs');
  assert.equal(status.state, 'running');
  assert.deepEqual(
    status.groups[0]?.workers.map(({ slot, state, generation }) => ({ slot, state, generation })),
    [
      { slot: 1, state: 'ready', generation: 1 },
      { slot: 2, state: 'ready', generation: 1 },
    ],
  );
  const { stdout } = await project.run(['status']);
  assert.match(stdout, /^first {2}running {2}generation 1 {2}:\d+ {2}pid \d+/);
  assert.match(stdout, /#2 {2}ready +g1/);

  // --follow: the present state at once, then one document a line for each change, until the server ends.
  const follower = spawn(node, [cli, 'status', '--follow', '--json'], {
    cwd: project.folder,
    env: project.environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(follower, 'exit');
  const states: Snapshot['state'][] = [];
  const follow = (async (): Promise<void> => {
    for await (const line of createInterface({ input: follower.stdout })) {
      const { state } = snapshotSchema.parse(JSON.parse(line));
      if (states.length === 0) await project.run(['reload']);
      if (states.at(-1) !== state) states.push(state);
      if (states.join() === 'running,reloading,running') await project.run(['stop']);
    }
  })();
  await follow;
  assert.deepEqual(await exit, [0, null]);
  assert.deepEqual(states.slice(0, 3), ['running', 'reloading', 'running']);
  assert.equal(await server.exit, 0);
});

test('several servers: the nearest one above, --server picks, else the choice is not made', async (t) => {
  const project = Project.of('cjs', t);
  project.write('sub/below.cjs', "require('../app.cjs');\n");
  project.write('sub/deep/nothing.txt', '');
  const above = await project.ready(['--name', 'above', 'app.cjs']);
  const below = await project.ready(['--name', 'below', 'below.cjs'], { cwd: 'sub' });
  const pidOf = async (args: readonly string[], cwd: string): Promise<number> =>
    ((await project.json(args, { cwd })).value as Snapshot).pid;
  assert.equal(await pidOf(['status'], ''), above.pid);
  assert.equal(await pidOf(['status'], 'sub'), below.pid);
  assert.equal(await pidOf(['status'], 'sub/deep'), below.pid);
  assert.equal(await pidOf(['status', '--server', 'above'], 'sub'), above.pid);
  assert.equal(await pidOf(['status', '--server', String(below.pid)], ''), below.pid);
  const all = (await project.json(['status', '--all'])).value as Snapshot[];
  assert.deepEqual(
    all.map(({ name }) => name),
    ['above', 'below'],
  );

  const second = await project.ready(['--name', 'second', 'app.cjs']);
  const ambiguous = await project.json(['status']);
  assert.equal(ambiguous.code, 1);
  assert.equal(codeOf(ambiguous), 'ambiguous');
  assertRefusal(await project.run(['stop']), 1, /Several servers run here: above .*second .*--server/);
  assert.equal((await project.run(['stop', '--server', 'second'])).code, 0);
  assert.equal(await second.exit, 0);
  await above.stop();
  assert.equal(await pidOf(['status'], ''), below.pid, 'the only one started below');
});

test('reload and restart: by group, by slot, and what cannot be', async (t) => {
  const project = Project.of('groups', t);
  const server = await project.ready(['server.js']);
  const web = server.pids('web');
  const admin = server.pids('admin');
  const { code, value } = await project.json(['reload', '--group', 'web', '--slot', '1']);
  const report = value as ReloadReport;
  assert.equal(code, 0);
  assert.deepEqual([report.result, report.replaced, report.groups], ['done', 1, ['web']]);
  await server.settled();
  assert.notEqual(server.pids('web')[0], web[0]);
  assert.equal(server.pids('web')[1], web[1]);
  assert.deepEqual(server.pids('admin'), admin);

  const all = await project.json(['reload']);
  assert.deepEqual([...(all.value as ReloadReport).groups].sort(), ['admin', 'web'], 'all that reload');
  const { stdout } = await project.run(['reload', '--group', 'admin']);
  assert.match(stdout, /done/);

  assertRefusal(await project.run(['reload', '--slot', '1']), 2, /--slot needs --group.*web, admin, gateway/);
  assertRefusal(
    await project.run(['reload', '--group', 'wob']),
    2,
    /There is no group "wob"\. Groups: web, admin, gateway/,
  );
  assertRefusal(await project.run(['reload', '--group', 'web', '--slot', '9']), 2, /There is no slot 9: web has 2/);
  assertRefusal(
    await project.run(['reload', '--group', 'gateway']),
    1,
    /gateway is not reloadable: restart the server/,
  );
  assert.equal(codeOf(await project.json(['reload', '--group', 'gateway'])), 'not-reloadable');

  const gateway = server.pids('gateway');
  const restarted = await project.json(['restart']);
  assert.equal(restarted.code, 0);
  assert.equal((restarted.value as ReloadReport).replaced, 4);
  await server.settled();
  assert.notDeepEqual(server.pids('gateway'), gateway);
  const stopped = await project.json(['stop']);
  assert.equal(stopped.code, 0);
  assert.deepEqual(stopped.value, { stopped: 4, forcedKills: 0 });
  assert.equal(await server.exit, 0);
});

test('options before the file are ours or of Node, what follows is of the program', async (t) => {
  const project = Project.of('view', t);
  project.write('preloaded.cjs', 'globalThis.preloaded = true;\n');
  const server = await project.ready([
    '--no-watch',
    '--name=eq',
    '--require',
    './preloaded.cjs',
    '--max-old-space-size=200',
    'app.cjs',
    '--name',
    'other',
    '--json',
    '-x',
  ]);
  const { argv, execArgv } = (await server.ask()).body as { argv: string[]; execArgv: string[] };
  assert.deepEqual(argv.slice(2), ['--name', 'other', '--json', '-x']);
  assert.ok(execArgv.includes('--max-old-space-size=200'), execArgv.join(' '));
  assert.ok(execArgv.includes('./preloaded.cjs'), execArgv.join(' '));
  assert.equal(server.snapshot.name, 'eq');
  await server.stop();

  // A bare --watch is what every start does; a file behind -- may look like an option.
  project.write('-x.cjs', "require('./app.cjs');\n");
  const dashed = await project.ready(['--watch', '--workers', 'max', '--prefix', 'always', '--', '-x.cjs', 'one']);
  assert.equal(dashed.ready().length, availableParallelism());
  assert.deepEqual(((await dashed.ask()).body as { argv: string[] }).argv.slice(2), ['one']);
});

test('--command is read like a script: its variables, flags, env file, ignored files and what is piped', async (t) => {
  const project = Project.of('view', t);
  project.write('preloaded.cjs', 'globalThis.preloaded = true;\n');
  project.write('.env', 'FROM_FILE=file\n');
  project.write('data/seen.txt', 'one');
  project.write(
    'src/app.cjs',
    "require('node:fs').readFileSync('data/seen.txt');\nconsole.log(`said ${process.env.SAID}`);\nrequire('../app.cjs');\n",
  );
  const command =
    'cross-env SAID=here nodemon --ignore data/ --require ./preloaded.cjs --env-file=.env src/app.cjs -- --port 0 | pino-pretty';
  const server = await project.ready(['--command', command, '--workers', '2']);
  assert.match(server.lines.join('\n'), /^graceful-reload {2}command ".*": node .*src\/app\.cjs/m);
  assert.equal(server.group().entry, 'src/app.cjs');
  assert.equal(server.ready().length, 2);
  assert.match(server.lines.join('\n'), /said here$/m);
  const { argv, execArgv, fromEnvFile } = (await server.ask()).body as {
    argv: string[];
    execArgv: string[];
    fromEnvFile: string;
  };
  assert.deepEqual([argv.slice(2), fromEnvFile], [['--port', '0'], 'file']);
  assert.ok(execArgv.includes('./preloaded.cjs'), execArgv.join(' '));
  const { value } = await project.json(['explain', 'data/seen.txt']);
  assert.equal((value as Explanation).verdict, 'none');
  const report = await server.reloadBy(() => project.write('app.cjs', `${project.read('app.cjs')}\n`));
  assert.deepEqual([report.result, report.replaced], ['done', 2]);
});

test('env files: the environment wins, a later file wins, a missing one is an error', async (t) => {
  const project = Project.of('view', t);
  project.write('a.env', 'FROM_FILE=a\n');
  project.write('b.env', 'FROM_FILE=b\n');
  const server = await project.ready([
    '--env-file',
    'a.env',
    '--env-file=b.env',
    '--env-file-if-exists',
    'c.env',
    'app.cjs',
  ]);
  assert.equal((await server.ask()).body['fromEnvFile'], 'b');
  await server.stop();
  const outer = await project.ready(['--env-file', 'a.env', 'app.cjs'], { env: { FROM_FILE: 'outside' } });
  assert.equal((await outer.ask()).body['fromEnvFile'], 'outside');
  await outer.stop();
  const missing = await project.run(['start', '--env-file', 'missing.env', 'app.cjs']);
  assertRefusal(missing, 2, /The env file \S+\/missing\.env is not there\. Create it, or say --env-file-if-exists/);
  project.write('missing.env.sample', '');
  const fresh = await project.run(['start', '--env-file', 'missing.env', 'app.cjs']);
  assertRefusal(fresh, 2, /is not there\. Create it from missing\.env\.sample, which lies beside it, or say/);
});

test('the name of the worker stands before its lines: always, never, or when there are several', async (t) => {
  const project = Project.of('consumer', t);
  for (const [args, line] of [
    [['--prefix', 'always'], /^main#1 \| consumer one began/],
    [['--prefix', 'never', '--workers', '2'], /^consumer one began/],
    [['--workers', '2'], /^main#2 \| consumer one began/],
    [[], /^consumer one began/],
  ] as const) {
    const server = await project.ready([...args, 'app.mjs']);
    await server.line(line);
    await server.stop();
  }
});

test('--no-watch: saves do nothing, commands do', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--no-watch', 'app.cjs']);
  project.write('message.cjs', "exports.message = 'two';\n");
  assert.equal((await server.ask()).body['message'], 'one');
  const { stdout } = await project.run(['explain', 'message.cjs']);
  assert.match(
    stdout,
    /main loaded it\. The file system is not watched \(--no-watch\): saves in a connected editor act/,
  );
  const { code, value } = await project.json(['reload']);
  assert.equal(code, 0);
  assert.equal((value as ReloadReport).id, 1, 'the first one since the start');
  assert.equal((await server.ask()).body['message'], 'two');
});

test('a start that cannot be is refused with its own code', async (t) => {
  const project = Project.of('cjs', t);
  const system = '/usr/bin/node';
  const { stdout: version } = spawnSync(system, ['-p', 'process.versions.node'], { encoding: 'utf8' });
  await t.test(
    'Node is too old',
    { skip: Number((version ?? '').split('.')[0]) < 22 ? false : 'no old Node on this machine' },
    async () => {
      // Both as the Node that runs the master and as the one asked for.
      assertRefusal(
        await project.run(['start', 'app.cjs'], { node: system }),
        1,
        /Node 20\.\d+\.\d+ \(\/usr\/bin\/node\) is too old.*22\.15\+.*--node/,
      );
      assertRefusal(await project.run(['start', '--node', system, 'app.cjs']), 1, /is too old/);
    },
  );
  assertRefusal(
    await project.run(['start', '--node', '/no/such/node', 'app.cjs']),
    2,
    /\/no\/such\/node cannot be run as Node/,
  );

  const other = createServer().listen(0);
  t.after(() => other.close());
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  assertRefusalAfterStart(
    await project.run(['start', 'app.cjs'], { env: { PORT: String(port) } }),
    1,
    /EADDRINUSE.*Port \d+ is taken by .*Stop it, or choose another port/,
  );

  const server = await project.ready(['app.cjs']);
  assertRefusal(
    await project.run(['start', 'app.cjs']),
    1,
    new RegExp(`cjs-app is running already \\(pid ${server.pid}\\)`),
  );
  assert.equal((await server.ask()).status, 200, 'the one that runs does not care');
});

/** The same, where the start has already said that it starts. */
function assertRefusalAfterStart({ code, stderr }: CommandResult, expected: number, pattern: RegExp): void {
  assert.equal(code, expected, stderr);
  const own = stderr.split('\n').filter((line) => line.startsWith('graceful-reload: '));
  assert.equal(own.length, 1, stderr);
  assert.match(own[0] ?? '', pattern);
}
