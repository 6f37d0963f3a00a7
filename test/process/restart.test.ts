/** A restart without downtime: what the definition says anew is applied under strict clients, or nothing of it is. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { GroupOptions } from '../../src/protocol/bootstrap.ts';
import type { ReloadReport } from '../../src/protocol/status.ts';
import { RawHttp } from './clients/rawHttp.ts';
import { startClients, type StrictClients } from './clients/strictClients.ts';
import { Project } from './harness/project.ts';
import { portFree, type Server } from './harness/server.ts';

const RESTARTS = /22\.15|24\.10/.test(process.env['GR_TEST_NODE'] ?? '') ? 2 : 4;
const KEEPING = ['keep-alive', 'idle keep-alive', 'pipelined', 'half-sent head', 'slow upload', 'streamed response'];
/** Beside a group that meets all of them: what is enough to see every connection of another one. */
const FEW = ['keep-alive', 'per request'];

type Definition = Record<string, Partial<GroupOptions> & Pick<GroupOptions, 'entry'>>;

const definition: Definition = {
  web: { entry: './app.cjs', workers: 2 },
  jobs: { entry: './jobs.cjs', order: 'stop-first' },
  gateway: { entry: './gateway.cjs', reloadable: false },
};
const other: Definition = {
  web: { entry: './app.cjs', workers: 3, env: { SAYS: 'other' } },
  extra: { entry: './extra.cjs', workers: 2 },
  jobs: { entry: './jobs.cjs', order: 'stop-first', workers: 2 },
  gateway: { entry: './gateway.cjs', reloadable: false },
};

interface Running {
  readonly project: Project;
  readonly server: Server;
  readonly declare: (groups: object) => void;
  readonly clients: Readonly<Record<'web' | 'jobs', StrictClients>>;
  /** The clients go on at once, each is answered, and no request has failed. */
  readonly unharmed: () => Promise<void>;
}

/** Three groups with every kind of client at the first, which starts first, and some at one that stops first. */
async function running(t: TestContext): Promise<Running> {
  const project = Project.of('strict', t);
  const app = project.read('app.cjs');
  for (const name of ['jobs', 'gateway', 'extra']) project.write(`${name}.cjs`, app);
  project.write('server.cjs', "module.exports = { name: 'strict', groups: require('./groups.json') };\n");
  const declare = (groups: object): void => project.write('groups.json', JSON.stringify(groups));
  declare(definition);
  const server = await project.ready(['--no-watch', 'server.cjs']);
  const clients = {
    web: startClients(target(server, 'web'), 1),
    jobs: startClients(target(server, 'jobs'), 2, FEW),
  };
  t.after(() => Promise.all(Object.values(clients).map((some) => some.stop())));
  const unharmed = async (): Promise<void> => {
    await Promise.all(Object.values(clients).map((some) => some.answered(2)));
  };
  await unharmed();
  return { project, server, declare, clients, unharmed };
}

const portOf = (server: Server, group: string): number => server.group(group).addresses[0]?.port ?? 0;
const target = (server: Server, group: string) => ({ host: '127.0.0.1', port: portOf(server, group) });
const restart = (server: Server): Promise<ReloadReport> => server.control.request('restart', {});

test(`${RESTARTS} restarts under load: counts change, groups come and go, addresses are released, 0 requests fail`, async (t) => {
  const { server, declare, clients, unharmed } = await running(t);
  const ports = { web: portOf(server, 'web'), jobs: portOf(server, 'jobs'), gateway: portOf(server, 'gateway') };
  for (let round = 1; round <= RESTARTS; round++) {
    const wanted = round % 2 === 1 ? other : definition;
    const gone = round % 2 === 1 ? 0 : portOf(server, 'extra');
    declare(wanted);
    const report = await restart(server);
    assert.deepEqual([report.result, report.error], ['done', null]);
    assert.equal(report.forcedKills + report.forcedConnections, 0, 'nothing was cut');
    await server.snapshotWith(
      ({ groups }) =>
        groups.length === Object.keys(wanted).length &&
        groups.every(
          ({ workers, wanted: count, generation }) =>
            generation === report.generation &&
            workers.length === count &&
            workers.every(({ state, generation: own }) => state === 'ready' && own === report.generation),
        ),
      'every worker of the new definition, and no other',
    );
    assert.deepEqual(
      Object.fromEntries(server.snapshot.groups.map(({ name, wanted: count }) => [name, count])),
      Object.fromEntries(Object.entries(wanted).map(([name, { workers }]) => [name, workers ?? 1])),
    );
    assert.equal(server.snapshot.pid, server.pid, 'the master stays');
    assert.deepEqual(
      { web: portOf(server, 'web'), jobs: portOf(server, 'jobs'), gateway: portOf(server, 'gateway') },
      ports,
      'addresses stay',
    );
    if (gone) await portFree(gone);
    else assert.equal((await server.ask('/', { address: addressOf(server, 'extra') })).text, 'hello');
    await unharmed();
    const isNew = String(report.generation);
    await clients.web.all(KEEPING, ({ generations }) => generations.has(isNew));
  }
  for (const { name, asked, failures, opened, clients: count } of (
    await Promise.all(Object.values(clients).map((some) => some.stop()))
  ).flat()) {
    assert.deepEqual(failures, [], `${name}: ${failures.length} of ${asked} failed`);
    if (KEEPING.includes(name)) assert.equal(opened, count, `${name}: each client still has its first connection`);
  }
});

function addressOf(server: Server, group: string): number {
  const port = portOf(server, group);
  return server.snapshot.addresses.findIndex((address) => address.port === port);
}

test('a restart that fails before its commit changes nothing: the old definition serves on, also in workers that come back', async (t) => {
  const { project, server, declare, clients, unharmed } = await running(t);
  const pids = (): unknown => server.snapshot.groups.map(({ name }) => [name, server.pids(name)]);
  const before = pids();
  const script = project.read('server.cjs');
  const { jobs, web, gateway } = other;
  const failing: readonly [string, RegExp, () => void][] = [
    [
      'the script throws',
      /no groups today/,
      () => project.write('server.cjs', "throw new Error('no groups today');\n"),
    ],
    ['an option is wrong', /groups\.web\.workers/, () => declare({ ...other, web: { ...web, workers: 'many' } })],
    ['an entry is missing', /no-such\.cjs/, () => declare({ ...other, extra: { entry: './no-such.cjs' } })],
    [
      'a group that stops first does not compile',
      /broken\.cjs|Unexpected/,
      () => {
        project.write('broken.cjs', 'const = 1;\n');
        declare({ web, gateway, jobs: { ...jobs, entry: './broken.cjs' } });
      },
    ],
    [
      'a new group does not boot',
      /extra does not boot/,
      () => {
        project.write('throws.cjs', "throw new Error('extra does not boot');\n");
        declare({ ...other, extra: { entry: './throws.cjs' } });
      },
    ],
    [
      'the changed group does not boot',
      /web does not boot/,
      () => {
        project.write('throws.cjs', "throw new Error('web does not boot');\n");
        declare({ ...other, web: { ...web, nodeArgs: ['--require', './throws.cjs'] } });
      },
    ],
  ];
  for (const [why, message, act] of failing) {
    project.write('server.cjs', script);
    act();
    const { result, error, replaced } = await restart(server);
    assert.deepEqual([result, replaced], ['rejected', 0], why);
    assert.match(`${error?.file} ${error?.message}`, message, why);
    await unharmed();
    await server.settled();
    assert.deepEqual(pids(), before, why);
    assert.deepEqual(
      server.snapshot.groups.map(({ name, wanted }) => `${name} ${wanted}`),
      ['web 2', 'jobs 1', 'gateway 1'],
      why,
    );
  }
  for (const some of Object.values(clients))
    for (const { name, failures } of await some.stop()) assert.deepEqual(failures, [], name);

  // Who comes back later runs by the old definition too: by the last one tried it would not come up.
  const lost = new Set(server.pids('web'));
  for (const pid of lost) process.kill(pid!, 'SIGKILL');
  await server.until(() => {
    const back = server.pids('web');
    return back.length === 2 && !back.some((pid) => lost.has(pid));
  }, 'workers in the places of the lost ones');
  assert.equal((await server.ask('/', { address: addressOf(server, 'web') })).text, 'hello');
});

test('what a restart cuts off in a group that does not reload is told before and after', async (t) => {
  const { project, server, declare, unharmed } = await running(t);
  declare({ ...definition, gateway: { ...definition['gateway']!, drainTimeout: 300 } });
  assert.equal((await restart(server)).result, 'done');
  const [idle, ...busy] = await Promise.all(Array.from({ length: 3 }, () => RawHttp.open(target(server, 'gateway'))));
  t.after(() => [idle!, ...busy].forEach((connection) => connection.close()));
  assert.equal((await idle!.get('/')).status, 200);
  const cut = busy.map((connection) => connection.get('/wait/60000'));
  await server.snapshotWith(({ groups }) => {
    const worker = groups.find(({ name }) => name === 'gateway')?.workers[0];
    return worker?.connections === 3 && worker.inFlight === 2;
  }, 'the connections to be told of');

  const { code, stdout } = await project.run(['restart']);
  assert.equal(code, 0);
  assert.match(stdout, /2 connections cut/);
  await server.snapshotWith(({ lastReload }) => lastReload?.forcedConnections === 2, 'the connections that were cut');
  await server.line(/done in .*2 connections cut/);
  for (const answer of cut) await assert.rejects(answer, /the server closed the connection/);
  assert.equal((await idle!.get('/')).status, 200, 'one with nothing under way moves, as everywhere');
  await unharmed();
});
