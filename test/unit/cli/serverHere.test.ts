/** `start` without a file. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseStart } from '../../../src/cli/arguments.ts';

function project(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'server-here-')));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const script = (dev: string): string => JSON.stringify({ scripts: { dev } });

test('the nearest configuration, here or above, wins over scripts; its folder is the start folder', (t) => {
  const folder = project(t, {
    'graceful-reload.config.ts': '',
    'src/package.json': script('node a.js'),
    'src/a.js': '',
  });
  const parsed = parseStart(['--workers', '2'], join(folder, 'src'));
  assert.ok(!parsed.help);
  assert.equal(parsed.options.script, join(folder, 'graceful-reload.config.ts'));
  assert.equal(parsed.options.cwd, folder);
});

test('a command is read as a script would be, from here; what it does not tell is never guessed', (t) => {
  const folder = project(t, { 'package.json': script('node a.js'), 'a.js': '', 'src/app.ts': '' });
  const parsed = parseStart(['--command', 'NODE_ENV=test tsx watch src/app.ts --port 1'], folder);
  assert.ok(!parsed.help);
  const { script: file, cwd, args, nodeArgs, group } = parsed.options;
  assert.deepEqual(
    [file, cwd, args, nodeArgs],
    [join(folder, 'src/app.ts'), folder, ['--port', '1'], ['--import', 'tsx']],
  );
  assert.deepEqual(group.env, { NODE_ENV: 'test' });
  assert.throws(
    () => parseStart(['--command', 'php start.php'], folder),
    /command "php start\.php" does not tell which file/,
  );
  assert.throws(
    () => parseStart(['--command', 'node a.js', 'a.js'], folder),
    /--command says what is run: leave out a\.js/,
  );
});

test('the script of the nearest package, in its folder as under npm run; own options and arguments are added', (t) => {
  const folder = project(t, {
    'package.json': script('NODE_ENV=test node --env-file=.env --import tsx --watch src/app.ts --port 1 | pino-pretty'),
    'src/app.ts': '',
  });
  const parsed = parseStart(['--workers', '2', '--env-file', 'more.env', '--conditions', 'dev'], join(folder, 'src'));
  assert.ok(!parsed.help);
  const { script: file, cwd, args, nodeArgs, envFiles, group } = parsed.options;
  assert.deepEqual(
    { file, cwd, args, nodeArgs, envFiles, workers: group.workers, env: group.env },
    {
      file: join(folder, 'src/app.ts'),
      cwd: folder,
      args: ['--port', '1'],
      nodeArgs: ['--import', 'tsx', '--conditions', 'dev'],
      envFiles: [
        { path: join(folder, '.env'), optional: false },
        { path: join(folder, 'src/more.env'), optional: false },
      ],
      workers: 2,
      env: { NODE_ENV: 'test' },
    },
  );
  assert.equal(parsed.note, 'script "dev": node --import tsx src/app.ts --port 1; left out: pino-pretty');
});

test('what builds the server runs beside it: its output need not be there, unless another command is given', (t) => {
  const folder = project(t, {
    'package.json': script('concurrently "tsc -w" "node --watch dist/app.js"'),
    'src/app.ts': '',
  });
  const parsed = parseStart([], folder);
  assert.ok(!parsed.help);
  assert.deepEqual([parsed.options.script, parsed.options.group.build], [join(folder, 'dist/app.js'), 'tsc --watch']);
  assert.equal(parsed.note, 'script "dev": node dist/app.js, built by tsc --watch');
  const other = parseStart(['--build', 'npm run watch'], folder);
  assert.ok(!other.help);
  assert.equal(other.options.group.build, 'npm run watch');
});

test('a candidate that is built is listed with its build', (t) => {
  const folder = project(t, {
    'package.json': '{ "workspaces": ["apps/*"] }',
    'apps/api/package.json': script('tsc && node dist/main.js'),
    'apps/web/package.json': script('node web.js'),
    'apps/web/web.js': '',
  });
  assert.throws(() => parseStart([], folder), {
    message: /\n {2}cd apps\/api && graceful-reload start --build 'tsc --watch' dist\/main\.js\n/,
  });
});

test('several candidates are listed, each with the command that starts it', (t) => {
  const folder = project(t, {
    'package.json': '{ "workspaces": ["apps/*"] }',
    'apps/api/package.json': script('PORT=1 node --watch main.js'),
    'apps/api/main.js': '',
    'apps/web/package.json': script('tsx watch web.ts'),
    'apps/web/web.ts': '',
  });
  assert.throws(() => parseStart([], folder), {
    name: 'UserError',
    code: 'usage',
    message: [
      'Which file? The workspace holds several servers. Name it:',
      '  cd apps/api && PORT=1 graceful-reload start main.js',
      '  cd apps/web && graceful-reload start --import tsx web.ts',
    ].join('\n'),
  });
});

test('a development server that reloads by itself is left alone', (t) => {
  const folder = project(t, { 'package.json': script('next dev --turbo') });
  assert.throws(() => parseStart([], folder), { message: /runs next dev, which reloads by itself: use it as it is/ });
});
