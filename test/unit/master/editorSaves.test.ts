import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EditorSaves } from '../../../src/master/editorSaves.ts';

test('what the file system tells after an announcement is the save that was announced', () => {
  const saves = new EditorSaves();
  saves.announced('a.ts', false, 0);
  assert.equal(saves.of('a.ts', 'one', 500)?.isManual, false);
  assert.equal(saves.of('b.ts', 'one', 500), undefined);
});

test('an announced save that never came is forgotten', () => {
  const saves = new EditorSaves();
  saves.announced('a.ts', true, 0);
  assert.equal(saves.of('a.ts', 'one', 60_000), undefined);
});

test('once it is written, it is the content that counts: another one came from elsewhere', () => {
  const saves = new EditorSaves();
  saves.announced('a.ts', false, 0);
  saves.done('a.ts', false, 'one');
  assert.equal(saves.of('a.ts', 'one', 60_000)?.isManual, false);
  assert.equal(saves.of('a.ts', 'two', 10), undefined);
});
