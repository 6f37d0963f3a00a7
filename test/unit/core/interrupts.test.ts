import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Interrupts } from '../../../src/core/interrupts.ts';

test('one press that arrives twice is one; each later one does not wait', () => {
  const interrupts = new Interrupts(false);
  assert.deepEqual(
    [1000, 1003, 1499, 1500, 1501, 9000].map((now) => interrupts.press(now)),
    ['first', 'echo', 'echo', 'second', 'second', 'second'],
  );
});

test('under npm the second arrival of one press may be late', () => {
  const interrupts = new Interrupts(true);
  assert.deepEqual(
    [1000, 1500, 2999, 3000].map((now) => interrupts.press(now)),
    ['first', 'echo', 'echo', 'second'],
  );
});
