import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { optionChanges, restartOptions, type Started } from '../../../src/core/optionChanges.ts';
import type { StartOptions } from '../../../src/protocol/startOptions.ts';

const options: StartOptions = {
  script: '/shop/server.js',
  cwd: '/shop',
  args: ['--port', '3000'],
  nodeArgs: [],
  name: undefined,
  node: undefined,
  watch: true,
  poll: undefined,
  reloadOn: undefined,
  include: [],
  exclude: ['data/**'],
  envFiles: [{ path: '/shop/.env', optional: false }],
  inspect: undefined,
  prefix: 'auto',
  group: { workers: 2 },
};
const running: Started = { options, env: { MODE: 'dev', PORT: '3000' }, node: undefined };
const but = (part: Partial<StartOptions>): Started => ({ ...running, options: { ...options, ...part } });
const group = (part: StartOptions['group']): Started => but({ group: { ...options.group, ...part } });

describe('which start options are others, and what brings them in', () => {
  const table: [what: string, wanted: Started, changes: string][] = [
    ['nothing', but({}), ''],
    ['the same in another order', { ...running, env: { PORT: '3000', MODE: 'dev' } }, ''],
    ['an option that says what was meant anyway', group({ order: undefined }), ''],
    ['workers', group({ workers: 4 }), 'workers: restart'],
    ['workers no longer given', but({ group: {} }), 'workers: restart'],
    ['as many workers as there are cores', group({ workers: 'max' }), 'workers: restart'],
    ['order', group({ order: 'stop-first' }), 'order: restart'],
    ['drain timeout', group({ drainTimeout: 500 }), 'drainTimeout: restart'],
    ['boot timeout', group({ bootTimeout: 500 }), 'bootTimeout: restart'],
    ['spares', group({ spares: 0 }), 'spares: restart'],
    ['build', group({ build: 'tsc --watch' }), 'build: restart'],
    ['policy', but({ reloadOn: 'never' }), 'reloadOn: restart'],
    ['include', but({ include: ['views/**'] }), 'include: restart'],
    ['exclude no longer given', but({ exclude: [] }), 'exclude: restart'],
    ['env file', but({ envFiles: [...options.envFiles, { path: '/shop/b.env', optional: true }] }), 'envFile: restart'],
    ['flags for Node', but({ nodeArgs: ['--no-warnings'] }), 'nodeArgs: restart'],
    ['inspect', but({ inspect: { host: '127.0.0.1', port: 9229, breaks: false } }), 'inspect: restart'],
    ['arguments in another order', but({ args: ['3000', '--port'] }), 'args: restart'],
    ['a variable', { ...running, env: { ...running.env, MODE: 'test' } }, 'env: restart'],
    ['a variable more', { ...running, env: { ...running.env, EXTRA: '' } }, 'env: restart'],
    ['a variable less', { ...running, env: { PORT: '3000' } }, 'env: restart'],
    ['variables of a script', group({ env: { A: '1' } }), 'env: restart'],
    ['the file', but({ script: '/shop/other.js' }), 'script: start'],
    ['the folder', but({ cwd: '/' }), 'cwd: start'],
    ['the name', but({ name: 'shop' }), 'name: start'],
    ['the Node of the master', { ...running, node: '/opt/node' }, 'node: start'],
    ['the Node of the workers', but({ node: '/opt/node' }), 'node: start'],
    ['no watch', but({ watch: false }), 'watch: start'],
    ['polling', but({ poll: 100 }), 'poll: start'],
    [
      'several: what takes most comes first',
      { ...group({ workers: 4 }), node: '/opt/node' },
      'node: start, workers: restart',
    ],
  ];
  for (const [what, wanted, changes] of table) {
    it(`${what}: ${changes || 'none'}`, () => {
      const found = optionChanges(running, wanted).map(({ name, takes }) => `${name}: ${takes}`);
      assert.equal(found.join(', '), changes);
      // Undone it is no change, and both ways are the same change.
      assert.deepEqual(optionChanges(wanted, wanted), []);
      assert.deepEqual(optionChanges(wanted, running), optionChanges(running, wanted));
    });
    it(`${what}: after a restart only what takes a start is left`, () => {
      const after = { ...wanted, node: running.node, options: restartOptions(options, wanted.options) };
      const left = optionChanges(after, wanted).map(({ name, takes }) => `${name}: ${takes}`);
      assert.deepEqual(
        left,
        changes === '' ? [] : changes.split(', ').filter((one) => one.endsWith('start') && !one.endsWith('restart')),
      );
    });
  }
});
