import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  describeTask,
  detectedTask,
  environmentOf,
  startArguments,
  taskKey,
} from '../../../src/extension/tasks/definition.ts';
import { allWithVariables, withVariables } from '../../../src/extension/tasks/variables.ts';
import { nodeOnPath } from '../../../src/extension/tasks/nodePath.ts';

const type = 'graceful-reload';

describe('task definition', () => {
  test('a script alone', () => {
    assert.deepEqual(startArguments({ type, script: 'server.ts' }), ['start', 'server.ts']);
  });

  test('options before node flags before the script before its arguments', () => {
    const definition = {
      type,
      script: 'src/web.ts',
      workers: 4,
      name: 'web',
      order: 'stop-first',
      drainTimeout: '2s',
      watch: false,
      include: ['views/**', 'i18n/**'],
      envFile: '.env',
      poll: 500,
      inspect: true,
      nodeArgs: ['--import=tsx'],
      args: ['--verbose', 'x y'],
      cwd: 'apps/web',
      node: '/opt/node',
      env: { PORT: '1' },
    };
    assert.deepEqual(startArguments(definition), [
      ...['start', '--workers', '4', '--name', 'web', '--order', 'stop-first', '--drain-timeout', '2s'],
      ...[
        '--include',
        'views/**',
        '--include',
        'i18n/**',
        '--env-file',
        '.env',
        '--no-watch',
        '--poll=500',
        '--inspect',
      ],
      ...['--import=tsx', 'src/web.ts', '--verbose', 'x y'],
    ]);
  });

  test('what is off or empty makes no option', () => {
    const definition = {
      type,
      script: 'a.js',
      watch: true,
      poll: false,
      inspect: false,
      include: [],
      name: '',
      spares: 0,
    };
    assert.deepEqual(startArguments(definition), ['start', '--spares', '0', 'a.js']);
  });

  test('a command instead of a script', () => {
    const definition = { type, command: 'tsx watch src/app.ts' };
    assert.deepEqual(startArguments(definition), ['start', '--command', 'tsx watch src/app.ts']);
    assert.deepEqual(startArguments({ ...definition, nodeArgs: ['--inspect'], args: ['a b'] }), [
      'start',
      '--inspect',
      '--command',
      "tsx watch src/app.ts 'a b'",
    ]);
    assert.equal(describeTask(definition), 'tsx watch src/app.ts');
  });

  test('the detail is what a person would have typed', () => {
    assert.equal(
      describeTask({ type, script: 'server.js', nodeArgs: ['--import=tsx'], args: ['x'] }),
      'node --import=tsx server.js x',
    );
  });

  test('the environment is text', () => {
    assert.deepEqual(environmentOf({ type, env: { PORT: 3000 } }), { PORT: '3000' });
    assert.deepEqual(environmentOf({ type, env: 'PORT=1' }), {});
  });

  test('the key tells servers apart, not their options', () => {
    assert.equal(taskKey({ type, script: 'a.ts', workers: 2 }), taskKey({ type, script: 'a.ts' }));
    assert.notEqual(taskKey({ type, script: 'a.ts', name: 'b' }), taskKey({ type, script: 'a.ts' }));
  });
});

test('the task of a detected server says what does not go without saying', () => {
  const server = {
    folder: 'apps/api',
    entry: 'src/server.ts',
    args: [],
    nodeArgs: ['--import', 'tsx'],
    env: { NODE_ENV: 'development' },
    envFiles: [{ path: '.env', optional: false }],
    exclude: [],
    from: 'script "dev"',
    loader: 'tsx',
    build: undefined,
    beside: [],
  };
  assert.deepEqual(detectedTask(type, server), {
    type,
    script: 'src/server.ts',
    cwd: 'apps/api',
    nodeArgs: ['--import', 'tsx'],
    env: { NODE_ENV: 'development' },
    envFile: ['.env'],
  });
});

test('what builds a detected server stands in its task, and goes to the command line as one word', () => {
  const server = {
    ...{ folder: '.', entry: 'dist/main.js', args: [], nodeArgs: [], env: {}, envFiles: [], exclude: [], beside: [] },
    ...{ from: 'script "dev"', loader: undefined, build: 'tsc --watch & tsc-alias --watch & wait' },
  };
  const definition = detectedTask(type, server);
  assert.deepEqual(definition, { type, script: 'dist/main.js', build: server.build });
  assert.deepEqual(startArguments(definition), ['start', '--build', server.build, 'dist/main.js']);
});

test('node is found on the PATH, relative entries are not looked at', () => {
  assert.equal(nodeOnPath({ PATH: '' }), undefined);
  assert.equal(nodeOnPath({ PATH: `.:${process.execPath.replace(/\/[^/]+$/, '')}` }), process.execPath);
});

describe('variables in a task', () => {
  const lookUp = (name: string, argument?: string): string | undefined =>
    ({ workspaceFolder: argument === undefined ? '/shop' : `/${argument}`, 'env:A': '1' })[
      name === 'env' ? `env:${argument}` : name
    ];
  const table: [text: string, resolved: string | undefined][] = [
    ['plain', 'plain'],
    ['${workspaceFolder}/server.ts', '/shop/server.ts'],
    ['${workspaceFolder:api}/${env:A}', '/api/1'],
    ['$HOME and ${', '$HOME and ${'],
    ['${file}', undefined],
    ['${workspaceFolder}/${input:port}', undefined],
  ];
  for (const [text, resolved] of table)
    test(`${text}: ${resolved ?? 'nobody knows but VS Code'}`, () => {
      assert.equal(withVariables(text, lookUp), resolved);
      assert.deepEqual(allWithVariables(['a', text], lookUp), resolved === undefined ? undefined : ['a', resolved]);
    });
});
