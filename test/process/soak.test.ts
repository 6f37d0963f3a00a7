/** A short soak run: what a day brings, in a hurry. `npm run bench -- soak` is the long form. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soak } from './soak/soak.ts';
import { assertNoGrowth } from './soak/vitals.ts';

/** Fewer samples than the long form has, and code that is still being compiled. */
const HEAP_MB = 3;

test('saves, broken saves, reloads, restarts, crashes, windows: no request fails, and nothing grows', async (t) => {
  const seed = Number(process.env['GR_SOAK_SEED'] ?? Date.now() % 1_000_000);
  t.diagnostic(`GR_SOAK_SEED=${seed}`);
  const result = await soak({ seed, seconds: 30, samples: 12, pauseMs: 20 }, t);
  t.diagnostic(JSON.stringify(result));
  assert.deepEqual(result.failures, []);
  assert.ok(result.requests > 0 && result.generation > 1);
  assertNoGrowth(result.growth, HEAP_MB);
});
