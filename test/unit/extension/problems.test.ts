import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from '../../../src/extension/diagnostics/problems.ts';
import type { NeedsRestart } from '../../../src/protocol/status.ts';
import { concernsFolders, editorPath, splitPosition } from '../../../src/extension/paths.ts';
import { configChange, group, report, snapshot, syntaxError, taskChange, worker } from './snapshots.ts';

test('a healthy server has no problems', () => {
  assert.deepEqual(problemsOf(snapshot()), []);
});

test('an edit that needs a restart is a warning with the chain of imports', () => {
  const chain = ['server.ts:3', 'src/settings.ts:7', 'src/config.ts'];
  const [problem] = problemsOf(snapshot({ needsRestart: [{ ...configChange, chain }] }));
  assert.equal(problem?.severity, 'warning');
  assert.equal(problem?.message, 'Changed since the server started: needs a restart (imported by src/settings.ts:7)');
  assert.deepEqual(problem?.place, { file: 'src/config.ts', line: 2, column: 1, lastLine: 3 });
  assert.deepEqual(problem?.related, [
    { message: 'imports src/settings.ts', place: { file: 'server.ts', line: 3, column: 1 } },
    { message: 'imports src/config.ts', place: { file: 'src/settings.ts', line: 7, column: 1 } },
  ]);
});

test('each changed range has a warning of its own; without ranges the first line has it', () => {
  const linesOf = (changed: NeedsRestart['changed']): number[] =>
    problemsOf(snapshot({ needsRestart: [{ ...configChange, changed }] })).map(({ place }) => place.line);
  const ranges = [
    { from: 2, to: 3 },
    { from: 9, to: 9 },
  ];
  assert.deepEqual(linesOf(ranges), [2, 9]);
  assert.deepEqual(linesOf([]), [1]);
  assert.deepEqual(linesOf(null), [1]);
});

test('a file that was deleted is missed where it is imported', () => {
  const [problem] = problemsOf(snapshot({ needsRestart: [{ ...configChange, digest: null, changed: [] }] }));
  assert.deepEqual(problem?.place, { file: 'server.ts', line: 3, column: 1 });
  assert.match(problem.message, /^src\/config\.ts was deleted since the server started/);
});

test('each line of a task with an option that is another now has a warning; one without a line stands at the top', () => {
  const problems = problemsOf(snapshot({ needsRestart: [taskChange] }));
  assert.deepEqual(
    problems.map(({ place }) => place),
    [1, 8, 12].map((line) => ({ file: '.vscode/tasks.json', line, column: 1 })),
  );
  assert.match(problems[0]!.message, /start options: workers, args, env · with a stop and a start: node/);
});

test('a rejected reload is an error at its place, until the next reload', () => {
  const rejected = report({ result: 'rejected', error: syntaxError });
  const [problem, ...more] = problemsOf(snapshot({ lastReload: rejected }));
  assert.deepEqual(problem?.place, { file: 'src/web.ts', line: 12, column: 9 });
  assert.equal(problem?.message, 'SyntaxError: Unexpected token (the old workers serve on)');
  assert.deepEqual(more, []);
  assert.deepEqual(problemsOf(snapshot({ lastReload: report() })), []);
});

test('a rejection without a place stands in the file that was saved', () => {
  const error = { ...syntaxError, message: 'not ready within 30 s', file: null, line: null, column: null };
  const rejected = report({ result: 'rejected', error, trigger: { kind: 'save', files: ['src/catalog.ts'] } });
  assert.deepEqual(problemsOf(snapshot({ lastReload: rejected }))[0]?.place, {
    file: 'src/catalog.ts',
    line: 1,
    column: 1,
  });
});

test('a failed start does not claim that anything serves, and is not told twice', () => {
  const groups = [group('web', [worker(1, { state: 'backoff', pid: null })])];
  const rejected = report({ result: 'rejected', error: syntaxError });
  const problems = problemsOf(snapshot({ state: 'failed', groups, error: syntaxError, lastReload: rejected }));
  assert.deepEqual(
    problems.map(({ code, message }) => [code, message]),
    [['failed', 'SyntaxError: Unexpected token (no worker serves until this is fixed)']],
  );
});

test('places and paths', () => {
  assert.deepEqual(splitPosition('server.ts:3'), { file: 'server.ts', line: 3 });
  assert.deepEqual(splitPosition('C:\\app\\server.ts'), { file: 'C:\\app\\server.ts', line: 1 });
  const folders = [{ path: '/home/me/link', real: '/data/shop' }];
  assert.equal(editorPath('src/web.ts', '/data/shop', folders), '/home/me/link/src/web.ts');
  assert.equal(editorPath('/data/shared/lib.ts', '/data/shop', folders), '/data/shared/lib.ts');
});

test('a server concerns the window when it was started in a folder, below or above it', () => {
  const folders = [{ path: '/w/app', real: '/w/app' }];
  assert.deepEqual(
    ['/w/app', '/w/app/api', '/w', '/w/app2', '/other'].map((cwd) => concernsFolders(cwd, folders)),
    [true, true, true, false, false],
  );
});
