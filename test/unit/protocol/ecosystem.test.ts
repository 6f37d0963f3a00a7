import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { readEcosystem } from '../../../src/protocol/ecosystem.ts';

const groupsOf = (...apps: object[]) => readEcosystem({ apps, deploy: {} }, '/shop/ecosystem.config.js').data?.groups;
const issuesOf = (app: object) => readEcosystem({ apps: [app] }, '/shop/ecosystem.config.js').error?.issues;

test('an app is a group: what changes how it runs is kept, what is about PM2 alone is left out', () => {
  const app = {
    name: 'the shop',
    script: './api/server.js',
    args: '--verbose "two words"',
    node_args: ['--enable-source-maps'],
    interpreter_args: '--stack-size=2000',
    instances: 3,
    exec_mode: 'cluster',
    env: { NODE_ENV: 'development', PORT: 3000, DEBUG: true },
    env_production: { NODE_ENV: 'production' },
    env_file: '.env',
    wait_ready: true,
    kill_timeout: 3000,
    listen_timeout: '8000',
    ignore_watch: ['node_modules', 'logs/*.log'],
    watch: true,
    max_memory_restart: '300M',
  };
  const { 'the-shop': group } = groupsOf({ ...app, cwd: 'apps' })!;
  assert.deepEqual(
    { ...group, spares: 0 },
    {
      ...groupsOf({ script: 'x.js' })!['x'],
      spares: 0,
      entry: '/shop/apps/api/server.js',
      cwd: '/shop/apps',
      workers: 3,
      args: ['--verbose', 'two words'],
      nodeArgs: ['--enable-source-maps', '--stack-size=2000'],
      env: { NODE_ENV: 'development', PORT: '3000', DEBUG: 'true' },
      envFile: ['/shop/apps/.env'],
      ready: 'message',
      drainTimeout: 3000,
      bootTimeout: 8000,
      exclude: ['apps/node_modules', 'apps/node_modules/**', 'apps/logs/*.log'],
    },
  );
});

test('how many instances, in all the ways in which it can be said', () => {
  const workersOf = (instances: unknown) => groupsOf({ script: 'app.js', instances })?.['app']?.workers;
  const fewer = Math.max(1, availableParallelism() - 1);
  assert.deepEqual([undefined, 4, '4', 'max', 0, -1].map(workersOf), [1, 4, 4, 'max', 'max', fewer]);
  assert.equal(workersOf('many'), undefined);
});

test('apps of one name, and without a name', () => {
  const names = Object.keys(groupsOf({ script: 'app.js' }, { script: 'b/app.js' }, { script: 'c.js', name: 'app' })!);
  assert.deepEqual(names, ['app', 'app-2', 'app-3']);
});

test('tsx is a way to run Node; other programs and restarts by the clock are refused, with their place', () => {
  assert.deepEqual(groupsOf({ script: 'app.ts', interpreter: 'node_modules/.bin/tsx' })!['app']!.nodeArgs, [
    '--import',
    'tsx',
  ]);
  for (const [key, value] of [
    ['interpreter', 'python3'],
    ['interpreter', 'none'],
    ['cron_restart', '0 0 * * *'],
    ['instances', 'many'],
    ['env', 'A=1'],
  ] as const) {
    const [issue] = issuesOf({ script: 'app.js', [key]: value })!;
    assert.deepEqual(issue?.path.slice(0, 3), ['apps', 0, key]);
  }
});
