import assert from 'node:assert/strict';
import { it } from 'node:test';
import { backoffDelay } from '../../../src/core/restartPolicy.ts';

it('crash loops are tried at once, then after 250 ms, then doubling up to 30 s', () => {
  const delays = Array.from({ length: 11 }, (_, crashes) => backoffDelay(crashes));
  assert.deepEqual(delays, [0, 0, 250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  assert.equal(backoffDelay(100_000), 30_000);
});
