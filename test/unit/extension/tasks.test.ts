import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeTask, environmentOf, startArguments, taskKey } from '../../../src/extension/tasks/definition.ts';
import { detectServers, parseNodeCommand, type FolderReader } from '../../../src/extension/tasks/detect.ts';
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
    const definition = { type, command: 'php start.php start' };
    assert.deepEqual(startArguments(definition), ['start', '--command', 'php start.php start']);
    assert.equal(describeTask(definition), 'php start.php start');
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

describe('detection', () => {
  const folder = (files: Record<string, string>): FolderReader => ({
    exists: (path) => Promise.resolve(path.replace('/f/', '') in files),
    read: (path) => Promise.resolve(files[path.replace('/f/', '')]),
  });
  const scripts = async (files: Record<string, string>): Promise<string[]> =>
    (await detectServers('/f', folder(files))).map((server) => server.script);

  test('a configuration file ends the search', async () => {
    assert.deepEqual(await scripts({ 'graceful-reload.config.ts': '', 'server.ts': '' }), [
      'graceful-reload.config.ts',
    ]);
  });

  test('dev and start scripts and the usual names, each once', async () => {
    const manifest = JSON.stringify({
      scripts: { dev: 'node --watch ./app.ts', start: 'node app.ts' },
      main: 'lib.js',
    });
    assert.deepEqual(await scripts({ 'package.json': manifest, 'app.ts': '', 'src/server.ts': '', 'lib.js': '' }), [
      'app.ts',
      'src/server.ts',
    ]);
  });

  test('main only when there is nothing else, and not that of an extension', async () => {
    const main = { main: './dist/index.js' };
    const extension = { ...main, engines: { vscode: '^1.100.0' } };
    assert.deepEqual(await scripts({ 'package.json': JSON.stringify(main), 'dist/index.js': '' }), ['dist/index.js']);
    assert.deepEqual(await scripts({ 'package.json': JSON.stringify(main) }), []);
    assert.deepEqual(await scripts({ 'package.json': JSON.stringify(extension), 'dist/index.js': '' }), []);
  });

  test('a broken package.json hides nothing else', async () => {
    assert.deepEqual(await scripts({ 'package.json': '{', 'server.mjs': '' }), ['server.mjs']);
    assert.deepEqual(await scripts({ 'package.json': '[1]' }), []);
  });

  test('only plain node commands are taken', () => {
    assert.deepEqual(parseNodeCommand('node --watch --import=tsx ./src/a.ts one'), {
      script: 'src/a.ts',
      nodeArgs: ['--import=tsx'],
      args: ['one'],
    });
    const others = [
      'nodemon a.js',
      'node a.js && b',
      'node',
      'node --watch',
      'NODE_ENV=x node a.js',
      'node --env-file .env a.js',
      'node "a.js"',
    ];
    assert.deepEqual(
      others.filter((command) => parseNodeCommand(command)),
      [],
    );
  });
});

test('node is found on the PATH, relative entries are not looked at', () => {
  assert.equal(nodeOnPath({ PATH: '' }), undefined);
  assert.equal(nodeOnPath({ PATH: `.:${process.execPath.replace(/\/[^/]+$/, '')}` }), process.execPath);
});
