import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readable, readiness, type ReadyFacts, type ReadyWish } from '../../../src/core/readiness.ts';

const PORT = 'tcp|::|3000';
const OTHER = 'tcp|::|4000';

const isReady = (
  { listening = [], ...facts }: Partial<Omit<ReadyFacts, 'listening'>> & { listening?: string[] },
  { expected = [], ...wish }: Partial<Omit<ReadyWish, 'expected'>> & { expected?: string[] } = {},
): string =>
  readiness(
    { settled: true, evaluated: false, announced: false, answered: false, ...facts, listening: new Set(listening) },
    { mode: 'auto', groupListens: null, ...wish, expected: new Set(expected) },
  ).is;

describe('a worker is ready', () => {
  it('in the first generation as soon as it listens', () => {
    assert.equal(isReady({}), 'waiting');
    assert.equal(isReady({ listening: [PORT] }), 'ready');
  });

  it('not before what it had begun when it listened has had its first outcome', () => {
    assert.equal(isReady({ listening: [PORT], settled: false }), 'waiting');
    assert.equal(isReady({ listening: [PORT], settled: false }, { mode: 'http' }), 'waiting');
    assert.equal(isReady({ evaluated: true, settled: false }), 'ready', 'it does not listen');
  });

  it('when its main module is evaluated, in a program that never listens', () => {
    assert.equal(isReady({ evaluated: true }), 'ready');
    assert.equal(isReady({ evaluated: true }, { groupListens: false }), 'ready');
    assert.equal(isReady({ evaluated: true }, { groupListens: true }), 'waiting', 'it listens later');
  });

  it('when it listens wherever its predecessor did', () => {
    const wish = { expected: [PORT, OTHER], groupListens: true };
    assert.equal(isReady({ listening: [PORT], evaluated: true }, wish), 'waiting');
    assert.equal(isReady({ listening: [PORT, OTHER] }, wish), 'ready');
    assert.equal(isReady({ listening: [PORT, OTHER, 'tcp|::|5000'] }, wish), 'ready', 'more addresses are fine');
  });

  it('when it has answered well, where it is asked: once it listens where it should', () => {
    const wish = { mode: 'http' as const, expected: [PORT] };
    assert.equal(isReady({ listening: [OTHER] }, wish), 'waiting');
    assert.equal(isReady({ listening: [PORT] }, wish), 'to-ask');
    assert.equal(isReady({ listening: [PORT], answered: true }, wish), 'ready');
    assert.equal(isReady({ listening: [OTHER], evaluated: true }, wish), 'failed');
    assert.equal(isReady({ evaluated: true }, { mode: 'http' }), 'waiting', 'it cannot be asked before it listens');
  });

  it('when it says so, in a program that does', () => {
    assert.equal(isReady({ listening: [PORT], evaluated: true }, { mode: 'message' }), 'waiting');
    assert.equal(isReady({ announced: true }, { mode: 'message' }), 'ready');
    assert.equal(isReady({ announced: true }), 'waiting');
  });
});

describe('a worker that listens elsewhere than its predecessor', () => {
  it('fails once its main module is evaluated, with the remedy', () => {
    const wish = { mode: 'auto', expected: new Set([PORT]), groupListens: true } as const;
    const facts = { settled: false, listening: new Set([OTHER]), announced: false, answered: false };
    assert.equal(readiness({ ...facts, evaluated: false }, wish).is, 'waiting');
    const answer = readiness({ ...facts, evaluated: true }, wish);
    assert.ok(answer.is === 'failed');
    assert.equal(answer.error.code, 'addresses-changed');
    assert.match(answer.error.message, /listens on :4000 instead of :3000\..*Restart Server/);
  });
});

describe('an address', () => {
  it('reads as people write it', () => {
    assert.equal(readable('tcp|::|3000'), ':3000');
    assert.equal(readable('tcp|0.0.0.0|3000'), ':3000');
    assert.equal(readable('tcp||3000'), ':3000');
    assert.equal(readable('tcp|127.0.0.1|3000'), '127.0.0.1:3000');
    assert.equal(readable('tcp|::1|3000'), '[::1]:3000');
    assert.equal(readable('unix|/run/app.sock|'), '/run/app.sock');
  });
});
