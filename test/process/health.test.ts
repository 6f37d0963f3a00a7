/** Workers that end, hang or never come up, each case under the letter that the survey of other supervisors gave it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { RawHttp } from './clients/rawHttp.ts';
import { isAlive } from './harness/processes.ts';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';
import type { Server } from './harness/server.ts';

/** The program of the fixture `cases` in one group with these options. */
async function start(t: TestContext, options: Record<string, unknown>): Promise<{ project: Project; server: Server }> {
  const project = Project.of('cases', t);
  project.link('ws');
  project.write(
    'group.cjs',
    `module.exports = { groups: { web: ${JSON.stringify({ entry: './app.cjs', ...options })} } };\n`,
  );
  return { project, server: await project.ready(['group.cjs']) };
}

const workersOf = (server: Server, snapshot = server.snapshot) => server.group('web', snapshot).workers;

test('L. a worker whose event loop stands still is told as unresponsive, and as ready once it turns again', async (t) => {
  const { server } = await start(t, { workers: 2, unresponsiveAfter: 400 });
  const [first] = server.pids('web');
  process.kill(first!, 'SIGSTOP');
  const snapshot = await server.snapshotWith(
    (now) => workersOf(server, now).some(({ state }) => state === 'unresponsive'),
    'an unresponsive worker',
  );
  const silent = workersOf(server, snapshot).find(({ state }) => state === 'unresponsive');
  assert.equal(silent?.pid, first);
  assert.ok(Date.parse(silent?.unresponsiveSince ?? '') < Date.now());
  assert.equal(snapshot.state, 'running', 'the other one serves');
  await server.line(/^graceful-reload {2}web#1 is unresponsive, its event loop has not turned for \d+ ms$/);
  process.kill(first!, 'SIGCONT');
  await server.settled();
  await server.line(/^graceful-reload {2}web#1 is responsive again$/);
  assert.equal(server.pids('web')[0], first, 'it is the same process');
});

test('L. with replaceUnresponsive a worker in an endless loop is killed, its slot filled, and nobody else notices', async (t) => {
  const { server } = await start(t, { workers: 2, unresponsiveAfter: 400, replaceUnresponsive: true });
  const before = server.pids('web');
  const lost = await RawHttp.open({ host: '127.0.0.1', port: server.port() });
  t.after(() => lost.close());
  const answer = lost.get('/busy');
  answer.catch(() => undefined);
  await server.line(/busy/);
  await server.snapshotWith((now) => workersOf(server, now).some(({ state }) => state === 'unresponsive'), 'the hang');
  await assert.rejects(answer, 'the request that hung is lost');
  await server.settled();
  const after = server.pids('web');
  assert.equal(after.filter((pid) => before.includes(pid)).length, 1, 'one was replaced');
  for (const pid of before) assert.equal(isAlive(pid!), after.includes(pid));
  assert.equal((await server.ask()).status, 200);
});

test('L. a worker that hangs is replaced by the save that mends it, without a click', async (t) => {
  const { project, server } = await start(t, { drainTimeout: 300, unresponsiveAfter: 400 });
  const [hung] = server.pids('web');
  process.kill(hung!, 'SIGSTOP');
  await server.snapshotWith(({ state }) => state === 'failed', 'a server that nobody serves');
  // Nobody reads the connection yet: it waits for the new worker.
  const waiting = server.ask('/word');
  const report = await server.reloadBy(() => project.write('word.cjs', "exports.word = 'mended';\n"));
  assert.equal(report.result, 'done');
  assert.equal((await waiting).text, 'mended');
  await server.settled();
  assert.equal(isAlive(hung!), false);
});

/** Rows of case G that the new code does not survive: with requests running, none of which may fail. */
const BROKEN: Readonly<Record<string, { text: string; message: RegExp; line: number | null }>> = {
  'has a syntax error': { text: "exports.word = 'one' 'two';\n", message: /^SyntaxError: /, line: 1 },
  'throws when it loads': { text: "\nthrow new Error('no database');\n", message: /no database/, line: 2 },
  'never listens': {
    text: "setInterval(() => {}, 1000);\nrequire('node:http').Server.prototype.listen = () => {};\nexports.word = '';\n",
    message: /not ready within 1\.5 s \(bootTimeout\)/,
    line: null,
  },
  'exits 0': { text: 'process.exit(0);\n', message: /exited with code 0 before it was ready/, line: null },
  'exits 1': { text: 'process.exit(1);\n', message: /exited with code 1 before it was ready/, line: null },
  hangs: { text: 'for (;;);\n', message: /not ready within 1\.5 s \(bootTimeout\)/, line: null },
};

for (const [name, { text, message, line }] of Object.entries(BROKEN)) {
  test(`G. L. a save that ${name} costs no request and no worker, and the next good save heals`, async (t) => {
    const { project, server } = await start(t, { workers: 2, bootTimeout: '1.5s' });
    const load = startLoad(server.port(), t, '/word');
    const before = server.pids('web');
    await load.answered(2);
    const report = await server.reloadBy(() => project.writeAtomically('word.cjs', text));
    assert.equal(report.result, 'rejected');
    assert.equal(report.replaced, 0);
    assert.match(report.error?.message ?? '', message);
    assert.equal(report.error?.line, line);
    if (line !== null) assert.equal(report.error?.file, 'word.cjs');
    await load.answered(2);
    await server.settled();
    assert.deepEqual(server.pids('web'), before);
    const healed = await server.reloadBy(() => project.writeAtomically('word.cjs', "exports.word = 'healed';\n"));
    assert.equal(healed.result, 'done');
    await load.answered(2);
    const { answers, failures } = await load.stop();
    assert.deepEqual(failures, [], `of ${answers.length} requests`);
    assert.equal((await server.ask('/word')).text, 'healed');
  });
}

test('G. code that exits once it is ready is a crash: slowed down, told with the next try, and ended by a good save', async (t) => {
  const { project, server } = await start(t, {});
  const exits = "setTimeout(() => process.exit(1), 400);\nexports.word = 'short';\n";
  const report = await server.reloadBy(() => project.write('word.cjs', exits));
  assert.equal(report.result, 'done', 'it came up');
  const { groups } = await server.snapshotWith(
    (now) => workersOf(server, now).some(({ crashes, nextTryAt }) => crashes > 2 && nextTryAt !== null),
    'a back-off',
  );
  const [waiting] = groups[0]?.workers ?? [];
  assert.equal(waiting?.state, 'backoff');
  assert.ok(Date.parse(waiting?.nextTryAt ?? '') > Date.now() - 1000);
  await server.line(/web#1 exited with code 1, starts again in \d+ (ms|s) \(3rd crash in a row\)$/);
  // Nobody runs: this one waits at the port that the master holds.
  const asked = server.ask('/word');
  const healed = await server.reloadBy(() => project.write('word.cjs', "exports.word = 'stays';\n"));
  assert.equal(healed.result, 'done');
  assert.ok(['short', 'stays'].includes((await asked).text));
  await server.settled();
  assert.equal(server.ready('web')[0]?.crashes, 0);
  assert.equal((await server.ask('/word')).text, 'stays');
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`L. workers that ${signal} ends from outside come back, all at once and one after the other`, async (t) => {
    const { server } = await start(t, { workers: 3 });
    const first = server.pids('web');
    for (const pid of first) process.kill(pid!, signal);
    const allNew = (before: readonly (number | null)[]) =>
      server.snapshotWith((now) => {
        const pids = server.pids('web', now);
        return pids.length === 3 && pids.every((pid) => !before.includes(pid));
      }, 'three other workers');
    await allNew(first);
    const second = server.pids('web');
    for (const [index, pid] of second.entries()) {
      process.kill(pid!, signal);
      await server.snapshotWith(
        (now) => {
          const slot = server.ready('web', now)[index];
          return server.pids('web', now).length === 3 && slot?.pid !== pid;
        },
        `another worker ${index + 1}`,
      );
    }
    await server.settled();
    assert.equal(new Set([...first, ...second, ...server.pids('web')]).size, 9);
    assert.equal((await server.ask()).status, 200);
    assert.equal(server.snapshot.generation, 1);
    assert.equal(server.lastReload, null, 'that is no reload');
  });
}

test('O. the program is loaded once in each process, and its environment is worked out anew for each generation', async (t) => {
  const project = Project.of('cases', t);
  project.link('ws');
  project.write('.env', 'GREETING=one\n');
  project.write(
    'word.cjs',
    "console.log('loads', process.pid, process.env.GREETING);\nexports.word = process.env.GREETING;\n",
  );
  const web = { entry: './app.cjs', workers: 2, envFile: '.env' };
  project.write('group.cjs', `module.exports = { groups: { web: ${JSON.stringify(web)} } };\n`);
  const server = await project.ready(['group.cjs']);
  const load = startLoad(server.port(), t, '/word');
  const seen = new Map<number, string>();
  const note = (greeting: string): void => server.pids('web').forEach((pid) => seen.set(pid!, greeting));
  note('one');
  for (const greeting of ['two', 'three']) {
    await load.answered(2);
    const report = await server.reloadBy(() => project.writeAtomically('.env', `GREETING=${greeting}\n`));
    assert.equal(report.result, 'done');
    await server.settled();
    note(greeting);
    assert.equal((await server.ask('/word')).text, greeting);
  }
  const { failures } = await load.stop();
  assert.deepEqual(failures, []);
  const loads = server.lines.flatMap((line) => /loads (\d+) (\w+)$/.exec(line)?.slice(1).join(' ') ?? []);
  assert.deepEqual(loads.sort(), [...seen].map((pair) => pair.join(' ')).sort(), 'each once, with its own environment');
});
