/** Bootstrap scripts: what they declare, what a restart applies, and what is said when only a restart would help. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';
import type { Explanation, ReloadReport } from '../../src/protocol/status.ts';
import type { Server } from './harness/server.ts';

const forms: Record<string, string> = {
  'boot.mjs': "export default { name: 'NAME', groups: { web: { entry: './src/web.js' } } };\n",
  'boot.cjs': "module.exports = { name: 'NAME', groups: { web: { entry: './src/web.js' } } };\n",
  'boot.ts':
    "import { defineServer } from 'graceful-reload';\nconst name: string = 'NAME';\nexport default defineServer({ name, groups: { web: { entry: './src/web.js' } } });\n",
  'promise.mjs': "export default Promise.resolve({ name: 'NAME', groups: { web: { entry: './src/web.js' } } });\n",
  'promise.cjs': "module.exports = Promise.resolve({ name: 'NAME', groups: { web: { entry: './src/web.js' } } });\n",
};

for (const [file, text] of Object.entries(forms)) {
  test(`${file} declares groups`, async (t) => {
    const project = Project.of('groups', t);
    project.write(file, `console.log('evaluated');\n${text}`.replace(/^(console.*\n)(import.*\n)/, '$2$1'));
    const server = await project.ready([file]);
    assert.equal(server.snapshot.bootstrap, true);
    assert.deepEqual(
      server.snapshot.groups.map(({ name }) => name),
      ['web'],
    );
    assert.equal((await server.ask()).body['text'], 'shared: web one');
    assert.equal(server.lines.filter((line) => line.includes('evaluated')).length, 1, 'evaluated once');
    const again = await server.reloadBy(() => project.run(['restart']));
    assert.equal(again.result, 'done');
    assert.equal(server.lines.filter((line) => line.includes('evaluated')).length, 2, 'and once more by a restart');
  });
}

test('a program that exports something else is a program', async (t) => {
  const project = Project.of('groups', t);
  project.write(
    'program.js',
    "import './src/web.js';\nexport default { groups: 'of people' };\nconsole.log('evaluated');\n",
  );
  const server = await project.ready(['--workers', '2', 'program.js']);
  assert.equal(server.snapshot.bootstrap, false);
  assert.deepEqual(
    server.snapshot.groups.map(({ name }) => name),
    ['main'],
  );
  await server.until(() => server.lines.filter((line) => line.endsWith('evaluated')).length === 2, 'both workers');
});

test('a restart applies a new definition, with the port held and requests running', async (t) => {
  const project = Project.of('groups', t);
  const server = await project.ready(['server.js']);
  assert.equal(server.snapshot.name, 'many');
  const { pid } = server;
  const ports = server.snapshot.addresses.map(({ port }) => port);
  const gateway = server.pids('gateway');
  const { inherited, cwd } = (await server.ask()).body;
  assert.equal(inherited, 'yes, shared', 'what the script does to its environment is inherited');
  assert.equal(cwd, project.path('src'), 'and where it goes');

  const load = startLoad(server.group('web').addresses[0]?.port ?? 0, t);
  await load.answered(3);
  project.replace('src/limits.js', 'workers: 2', 'workers: 3');
  project.replace('server.js', "admin: { entry: './src/admin.js' }", "extra: { entry: './src/extra.js' }");
  project.replace('server.js', 'yes', 'again');
  const { code, value } = await project.json(['restart']);
  const report = value as ReloadReport;
  assert.equal(code, 0);
  assert.equal(report.result, 'done');
  assert.equal(report.trigger.kind, 'restart');
  await server.settled();
  await load.answered(3);
  const { answers, failures } = await load.stop();
  assert.deepEqual(failures, [], `of ${answers.length} requests`);

  assert.equal(server.snapshot.pid, pid, 'the master stays');
  assert.deepEqual(
    server.snapshot.groups.map(({ name, wanted }) => `${name} ${wanted}`),
    ['web 3', 'extra 1', 'gateway 1'],
  );
  assert.deepEqual(
    new Set(server.snapshot.groups.map(({ generation }) => generation)),
    new Set([report.generation]),
    'one generation for all',
  );
  assert.equal(server.group('web').addresses[0]?.port, ports[0], 'the port stays');
  assert.notDeepEqual(server.pids('gateway'), gateway, 'what does not reload is replaced too');
  assert.deepEqual(server.snapshot.needsRestart, []);
  assert.equal((await server.ask()).body['inherited'], 'again, shared');

  // A broken script leaves the old definition in force, also for workers that come back later.
  const before = server.snapshot.groups.map(({ workers }) => workers.map((worker) => worker.pid));
  project.write('src/limits.js', 'export const limits = {\n  workers: ;\n};\n');
  const broken = await project.json(['restart']);
  assert.equal(broken.code, 1);
  const { result, error } = broken.value as ReloadReport;
  assert.equal(result, 'rejected');
  assert.equal(error?.code, 'bootstrap-error');
  assert.equal(`${error?.file}:${error?.line}`, 'src/limits.js:2');
  assert.deepEqual(
    server.snapshot.groups.map(({ workers }) => workers.map((worker) => worker.pid)),
    before,
  );

  project.write('src/limits.js', "export const limits = { workers: 'many' };\n");
  const illTyped = await project.json(['restart']);
  assert.equal(illTyped.code, 1);
  assert.match((illTyped.value as ReloadReport).error?.message ?? '', /groups\.web\.workers/);

  // Nor does one whose workers do not come up.
  project.write('src/limits.js', 'export const limits = { workers: 1 };\n');
  project.write('src/extra.js', "throw new Error('extra does not boot');\n");
  const failed = await project.json(['restart']);
  assert.equal(failed.code, 1);
  assert.match((failed.value as ReloadReport).error?.message ?? '', /extra does not boot/);
  await server.settled();
  assert.equal(server.group('web').wanted, 3, 'nothing of the new definition is in force');
  project.write('src/extra.js', "import { serve } from './answer.js';\nserve('extra two');\n");
  assert.equal((await project.run(['restart'])).code, 0);
  await server.settled();
  assert.equal(server.group('web').wanted, 1);
});

/** The flags once `files` are exactly the ones flagged and their chains are known. */
async function flagged(server: Server, ...files: string[]): Promise<Server['snapshot']['needsRestart']> {
  await server.snapshotWith(
    ({ needsRestart }) => {
      const names = needsRestart.map(({ file }) => file).sort();
      return (
        names.join() === [...files].sort().join() &&
        needsRestart.every(({ file, chain }) => chain.length > 1 || file === 'server.js')
      );
    },
    `flags for ${files.join(', ') || 'nothing'}`,
  );
  return server.snapshot.needsRestart;
}

test('an edit that needs a restart is flagged with the way to it, until it is undone or applied', async (t) => {
  const project = Project.of('groups', t);
  const server = await project.ready(['server.js']);
  const pids = (): unknown => server.snapshot.groups.map(({ workers }) => workers.map(({ pid }) => pid));
  const before = pids();
  const original = {
    script: project.read('server.js'),
    config: project.read('src/config.js'),
    limits: project.read('src/limits.js'),
  };

  project.write('server.js', `${original.script}// edited\n`);
  const [script] = await flagged(server, 'server.js');
  assert.equal(script?.reason, 'bootstrap');
  project.write('src/config.js', `${original.config}// edited\n`);
  await flagged(server, 'server.js', 'src/config.js');
  project.write('src/limits.js', `${original.limits}// edited\n`);
  const all = await server.snapshotWith(
    ({ needsRestart }) => needsRestart.find(({ file }) => file === 'src/limits.js')?.chain.length === 3,
    'the chain to src/limits.js',
  );
  const byFile = Object.fromEntries(all.needsRestart.map((item) => [item.file, item]));
  assert.equal(byFile['src/config.js']?.reason, 'bootstrap-import');
  assert.deepEqual(byFile['src/config.js']?.chain, ['server.js:2', 'src/config.js']);
  assert.deepEqual(byFile['src/limits.js']?.chain, ['server.js:2', 'src/config.js:1', 'src/limits.js']);
  await server.line(/^graceful-reload {2}src\/limits\.js changed: needs a restart \(imported by src\/config\.js:1\)$/);
  assert.deepEqual(pids(), before, 'none of it reloaded anything');
  const { stdout } = await project.run(['status']);
  assert.match(stdout, /needs restart: src\/limits\.js {2}\(server\.js:2 → src\/config\.js:1 → src\/limits\.js\)/);

  project.write('server.js', original.script);
  project.write('src/config.js', original.config);
  await flagged(server, 'src/limits.js');
  project.write('src/limits.js', original.limits);
  await flagged(server);

  // The workers that do not reload: flagged, not touched.
  project.write('src/lines.js', "export const lines = 'two';\n");
  const [fixed] = await flagged(server, 'src/lines.js');
  assert.equal(fixed?.reason, 'non-reloadable');
  assert.deepEqual(fixed?.groups, ['gateway']);
  assert.deepEqual(fixed?.chain, ['src/gateway.js:2', 'src/lines.js']);
  assert.deepEqual(pids(), before);
  const refused = await project.json(['reload', '--group', 'gateway']);
  assert.equal(refused.code, 1);
  assert.equal((refused.value as { error: { code: string } }).error.code, 'not-reloadable');

  // Loaded on both sides: the workers that may reload do, the rest is flagged.
  const gateway = server.pids('gateway');
  const report = await server.reloadBy(() => project.write('src/shared.js', "export const title = 'changed';\n"));
  assert.deepEqual(report.groups, ['web']);
  await flagged(server, 'src/lines.js', 'src/shared.js');
  assert.deepEqual(server.pids('gateway'), gateway);
  assert.equal((await project.run(['restart'])).code, 0);
  await flagged(server);
  await server.settled();
  assert.notDeepEqual(server.pids('gateway'), gateway);
  assert.equal((await server.ask('/', { address: server.snapshot.addresses.length - 1 })).body['text'], 'gateway two');
});

test('explain says what a save would do', async (t) => {
  const project = Project.of('groups', t);
  const server = await project.ready(['server.js']);
  const explain = async (file: string, cwd = ''): Promise<Explanation> => {
    const { code, value } = await project.json(['explain', file], { cwd });
    assert.equal(code, 0);
    return value as Explanation;
  };
  const summary = ({ file, verdict, groups, chain }: Explanation): unknown => ({ file, verdict, groups, chain });

  assert.deepEqual(summary(await explain('src/page.js')), {
    file: 'src/page.js',
    verdict: 'reload',
    groups: ['web'],
    chain: ['src/web.js:2', 'src/page.js'],
  });
  assert.deepEqual(summary(await explain('page.js', 'src')), {
    file: 'src/page.js',
    verdict: 'reload',
    groups: ['web'],
    chain: ['src/web.js:2', 'src/page.js'],
  });
  assert.deepEqual(summary(await explain('server.js')), {
    file: 'server.js',
    verdict: 'restart',
    groups: [],
    chain: ['server.js'],
  });
  assert.deepEqual(summary(await explain('src/limits.js')), {
    file: 'src/limits.js',
    verdict: 'restart',
    groups: [],
    chain: ['server.js:2', 'src/config.js:1', 'src/limits.js'],
  });
  assert.deepEqual(summary(await explain('src/lines.js')), {
    file: 'src/lines.js',
    verdict: 'restart',
    groups: ['gateway'],
    chain: ['src/gateway.js:2', 'src/lines.js'],
  });
  const shared = await explain('src/shared.js');
  assert.equal(shared.verdict, 'partial');
  assert.deepEqual(shared.groups, ['web']);
  const answer = await explain('src/answer.js');
  assert.equal(answer.verdict, 'partial', 'the gateway runs it too');
  assert.match(answer.reason, /gateway/);
  assert.deepEqual(summary(await explain('src/extra.js')), {
    file: 'src/extra.js',
    verdict: 'none',
    groups: [],
    chain: [],
  });
  const unknown = await project.run(['explain', 'no-such-file.js']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /There is no file .*no-such-file\.js/);
  const { stdout } = await project.run(['explain', 'src/page.js']);
  assert.match(stdout, /web/);
  assert.equal(server.lastReload, null, 'asking changes nothing');
});
