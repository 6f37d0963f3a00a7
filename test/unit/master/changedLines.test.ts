import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedLines } from '../../../src/master/changedLines.ts';

const running = 'one\ntwo\nthree\nfour\n';
const ranges = (now: string, of = running): string[] => changedLines(of, now).map(({ from, to }) => `${from}-${to}`);

test('exactly the lines that differ', () => {
  assert.deepEqual(ranges(running), []);
  assert.deepEqual(ranges('one\n2\nthree\nfour\n'), ['2-2']);
  assert.deepEqual(ranges('zero\none\ntwo\nthree\n4\n5\n'), ['1-1', '5-6']);
});

test('where lines were removed, the line that stands there now', () => {
  assert.deepEqual(ranges('one\nthree\nfour\n'), ['2-2']);
  assert.deepEqual(ranges('two\nthree\nfour\n'), ['1-1']);
  assert.deepEqual(ranges('one\ntwo\nthree\n'), ['3-3']);
  assert.deepEqual(ranges(''), ['1-1']);
});

test('the end of a line is not its content', () => {
  assert.deepEqual(ranges(running.replaceAll('\n', '\r\n')), []);
});

test('two large files without a common line are no burden', () => {
  const lines = (word: string): string => Array.from({ length: 20_000 }, (_, index) => `${word}${index}`).join('\n');
  assert.deepEqual(ranges(lines('a'), lines('b')), ['1-20000']);
});
