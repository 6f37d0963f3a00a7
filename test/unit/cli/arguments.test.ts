import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseStart } from '../../../src/cli/arguments.ts';
import type { StartOptions } from '../../../src/protocol/startOptions.ts';

let cwd = '';
before(() => {
  cwd = realpathSync(mkdtempSync(join(tmpdir(), 'arguments-')));
  writeFileSync(join(cwd, 'server.ts'), '');
  mkdirSync(join(cwd, 'src'));
  symlinkSync(join(cwd, 'server.ts'), join(cwd, 'link.ts'));
});
after(() => rmSync(cwd, { recursive: true }));

const parse = (line: string): StartOptions => {
  const parsed = parseStart(line.split(' ').filter(Boolean), cwd);
  assert.ok(!parsed.help);
  return parsed.options;
};

const refuses = (line: string, message: RegExp): void =>
  assert.throws(() => parse(line), { name: 'UserError', code: 'usage', message });

describe('start', () => {
  it('needs a file only', () => {
    assert.deepEqual(parse('server.ts'), {
      script: join(cwd, 'server.ts'),
      cwd,
      args: [],
      nodeArgs: [],
      name: undefined,
      node: undefined,
      watch: true,
      poll: undefined,
      reloadOn: undefined,
      include: [],
      inspect: undefined,
      exclude: [],
      envFiles: [],
      prefix: 'auto',
      group: {
        workers: undefined,
        order: undefined,
        drainTimeout: undefined,
        bootTimeout: undefined,
        spares: undefined,
      },
    });
  });

  it('runs a file that is not there only when something builds it', () => {
    const { script, group } = parse('--build watch dist/deep/server.js');
    assert.deepEqual([script, group.build], [join(cwd, 'dist/deep/server.js'), 'watch']);
    refuses('dist/deep/server.js', /There is no file .*dist\/deep\/server\.js/);
    refuses('--build watch src', /src is not a file/);
    refuses('--build= server.ts', /--build is a command/);
  });

  it('takes its own options before the file, with or without an equals sign', () => {
    const { group, name, watch, reloadOn, prefix, node } = parse(
      '--workers 4 --order=stop-first --drain-timeout 2s --boot-timeout=1m --spares 0 --name shop --no-watch --reload-on never --prefix always --node /n server.ts',
    );
    assert.deepEqual(group, { workers: 4, order: 'stop-first', drainTimeout: 2000, bootTimeout: 60_000, spares: 0 });
    assert.deepEqual(
      { name, watch, reloadOn, prefix, node },
      { name: 'shop', watch: false, reloadOn: 'never', prefix: 'always', node: '/n' },
    );
    assert.equal(parse('--workers max server.ts').group.workers, 'max');
    assert.equal(parse('--watch server.ts').watch, true);
  });

  it('gives everything after the file to the program', () => {
    assert.deepEqual(parse('server.ts --workers 4 -x --help').args, ['--workers', '4', '-x', '--help']);
    assert.deepEqual(parse('server.ts -- --port 3000').args, ['--', '--port', '3000']);
    assert.deepEqual(parse('--workers 2 -- server.ts --port').args, ['--port']);
  });

  it('polls at an interval that may be left out', () => {
    const polled = (line: string): unknown[] => [parse(line).poll, parse(line).args];
    assert.deepEqual(polled('--poll server.ts 5'), [100, ['5']]);
    assert.deepEqual(polled('--poll 500 server.ts'), [500, []]);
    assert.deepEqual(polled('--poll=2s server.ts'), [2000, []]);
    refuses('--poll 0 server.ts', /--poll is an interval of at least 1 ms/);
    refuses('--poll=often server.ts', /--poll is a duration/);
    refuses('--poll --no-watch server.ts', /contradict/);
  });

  it('takes lists from options that are repeated', () => {
    const { include, exclude } = parse('--include views/** --include *.sql --exclude tmp/** server.ts');
    assert.deepEqual([include, exclude], [['views/**', '*.sql'], ['tmp/**']]);
  });

  it('takes env files in the order in which they stand: a later one wins', () => {
    const { envFiles } = parse('--env-file-if-exists a --env-file b --env-file-if-exists=c --env-file=d server.ts');
    assert.deepEqual(envFiles, [
      { path: join(cwd, 'a'), optional: true },
      { path: join(cwd, 'b'), optional: false },
      { path: join(cwd, 'c'), optional: true },
      { path: join(cwd, 'd'), optional: false },
    ]);
  });

  it('gives flags that Node knows to Node, with their values', () => {
    const line =
      '--enable-source-maps --max-old-space-size=200 --conditions dev -C test --workers 2 --no-warnings --loader ./server.ts server.ts';
    assert.deepEqual(parse(line).nodeArgs, [
      '--enable-source-maps',
      '--max-old-space-size=200',
      '--conditions',
      'dev',
      '-C',
      'test',
      '--no-warnings',
      '--loader',
      './server.ts',
    ]);
  });

  it('gives preloads to Node', () => {
    assert.deepEqual(parse('--import tsx -r ./link.ts --require=./server.ts server.ts').nodeArgs, [
      '--require',
      './link.ts',
      '--require',
      './server.ts',
      '--import',
      'tsx',
    ]);
  });

  it('follows links to the real file', () => {
    assert.equal(parse('link.ts').script, join(cwd, 'server.ts'));
  });

  it('shows help', () => {
    assert.deepEqual(parseStart(['--help'], cwd), { help: true });
    assert.deepEqual(parseStart(['-h', 'server.ts'], cwd), { help: true });
  });
});

describe('start refuses, in words that help', () => {
  const table: [line: string, message: RegExp][] = [
    ['--config server.ts server.ts', /^--config names the file to run: leave out server\.ts\./],
    ['--config nothing.ts', /^There is no file .*nothing\.ts\./],
    ['nothing.ts', /^There is no file .*nothing\.ts\. Give the file/],
    ['src', /src is not a file/],
    ['--worker 2 server.ts', /^Unknown option --worker\. Did you mean --workers\? See: graceful-reload --help/],
    ['--drain-timeot=2s server.ts', /--drain-timeot\. Did you mean --drain-timeout\?/],
    ['--frobnicate server.ts', /^Unknown option --frobnicate\. See/],
    ['-x server.ts', /^Unknown option -x\. /],
    ['--workers 0 server.ts', /^--workers is a whole number from 1 to 1024 or "max", not "0"\./],
    ['--workers two server.ts', /"two"/],
    ['--workers 1.5 server.ts', /"1\.5"/],
    ['--workers 1e2 server.ts', /"1e2"/],
    ['--spares= server.ts', /^--spares is a whole number from 0 to 16, not ""\./],
    ['--spares 17 server.ts', /"17"/],
    ['--order both server.ts', /^--order is one of auto, start-first, stop-first, not "both"\./],
    ['--reload-on save server.ts', /^--reload-on is one of change, manualSave, never, not "save"\./],
    ['--prefix yes server.ts', /^--prefix is one of auto, always, never/],
    ['--drain-timeout soon server.ts', /^--drain-timeout is a duration such as 500 \(ms\), 10s or 2m, not "soon"\./],
    ['--watch --no-watch server.ts', /^--watch and --no-watch contradict each other\./],
    ['--watch=no server.ts', /--watch/],
    ['--name', /--name/],
  ];
  for (const [line, message] of table) it(line || '(nothing)', () => refuses(line, message));
});
