/** The task that started the server, edited while it runs: what differs is flagged, and a restart applies it without downtime. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { NeedsRestart } from '../../src/protocol/status.ts';
import {
  TASK_ENV_VARIABLE,
  TASK_NODE_VARIABLE,
  TASK_SPARES_VARIABLE,
  TASK_VARIABLE,
  type TaskOptions,
} from '../../src/protocol/taskStart.ts';
import { startClients } from './clients/strictClients.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

const APP = `
const { createServer } = require('node:http');
const { MODE, LEVEL, FROM_FILE } = process.env;
const leaked = Object.keys(process.env).filter((name) => name.startsWith('GRACEFUL_RELOAD_TASK'));
const facts = { mode: MODE, level: LEVEL, fromFile: FROM_FILE, argv: process.argv.slice(2), execArgv: process.execArgv, leaked };
createServer((request, response) => response.end(JSON.stringify(facts))).listen(0);
`;

interface Running {
  readonly project: Project;
  readonly server: Server;
  /** The task as it was started, but for this. */
  readonly task: (part?: Partial<TaskOptions>) => TaskOptions;
  readonly flag: (names: string) => Promise<NeedsRestart>;
  readonly noFlag: () => Promise<unknown>;
}

/** As the editor starts it. */
async function running(t: TestContext, file = 'app.cjs'): Promise<Running> {
  const project = Project.of('strict', t);
  project.write('.vscode/tasks.json', '{}\n');
  project.write('says.cjs', APP);
  project.write('vars.env', 'FROM_FILE=one\n');
  const words = ['start', '--workers', '2', file];
  const server = await project.ready(words.slice(1), {
    env: {
      MODE: 'dev',
      LEVEL: '1',
      [TASK_VARIABLE]: 'serve',
      [TASK_NODE_VARIABLE]: '',
      [TASK_ENV_VARIABLE]: 'MODE,LEVEL',
    },
  });
  const namesOf = ({ options }: NeedsRestart): string => options.map(({ name }) => name).join(' ');
  return {
    project,
    server,
    task: (part = {}) => ({
      ...{ file: project.path('.vscode/tasks.json'), cwd: project.folder, args: words, lines: { '': 3, workers: 6 } },
      env: { MODE: 'dev', LEVEL: '1' },
      ...part,
    }),
    flag: async (names) => {
      const isIt = (one: NeedsRestart): boolean => one.reason === 'options' && namesOf(one) === names;
      const { needsRestart } = await server.snapshotWith((now) => now.needsRestart.some(isIt), `the flag of ${names}`);
      return needsRestart.find(isIt)!;
    },
    noFlag: () => server.snapshotWith(({ needsRestart }) => needsRestart.length === 0, 'no flag'),
  };
}

const withWords = (...args: string[]): Partial<TaskOptions> => ({ args: ['start', ...args] });

test('an edit of the task is flagged until it is undone', async (t) => {
  const { project, server, task, flag, noFlag } = await running(t);
  assert.equal(server.snapshot.task, 'serve');
  const tell = async (options: TaskOptions) => (await server.control.request('taskOptions', options)).changed;
  assert.deepEqual(await tell(task()), []);
  assert.deepEqual(server.snapshot.needsRestart, []);

  assert.deepEqual(await tell(task(withWords('--workers', '3', 'app.cjs'))), [
    { name: 'workers', takes: 'restart', line: 6 },
  ]);
  const first = await flag('workers');
  assert.deepEqual([first.file, first.chain, first.changed], ['.vscode/tasks.json', ['.vscode/tasks.json'], null]);
  await server.line(/\.vscode\/tasks\.json changed: needs a restart \(workers\)/);
  assert.match((await project.run(['status'])).stdout, /needs restart: \.vscode\/tasks\.json {2}\(workers\)/);

  const pids = server.pids();
  await tell(task({ ...withWords('--workers', '3', '--drain-timeout', '2s', 'app.cjs'), env: { MODE: 'test' } }));
  const second = await flag('workers drainTimeout env');
  assert.equal(second.since, first.since, 'one series of edits');
  assert.notEqual(second.digest, first.digest);
  assert.deepEqual(
    second.options.map(({ line }) => line),
    [6, 3, 3],
    'what has no line of its own stands with the task',
  );

  // What a setting says stands with the setting.
  const elsewhere = { exclude: { file: project.path('.vscode/settings.json'), line: 2 } };
  await tell(task({ ...withWords('--workers', '3', '--exclude', 'logs/**', 'app.cjs'), elsewhere }));
  await flag('workers');
  const third = await flag('exclude');
  assert.deepEqual([third.file, third.options[0]?.line], ['.vscode/settings.json', 2]);

  await tell(task());
  await noFlag();
  assert.deepEqual(server.pids(), pids, 'nothing was touched');
});

test('a restart applies the task under strict clients: the count, the arguments, the environment; the master stays', async (t) => {
  const { server, task, flag, noFlag } = await running(t);
  const clients = startClients({ host: '127.0.0.1', port: server.port() }, 1);
  t.after(() => clients.stop());
  await clients.answered(1);
  const wanted = task(withWords('--workers', '3', '--env-file', 'vars.env', '--no-warnings', 'app.cjs', 'more'));
  await server.control.request('taskOptions', wanted);
  await flag('workers envFile nodeArgs args');
  // From a shell, which knows nothing of the task.
  const report = await server.control.request('restart', {});
  assert.deepEqual([report.result, report.forcedKills, report.forcedConnections], ['done', 0, 0]);
  await noFlag();
  await server.settled();
  assert.equal(server.ready().length, 3);
  assert.equal(server.snapshot.pid, server.pid, 'the master stays');
  // The editor sends what it knows along.
  const back = await server.control.request('restart', { options: task(withWords('--workers', '1', 'app.cjs')) });
  assert.equal(back.result, 'done');
  await server.settled();
  assert.equal(server.ready().length, 1);
  await noFlag();
  await clients.answered(1);
  for (const { name, failures, asked } of await clients.stop())
    assert.deepEqual(failures, [], `${name}: ${failures.length} of ${asked} failed`);
});

test('what the workers see after it: variables that are set anew, others that are gone, files and flags', async (t) => {
  const { server, task, noFlag } = await running(t, 'says.cjs');
  const body = async () => (await server.ask()).body;
  assert.deepEqual(await body(), { mode: 'dev', level: '1', argv: [], execArgv: [], leaked: [] });
  const restart = async (part: Partial<TaskOptions>) => {
    const { result } = await server.control.request('restart', { options: task(part) });
    assert.equal(result, 'done');
    await noFlag();
  };
  await restart({ ...withWords('--env-file', 'vars.env', '--no-warnings', 'says.cjs', 'a'), env: { MODE: 'test' } });
  assert.deepEqual(await body(), {
    ...{ mode: 'test', fromFile: 'one', argv: ['a'], execArgv: ['--no-warnings'], leaked: [] },
  });
  await restart({ ...withWords('says.cjs'), env: { LEVEL: '2' } });
  assert.deepEqual(await body(), { level: '2', argv: [], execArgv: [], leaked: [] });
});

test('another Node, file or folder takes a stop and a start: a restart applies the rest, and the flag says what is left', async (t) => {
  const { project, server, task, flag } = await running(t);
  const wanted = task({ ...withWords('--workers', '1', '--no-watch', 'says.cjs'), node: '/opt/other/node' });
  const { changed } = await server.control.request('taskOptions', wanted);
  assert.deepEqual(
    changed.map(({ name, takes }) => `${name} ${takes}`),
    ['script start', 'node start', 'watch start', 'workers restart'],
  );
  await flag('script node watch workers');
  assert.equal((await server.control.request('restart', {})).result, 'done');
  await flag('script node watch');
  await server.settled();
  assert.deepEqual([server.ready().length, server.snapshot.script], [1, 'app.cjs']);
  assert.match((await project.run(['status'])).stdout, /\(script, node, watch take a stop and a start\)/);
});

test('what could not be started is refused, and changes nothing', async (t) => {
  const { server, task } = await running(t);
  const wrong: readonly [TaskOptions, RegExp][] = [
    [task(withWords('--workers', 'many', 'app.cjs')), /--workers is a whole number/],
    [task(withWords('--wrokers', '2', 'app.cjs')), /Did you mean --workers/],
    [task(withWords('gone.cjs')), /There is no file .*gone\.cjs/],
    [task(withWords('--help')), /starts no server/],
    [task({ cwd: '/no/such/folder' }), /There is no folder \/no\/such\/folder/],
    [task({ args: ['stop'] }), /begin with "start"/],
    [{ ...task(), args: 'app.cjs' as unknown as string[] }, /taskOptions: args/],
  ];
  const pids = server.pids();
  for (const [options, why] of wrong) {
    await assert.rejects(server.control.request('taskOptions', options), why);
    if (Array.isArray(options.args)) await assert.rejects(server.control.request('restart', { options }), why);
  }
  await server.settled();
  assert.deepEqual([server.pids(), server.snapshot.needsRestart, server.lastReload], [pids, [], null]);
});

test('a server that no task has started keeps to its command line', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['app.cjs']);
  assert.equal(server.snapshot.task, null);
  const options = {
    file: project.path('app.cjs'),
    cwd: project.folder,
    args: ['start', 'app.cjs'],
    env: {},
    lines: {},
  };
  await assert.rejects(server.control.request('taskOptions', options), /No task has started this server/);
});

test('a bootstrap script: its arguments and environment come from the task too; a flag of groups is refused as at the start', async (t) => {
  const project = Project.of('strict', t);
  project.write('says.cjs', APP);
  project.write(
    'server.cjs',
    "module.exports = { groups: { main: { entry: './says.cjs', workers: Number(process.env.COUNT) } } };\n",
  );
  const server = await project.ready(['server.cjs'], {
    env: { COUNT: '1', [TASK_VARIABLE]: 'serve', [TASK_ENV_VARIABLE]: 'COUNT' },
  });
  const task = (env: Record<string, string>, ...args: string[]): TaskOptions => ({
    ...{ file: project.path('tasks.json'), cwd: project.folder, args: ['start', ...args], env, lines: {} },
  });
  const restart = (options: TaskOptions) => server.control.request('restart', { options });
  const refused = await restart(task({ COUNT: '2' }, '--workers', '3', 'server.cjs'));
  assert.equal(refused.result, 'rejected');
  assert.match(refused.error?.message ?? '', /groups\.<name>\.workers/);
  assert.equal(server.ready().length, 1);
  assert.equal((await restart(task({ COUNT: '2' }, 'server.cjs', 'more'))).result, 'done');
  await server.settled();
  assert.equal(server.ready().length, 2);
  assert.deepEqual((await server.ask()).body['argv'], ['more']);
  await server.snapshotWith(({ needsRestart }) => needsRestart.length === 0, 'no flag');
});

test('the setting of the editor says how many spares a group has that does not say it', async (t) => {
  const project = Project.of('strict', t);
  const groups = { web: { entry: './app.cjs' }, own: { entry: './app.cjs', spares: 1 } };
  project.write('boot.cjs', `module.exports = { groups: ${JSON.stringify(groups)} };\n`);
  const server = await project.ready(['boot.cjs'], {
    env: { PORT: '0', [TASK_VARIABLE]: 'serve', [TASK_SPARES_VARIABLE]: '2' },
  });
  const sparesOf = (snapshot: Server['snapshot']): [string, number][] =>
    snapshot.groups.map(({ name, spares }): [string, number] => [name, spares]).sort();
  await server.snapshotWith(
    (now) => sparesOf(now).every(([name, spares]) => spares === (name === 'web' ? 2 : 1)),
    'the spares',
  );
});
