import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { onChange, onTime, QUIET_MS, type Burst } from '../../../src/core/debounce.ts';

/** Plays changes at given times, wakes it when it asks to be woken, and tells when which files acted. */
function play(changes: readonly (readonly [at: number, file: string])[]): string[] {
  const acts: string[] = [];
  let burst: Burst | null = null;
  const note = (step: ReturnType<typeof onTime>, now: number): void => {
    burst = step.burst;
    if (step.act.length > 0) acts.push(`${now}: ${step.act.join(' ')}`);
  };
  const wakeUntil = (end: number): void => {
    for (let at = burst?.quietAt; at !== undefined && at <= end; at = burst?.quietAt) note(onTime(burst, at), at);
  };
  for (const [at, file] of changes) {
    wakeUntil(at);
    note(onChange(burst, file, at), at);
  }
  wakeUntil(Infinity);
  assert.equal(burst, null, 'a burst ends');
  return acts;
}

describe('a burst of changes', () => {
  it('of one file acts at once and once', () => {
    assert.deepEqual(play([[0, 'a']]), ['0: a']);
  });

  it('acts at once for the first file, and for the others together after some quiet', () => {
    const changes = [
      [0, 'a'],
      [10, 'b'],
      [20, 'c'],
      [60, 'b'],
    ] as const;
    assert.deepEqual(play(changes), ['0: a', `${60 + QUIET_MS}: b c`]);
  });

  it('acts for the first file again when it changes again meanwhile', () => {
    assert.deepEqual(
      play([
        [0, 'a'],
        [10, 'a'],
      ]),
      ['0: a', `${10 + QUIET_MS}: a`],
    );
  });

  it('is over after quiet: the next change acts at once', () => {
    assert.deepEqual(
      play([
        [0, 'a'],
        [QUIET_MS, 'b'],
      ]),
      ['0: a', `${QUIET_MS}: b`],
    );
  });

  it('makes two generations of a checkout however many files it writes, and collects what follows', () => {
    const checkout = Array.from({ length: 100 }, (_, index) => [index, `${index}`] as const);
    const late = 99 + QUIET_MS + 10;
    const acts = play([...checkout, [late, 'late']]);
    assert.equal(acts.length, 3);
    assert.equal(acts[2], `${late + QUIET_MS}: late`);
  });

  it('is not woken before it was quiet long enough', () => {
    const { burst } = onChange(null, 'a', 0);
    assert.deepEqual(onTime(burst, QUIET_MS - 1), { burst, act: [] });
    assert.deepEqual(onTime(null, 5), { burst: null, act: [] });
  });
});
