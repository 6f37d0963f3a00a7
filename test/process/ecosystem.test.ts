/** A project that is run with PM2 so far, as it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Project } from './harness/project.ts';

const APPS = [
  {
    name: 'web',
    script: 'app.cjs',
    instances: 2,
    exec_mode: 'cluster',
    env: { GREETING: 'from the file' },
    ignore_watch: ['logs'],
    max_memory_restart: '300M',
  },
  { name: 'jobs', script: './jobs.cjs', kill_timeout: 1000 },
];
const fileOf = (apps: readonly object[]): string => `module.exports = ${JSON.stringify({ apps }, undefined, 2)};\n`;

test('the ecosystem file of PM2 is found, its apps run as groups, and a save reloads the ones it concerns', async (t) => {
  const project = Project.of('cjs', t);
  project.write('jobs.cjs', "setInterval(() => undefined, 20);\nprocess.on('SIGTERM', () => process.exit(0));\n");
  project.write('ecosystem.config.cjs', fileOf(APPS));
  project.write('package.json', JSON.stringify({ name: 'shop' }));
  project.replace('message.cjs', /'one'/, 'process.env.GREETING');
  const server = await project.ready([]);
  const { groups } = server.snapshot;
  assert.deepEqual(
    groups.map(({ name, entry, wanted }) => [name, entry, wanted]),
    [
      ['web', 'app.cjs', 2],
      ['jobs', 'jobs.cjs', 1],
    ],
  );
  assert.equal((await server.ask()).body['message'], 'from the file');
  const report = await server.reloadBy(() => project.write('message.cjs', "exports.message = 'two';\n"));
  assert.deepEqual([report.result, report.groups, report.replaced], ['done', ['web'], 2]);
  assert.equal((await server.ask()).body['message'], 'two');

  // The file itself is a bootstrap script like any other: what it says takes a restart.
  project.write('ecosystem.config.cjs', fileOf([{ ...APPS[0], instances: 1 }, APPS[1]!]));
  await server.snapshotWith(({ needsRestart: [change] }) => change?.file === 'ecosystem.config.cjs', 'the flag');
  const { result } = await server.control.request('restart', {});
  assert.equal(result, 'done');
  assert.deepEqual(
    (await server.settled()).groups.map(({ wanted }) => wanted),
    [1, 1],
  );
});

test('what cannot be kept of an ecosystem file is refused with its place and the reason', async (t) => {
  const project = Project.of('cjs', t);
  project.write('pm2.config.cjs', fileOf([{ ...APPS[0], cron_restart: '0 0 * * *' }]));
  const { code, stderr } = await project.run(['start', 'pm2.config.cjs']);
  assert.equal(code, 1);
  assert.match(stderr, /pm2\.config\.cjs: apps\.0\.cron_restart: restarts by the clock .*PM2/);
});
