import assert from 'node:assert/strict';
import { parse } from 'jsonc-parser';
import { test } from 'node:test';
import { settingLine, taskLines, withTask } from '../../../src/extension/tasks/tasksFile.ts';

const definition = { type: 'graceful-reload', script: 'server.ts' };
interface TasksFile {
  readonly version: string;
  readonly tasks: readonly Record<string, unknown>[];
}
const read = (text: string): TasksFile => parse(text, undefined, { allowTrailingComma: true }) as TasksFile;

test('a new tasks.json holds the task with comments, and nothing else', () => {
  const { text, offset, length, isOld } = withTask(undefined, definition);
  assert.equal(isOld, false);
  assert.deepEqual(read(text), {
    version: '2.0.0',
    tasks: [
      {
        label: 'Graceful Reload: server.ts',
        ...definition,
        isBackground: true,
        problemMatcher: '$graceful-reload',
      },
    ],
  });
  assert.match(text.slice(offset, offset + length), /^\{\n {6}\/\/ Runs the server[^]*\n {4}\}$/);
});

test('what a person wrote stays as it is, comments, trailing commas and layout included', () => {
  const own = `{
\t// mine
\t"version": "2.0.0",
\t"tasks": [
\t\t{ "label": "Graceful Reload: server.ts", "type": "shell", "command": "make" }, // all
\t],
}
`;
  const { text } = withTask(own, definition);
  for (const line of own.split('\n').filter((one) => /\w/.test(one))) assert.ok(text.includes(line), text);
  const { tasks } = read(text);
  assert.deepEqual(
    tasks.map(({ label }) => label),
    ['Graceful Reload: server.ts', 'Graceful Reload: server.ts (2)'],
  );
  assert.match(text, /\n\t\t\t\/\/ Runs the server/);
});

test('a task goes behind comments, and between brackets on one line', () => {
  const behind = withTask('{ "tasks": [\n  { "label": "a" } // , the first\n] }', definition).text;
  assert.match(behind, /\{ "label": "a" \}, \/\/ , the first\n/);
  assert.equal(read(behind).tasks.length, 2);
  const flat = withTask('{ "tasks": [{ "label": "a" }] }', definition).text;
  assert.match(flat, /^\{ "tasks": \[\{ "label": "a" \},\n[^]*\n\] \}$/);
  assert.equal(read(flat).tasks.length, 2);
});

test('a file without tasks gets its first one, with its own line ends', () => {
  const { text } = withTask('{\r\n    "version": "2.0.0"\r\n}\r\n', { ...definition, args: ['--fast'] }, '\r\n');
  assert.deepEqual(read(text).tasks[0]?.['args'], ['--fast']);
  assert.doesNotMatch(text, /[^\r]\n/);
});

test('a task that stands there is found, not written again', () => {
  const first = withTask(undefined, definition).text;
  const again = withTask(first.replace('"isBackground": true', '"workers": 3, "isBackground": true'), definition);
  assert.equal(again.isOld, true);
  assert.equal(read(again.text).tasks.length, 1);
  assert.equal(withTask(first, { ...definition, name: 'other' }).isOld, false);
});

test('a file with errors is left alone', () => {
  for (const text of ['{ "tasks": [', '[]', '{ "tasks": {} }'])
    assert.throws(() => withTask(text, definition), /tasks\.json cannot be read/);
});

test('the lines of a task: by its label, else by what it starts; of each property, and of the task itself', () => {
  const text = `{
  // two of them
  "tasks": [
    { "label": "first", "type": "graceful-reload", "script": "a.js" },
    {
      "label": "second",
      "type": "graceful-reload", "script": "b.js",
      "env": {
        "A": "1"
      },
    },
  ]
}`;
  const type = 'graceful-reload';
  const second = { '': 5, label: 6, type: 7, script: 7, env: 8 };
  assert.deepEqual(taskLines(text, 'second', { type, script: 'a.js' }), second);
  assert.deepEqual(taskLines(text, 'renamed', { type, script: 'b.js' }), second);
  assert.equal(taskLines(text, 'renamed', { type, script: 'c.js' }), undefined);
  for (const broken of ['', '{', '[]', '{ "tasks": 1 }']) assert.equal(taskLines(broken, 'x', { type }), undefined);
});

test('the line of a setting, in settings.json or a workspace file', () => {
  const id = 'gracefulReload.exclude';
  assert.equal(settingLine(`{\n  // "${id}"\n  "${id}":\n    ["a"],\n}`, id), 3);
  assert.equal(settingLine(`{ "folders": [],\n "settings": {\n "${id}": [] } }`, id), 3);
  for (const text of ['', '{', '{}', '[]']) assert.equal(settingLine(text, id), null);
});
