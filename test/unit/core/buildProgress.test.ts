/** What builders wrote, taken down as they ran: at a save, at one that is broken, and at the one that mends it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuildProgress, type BuildPhase } from '../../../src/core/buildProgress.ts';

type Step = readonly [lines: readonly string[], phase: BuildPhase, error?: string];

const builders: Record<string, readonly Step[]> = {
  'tsc --watch': [
    [['5:28:25 AM - Starting compilation in watch mode...'], 'building'],
    [['', '5:28:26 AM - Found 0 errors. Watching for file changes.'], 'built'],
    [['5:28:35 AM - File change detected. Starting incremental compilation...'], 'building'],
    [
      [
        'src/word.ts(1,21): error TS1109: Expression expected.',
        '5:28:35 AM - Found 1 error. Watching for file changes.',
      ],
      'failed',
      'src/word.ts:1:21 TS1109: Expression expected.',
    ],
    [
      [
        '5:28:42 AM - File change detected. Starting incremental compilation...',
        '5:28:42 AM - Found 0 errors. Watching for file changes.',
      ],
      'built',
    ],
  ],
  'nest build --watch': [
    [
      [
        '[5:29:31 AM] File change detected. Starting incremental compilation...',
        "src/word.ts:1:14 - error TS2322: Type 'number' is not assignable to type 'string'.",
        '[5:29:42 AM] Found 1 error. Watching for file changes.',
      ],
      'failed',
      "src/word.ts:1:14 TS2322: Type 'number' is not assignable to type 'string'.",
    ],
  ],
  'swc --watch': [
    [['Successfully compiled: 4 files with swc (163.95ms)', 'Watching for file changes.'], 'built'],
    [
      ['  x Expression expected', '   ,-[src/word.ts:1:1]', ' 1 | export const word = ;', '    Syntax Error'],
      'failed',
      'src/word.ts:1:1 Expression expected',
    ],
    [['Successfully compiled src/app.ts with swc (3.51ms)'], 'failed', 'src/word.ts:1:1 Expression expected'],
    [['Successfully compiled src/word.ts with swc (2.17ms)'], 'built'],
  ],
  'esbuild --watch': [
    [['[watch] build finished, watching for changes...'], 'built'],
    [['[watch] build started (change: "src/word.ts")'], 'building'],
    [
      ['✘ [ERROR] Unexpected ";"', '', '    src/word.ts:1:20:', '1 error', '[watch] build finished'],
      'failed',
      'src/word.ts:1:21 Unexpected ";"',
    ],
    [['[watch] build started (change: "src/word.ts")', '[watch] build finished'], 'built'],
  ],
  'tsup --watch': [
    [['CLI Building entry: src/app.ts', 'CJS Build start', 'ESM Build start'], 'building'],
    [['CJS ⚡️ Build success in 45ms', 'ESM ⚡️ Build success in 45ms'], 'built'],
    [['CLI Change detected: change src/word.ts'], 'building'],
    [
      [
        'CLI Cleaning output folder',
        'CJS Build start',
        'ESM Build start',
        '✘ [ERROR] Unexpected ";"',
        '    src/word.ts:1:20:',
        'ESM Build failed',
        'CJS Build failed',
        'Error: Build failed with 1 error:',
      ],
      'failed',
      'src/word.ts:1:21 Unexpected ";"',
    ],
    [['CLI Change detected: change src/word.ts', 'CJS Build start', 'CJS ⚡️ Build success in 16ms'], 'built'],
  ],
  'rollup --watch': [
    [['bundles src/app.js → dist/app.js...'], 'building'],
    [['created dist/app.js in 26ms', '[2026-11-28 05:28:25] waiting for changes...'], 'built'],
    [
      [
        'bundles src/app.js → dist/app.js...',
        '[!] RollupError: src/word.js (1:20): Expression expected',
        'src/word.js (1:20)',
      ],
      'failed',
      'src/word.js:1:21 Expression expected',
    ],
  ],
  'tsdown --watch': [
    [['ℹ Build start', '✔ Rebuilt in 23ms.'], 'built'],
    [['ℹ Found /p/src/word.ts changed, rebuilding...'], 'building'],
    [
      [
        ' ERROR  Error: Build failed with 1 error:',
        '[PARSE_ERROR] Error: Unexpected token',
        '   ╭─[ src/word.ts:1:21 ]',
      ],
      'failed',
    ],
    [['ℹ Found /p/src/word.ts changed, rebuilding...', '✔ Rebuilt in 9ms.'], 'built'],
  ],
  'babel --watch': [
    [['Successfully compiled 3 files with Babel (221ms).', 'The watcher is ready.'], 'built'],
    [
      [
        'SyntaxError: /p/src/word.ts: Unexpected token (1:20)',
        "  code: 'BABEL_PARSE_ERROR',",
        'Successfully compiled 0 files with Babel (105ms).',
      ],
      'failed',
      '/p/src/word.ts:1:21 Unexpected token',
    ],
    [['Successfully compiled 1 file with Babel (105ms).'], 'built'],
  ],
  'webpack --watch': [
    [['asset app.js 2.87 KiB [emitted] (name: main)', 'webpack 5.113.0 compiled successfully in 1579 ms'], 'built'],
    [
      [
        'ERROR in ./src/word.ts 4:15',
        'Module parse failed: Unexpected token (4:15)',
        "File was parsed as module type 'javascript/auto'.",
        ' @ ./src/app.ts 3:15-32',
        '',
        'ERROR in /p/src/word.ts',
        './src/word.ts 1:20-21',
        '[tsl] ERROR in /p/src/word.ts(1,21)',
        '      TS1109: Expression expected.',
        'ts-loader-default_e3b0c44298fc1c14',
        'webpack 5.113.0 compiled with 2 errors in 53 ms',
      ],
      'failed',
      '/p/src/word.ts:1:21 TS1109: Expression expected.',
    ],
    [
      [
        'ERROR in ./src/a.js',
        'Module build failed (from ../node_modules/babel-loader/lib/index.js):',
        'SyntaxError: /p/src/a.js: Unexpected token (1:17)',
        'webpack 5.113.0 compiled with 1 error in 53 ms',
      ],
      'failed',
      '/p/src/a.js:1:18 Unexpected token',
    ],
    [
      [
        'ERROR in ./src/a.js 1:17',
        'Module parse failed: Unexpected token (1:17)',
        'webpack 5.113.0 compiled with 1 error in 53 ms',
      ],
      'failed',
      './src/a.js:1:18 Module parse failed: Unexpected token (1:17)',
    ],
    [
      ['ERROR in ./src/main.ts 4:15-32', "Module not found: Error: Can't resolve './word' in '/p/src'"],
      'failed',
      "./src/main.ts:4:16 Module not found: Error: Can't resolve './word' in '/p/src'",
    ],
    [['webpack 5.113.0 compiled successfully in 60 ms'], 'built'],
  ],
};

for (const [name, steps] of Object.entries(builders))
  test(`${name}: when it builds, is through, and what is wrong`, () => {
    const progress = new BuildProgress();
    for (const [index, [lines, phase, error]] of steps.entries()) {
      for (const line of lines) progress.line(line, index + 1);
      const told = progress.error && [progress.error.file, progress.error.line, progress.error.column].join(':');
      assert.equal(progress.phase, phase, `step ${index + 1}`);
      if (phase === 'failed' && error !== undefined) assert.equal(`${told} ${progress.error?.message}`, error);
      if (phase === 'built') assert.equal(progress.error, null);
    }
  });

test('what was saved before it began is in what it makes; one that tells of no begin has begun when it tells', () => {
  const begins = new BuildProgress();
  for (const [index, line] of [
    'CJS Build start',
    'CJS ⚡️ Build success in 4ms',
    'ESM ⚡️ Build success in 5ms',
  ].entries())
    begins.line(line, index + 1);
  assert.equal(begins.reactedAt, 1);
  const tells = new BuildProgress();
  tells.line('Successfully compiled: 4 files with swc (163.95ms)', 1000);
  assert.deepEqual([tells.reactedAt, tells.reactedBy], [1000 - 163.95, 1000]);
  for (const line of ['  x Expression expected', '   ,-[src/word.ts:1:1]']) tells.line(line, 2000);
  assert.deepEqual([tells.reactedAt, tells.reactedBy], [2000, 2000]);
});

test('what fails as before may be the failure of before, told once more', () => {
  const progress = new BuildProgress();
  for (const [line, now] of [
    ['SyntaxError: /p/src/word.ts: Unexpected token (1:20)', 1000],
    ['Successfully compiled 0 files with Babel (105ms).', 1105],
    ['SyntaxError: /p/src/word.ts: Unexpected token (1:20)', 1300],
  ] as const)
    progress.line(line, now);
  assert.deepEqual([progress.phase, progress.reactedAt, progress.reactedBy], ['failed', 1000, 1300]);
  progress.line('Successfully compiled 1 file with Babel (105ms).', 1600);
  assert.deepEqual([progress.phase, progress.reactedAt, progress.reactedBy], ['built', 1495, 1600]);
});

test('one that builds a file at a time: what it told of the same file before is over, of another one it is not', () => {
  const progress = new BuildProgress();
  const fails = (message: string, file: string, now: number): void => {
    for (const line of [`  x ${message}`, `   ,-[${file}:1:1]`]) progress.line(line, now);
  };
  const error = (): string => `${progress.error?.file} ${progress.error?.message}`;
  fails('Expression expected', 'src/a.ts', 1);
  fails('Expected ident', 'src/a.ts', 1000);
  assert.equal(error(), 'src/a.ts Expected ident');
  fails('Unterminated string constant', 'src/b.ts', 2000);
  assert.equal(error(), 'src/a.ts Expected ident');
  fails('Unexpected token', 'src/a.ts', 3000);
  assert.equal(error(), 'src/b.ts Unterminated string constant');
});

test('what is wrong for the type checker alone is known as that', () => {
  const progress = new BuildProgress();
  const types = "src/a.ts(1,1): error TS2322: Type 'number' is not assignable to type 'string'.";
  for (const line of ['Starting compilation in watch mode...', types]) progress.line(line, 1);
  assert.equal(progress.isOfTypes, true);
  progress.line('✘ [ERROR] Unexpected ";"', 1);
  assert.equal(progress.isOfTypes, false);
});

test('lines of a program whose words are not known say nothing', () => {
  const progress = new BuildProgress();
  for (const line of ['hello', 'built 3 pages', 'listening on 3000', 'done'])
    assert.equal(progress.line(line, 1), false);
  assert.deepEqual([progress.phase, progress.reactedAt], ['quiet', -Infinity]);
});
