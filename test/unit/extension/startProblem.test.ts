import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startProblem, taskLine } from '../../../src/extension/diagnostics/startProblem.ts';
import type { Place } from '../../../src/extension/diagnostics/problems.ts';
import { startReportPath } from '../../../src/extension/tasks/startReports.ts';
import type { StartReport } from '../../../src/protocol/startReport.ts';

const cwd = '/home/me/shop';
const script = `${cwd}/server.ts`;
const text = `{
  "tasks": [
    { "type": "graceful-reload", "script": "other.ts" },
    {
      "type": "graceful-reload",
      "script": "server.ts",
      "workers": 2
    }
  ]
}`;
const task = { file: `${cwd}/.vscode/tasks.json`, text, definition: { type: 'graceful-reload', script: 'server.ts' } };
const report = (part: Partial<StartReport>): StartReport => ({
  ...{ version: 1, code: 'bootstrap-error', message: 'no menu', cwd, script, file: null, line: null, column: null },
  ...part,
});
const placeOf = (part: Partial<StartReport>, from: typeof task | null = task, exists = true): Place | undefined =>
  startProblem(report(part), from ?? undefined, () => exists)?.place;

test('the error of a start stands where its cause is', () => {
  const problem = startProblem(report({ file: 'server.ts', line: 5, column: 7 }), undefined, () => true);
  assert.deepEqual(problem?.place, { file: 'server.ts', line: 5, column: 7 });
  assert.equal(problem?.message, 'no menu (the server did not start)');
  assert.equal(problem?.severity, 'error');
});

test('without a place it stands at the script, and for a wrong option at the task', () => {
  assert.deepEqual(placeOf({}), { file: script, line: 1, column: 1 });
  assert.deepEqual(placeOf({ code: 'node-too-old' }), { file: script, line: 1, column: 1 });
  assert.deepEqual(placeOf({ code: 'usage' }), { file: task.file, line: 6, column: 1 });
  assert.deepEqual(placeOf({ code: 'usage' }, null), { file: script, line: 1, column: 1 });
});

test('a script that is missing cannot hold its error', () => {
  const missing = { code: 'usage' as const, script: null, file: script };
  assert.deepEqual(placeOf(missing, task, false), { file: task.file, line: 6, column: 1 });
  assert.deepEqual(placeOf(missing, null, false), { file: script, line: 1, column: 1 });
  assert.deepEqual(placeOf({ script: null }, null), { file: 'package.json', line: 1, column: 1 });
});

test('a server that runs already is no problem of any file', () => {
  assert.equal(
    startProblem(report({ code: 'already-running' }), task, () => true),
    undefined,
  );
});

test('the line of a task is that of what it runs', () => {
  assert.equal(taskLine('{\n"command": "php start.php"}', { type: 'graceful-reload', command: 'php start.php' }), 2);
  assert.equal(taskLine('{}', { type: 'graceful-reload', script: 'a.ts' }), 1);
});

test('each task has a report file of its own', () => {
  const path = (folder: string, name: string): string =>
    startReportPath('/storage', folder, { type: 'graceful-reload', script: name });
  assert.equal(path('file:///a', 'x.ts'), path('file:///a', 'x.ts'));
  assert.equal(new Set([path('file:///a', 'x.ts'), path('file:///a', 'y.ts'), path('file:///b', 'x.ts')]).size, 3);
});
