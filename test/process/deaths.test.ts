/**
 * Who dies, how, and in which phase: nothing of the server stays, children and grandchildren of its workers included, and
 * its port is free. Each worker has a shell that ignores SIGTERM and SIGHUP, which has a child of its own.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, test, type TestContext } from 'node:test';
import { poll } from './harness/events.ts';
import { allGone, groupOf, marked } from './harness/processes.ts';
import { Project } from './harness/project.ts';
import { portFree, type Server } from './harness/server.ts';

const PHASES = ['booting', 'serving', 'stuck', 'reloading', 'draining', 'stopping'] as const;
type Phase = (typeof PHASES)[number];
/** The worker, the shell and the child of the shell. */
const FAMILY = 3;
/** Cells that run at the same time. */
const LANES = 4;

const APP = `
require('node:child_process').spawn('/bin/sh', ['-c', "trap '' TERM HUP INT; sleep 1000 & wait"], { stdio: 'ignore' });
require('./message.cjs');
require('node:http').createServer((request, response) => {
  if (request.url === '/slow') return console.log('slow request began');
  if (request.url === '/stuck') { console.log('stuck'); for (;;); }
  response.end('ok');
}).listen(0);
`;
const SLOW_BOOT = "console.log('slow boot');\nAtomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20_000);\n";

interface Cell {
  readonly project: Project;
  readonly server: Server;
  /** The worker that the phase is about. */
  readonly worker: number;
}

/** Brings a server into a phase. */
async function enter(phase: Phase, isOnTerminal: boolean, t: TestContext): Promise<Cell> {
  const project = Project.of('cjs', t);
  project.write('app.cjs', APP);
  project.write('message.cjs', phase === 'booting' ? SLOW_BOOT : '');
  const server = await project.start(['--drain-timeout', '1s', '--spares', '0', 'app.cjs'], { isOnTerminal });
  const inState = async (wanted: string): Promise<number> => {
    const find = (): number | null | undefined =>
      server.snapshots.at(-1)?.groups[0]?.workers.find(({ state }) => state === wanted)?.pid;
    return (await server.until(find, `a worker that is ${wanted}`)) ?? 0;
  };
  // While it is not known whether the script is a bootstrap script, no snapshot shows who runs it.
  if (phase === 'booting') {
    const leader = (): number | undefined =>
      [...marked(project.mark).keys()].find((pid) => groupOf(project.mark, pid).length === FAMILY);
    return { project, server, worker: await poll(leader, 'a worker that boots', () => server.facts()) };
  }
  await server.settled();
  const worker = await inState('ready');
  if (phase === 'serving') return { project, server, worker };
  if (phase === 'reloading') {
    project.write('message.cjs', SLOW_BOOT);
    await server.line(/slow boot/);
    return { project, server, worker: await inState('starting') };
  }
  server.ask(phase === 'stuck' ? '/stuck' : '/slow').catch(() => undefined);
  await server.line(phase === 'stuck' ? /stuck/ : /slow request began/);
  if (phase === 'draining') void server.control.request('reload', {}).catch(() => undefined);
  if (phase === 'stopping') void server.control.request('stop', {}).catch(() => undefined);
  if (phase !== 'stuck') await inState('draining');
  return { project, server, worker };
}

/** Nothing is left; the answer is what the table says of it. */
async function nothingStays({ project, server }: Cell, ports: readonly number[]): Promise<void> {
  await allGone(project.mark);
  for (const port of ports) await portFree(port);
  assert.equal((await project.run(['status'])).code, 3, server.facts());
}

const portsOf = ({ snapshot }: Server): number[] =>
  snapshot.addresses.flatMap(({ port }) => (port === null ? [] : [port]));

async function familyOf({ project, worker }: Cell): Promise<void> {
  await poll(() => groupOf(project.mark, worker).length === FAMILY, `the family of ${worker}`);
}

/** @returns how the server ended */
async function masterDies(phase: Phase, signal: NodeJS.Signals, t: TestContext): Promise<string> {
  const cell = await enter(phase, false, t);
  const { project, server } = cell;
  await familyOf(cell);
  const ports = portsOf(server);
  server.child.kill(signal);
  const code = await server.exit;
  const wanted = signal === 'SIGKILL' ? null : 0;
  assert.equal(code, wanted, server.facts());
  if (signal !== 'SIGKILL') assert.deepEqual(readdirSync(project.runtimeFolder), []);
  await nothingStays(cell, ports);
  return code === null ? 'killed, clean' : `exit ${code}, clean`;
}

async function terminalDies(phase: Phase, signal: NodeJS.Signals, t: TestContext): Promise<string> {
  const cell = await enter(phase, true, t);
  await familyOf(cell);
  const ports = portsOf(cell.server);
  cell.server.child.kill(signal);
  await cell.server.exit;
  await nothingStays(cell, ports);
  return 'clean';
}

/** The server serves on, or says that it cannot; what the worker had started is gone at once. */
async function workerDies(phase: Phase, signal: NodeJS.Signals, t: TestContext): Promise<string> {
  const cell = await enter(phase, false, t);
  const { project, server, worker } = cell;
  await familyOf(cell);
  const ports = portsOf(server);
  process.kill(worker, signal);
  await poll(
    () => groupOf(project.mark, worker).length === 0,
    `the end of the family of ${worker}`,
    () => server.facts(),
  );
  let told = 'clean';
  if (phase === 'stopping') assert.equal(await server.exit, 0, server.facts());
  else {
    const { state } = await server.snapshotWith(
      ({ state, groups }) =>
        state === 'failed' ||
        (state === 'running' &&
          groups[0]?.workers.length === 1 &&
          groups[0].workers[0]?.state === 'ready' &&
          groups[0].workers[0].pid !== worker),
      'a server without the dead worker',
    );
    assert.equal(state, phase === 'booting' ? 'failed' : 'running', server.facts());
    if (state === 'running') {
      assert.notEqual(server.pids()[0], worker);
      assert.equal((await server.ask()).status, 200);
    }
    told = `${state === 'running' ? 'serves' : state}, clean`;
    assert.equal(await server.stop('SIGTERM'), 0, server.facts());
  }
  await nothingStays(cell, ports);
  return told;
}

const ROWS = [
  ...(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const).map((signal) => ({
    who: 'master',
    signal,
    dies: masterDies,
  })),
  { who: 'terminal', signal: 'SIGKILL', dies: terminalDies },
  ...(['SIGKILL', 'SIGSEGV'] as const).map((signal) => ({ who: 'worker', signal, dies: workerDies })),
] as const;

const results = new Map<string, string>();

test('who dies, how, and in which phase', { concurrency: LANES }, async (t) => {
  await Promise.all(
    ROWS.flatMap(({ who, signal, dies }) =>
      PHASES.map((phase) =>
        t.test(`${who} ${signal} ${phase}`, async (cell) => {
          results.set(`${who} ${signal} ${phase}`, await dies(phase, signal, cell));
        }),
      ),
    ),
  );
});

after(() => {
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell) => cell.padEnd(17))
      .join(' ')
      .trimEnd();
  console.log(line(['', ...PHASES]));
  for (const { who, signal } of ROWS)
    console.log(
      line([`${who} ${signal}`, ...PHASES.map((phase) => results.get(`${who} ${signal} ${phase}`) ?? 'FAILED')]),
    );
});
