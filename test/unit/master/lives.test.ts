import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Worker } from '../../../src/core/workerState.ts';
import { Lives } from '../../../src/master/lives.ts';

const worker = (id: number): Worker => ({
  ...{ id, group: 'web', slot: 1, generation: id, definition: 1, change: null, isDebugged: false },
  state: { kind: 'starting', readyBy: 0 },
});

test('the end of a worker says what it came to', () => {
  const lives = new Lives();
  for (const id of [1, 2, 3, 4, 5]) lives.began(worker(id), 100 + id, id);
  for (const id of [1, 2, 3]) lives.serves(id, 10);
  for (const id of [1, 2]) lives.drains(id, 20);
  lives.killed(2);
  for (const id of [1, 2, 3, 4]) lives.ended(id, 30);
  assert.deepEqual(
    lives.list().map(({ generation, end }) => [generation, end]),
    [
      [1, 'left'],
      [2, 'killed'],
      [3, 'crashed'],
      [4, 'unready'],
      [5, null],
    ],
  );
});

test('of ended ones the newest are remembered, of running ones all', () => {
  const lives = new Lives();
  lives.began(worker(1), 1, 0);
  for (let id = 2; id <= 1001; id++) {
    lives.began(worker(id), id, id);
    lives.ended(id, id);
  }
  const list = lives.list();
  assert.equal(list.length, 401);
  assert.deepEqual([list.at(0)?.generation, list.at(-2)?.generation, list.at(-1)?.generation], [602, 1001, 1]);
});
