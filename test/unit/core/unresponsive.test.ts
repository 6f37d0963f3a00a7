import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DRAIN_MS, spec, World } from './driver.ts';

describe('a worker that turns its event loop no more', () => {
  it('holds its slot but does not count as serving, until its loop turns again', () => {
    const world = new World().running(spec('web'));
    assert.deepEqual(world.isSilent('web#1 g1'), []);
    assert.deepEqual(world.slots('web'), ['unresponsive g1']);
    assert.equal(world.core.serverState(), 'failed', 'nobody answers');
    assert.deepEqual(world.turnsAgain('web#1 g1'), []);
    assert.deepEqual(world.slots('web'), ['ready g1']);
    assert.equal(world.core.serverState(), 'running');
  });

  it('is killed where that is wished, and its slot filled once it has gone', () => {
    const world = new World().running(spec('web', { workers: 2, replaceUnresponsive: true }));
    assert.deepEqual(world.isSilent('web#2 g1'), ['kill web#2 g1 (forced)']);
    assert.deepEqual(world.isSilent('web#2 g1'), [], 'once');
    assert.deepEqual(world.turnsAgain('web#2 g1'), [], 'too late');
    assert.deepEqual(world.slots('web'), ['ready g1', 'unresponsive g1']);
    assert.deepEqual(world.exits('web#2 g1'), ['spawn web#2 g1']);
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g1', 'ready g1']);
  });

  it('backs off like any crash when that happens again and again', () => {
    const world = new World().running(spec('web', { replaceUnresponsive: true }));
    world.isSilent('web#1 g1');
    assert.deepEqual(world.exits('web#1 g1'), ['spawn web#1 g1']);
    world.ready('web#1 g1');
    world.isSilent('web#1 g1');
    assert.deepEqual(world.exits('web#1 g1'), []);
    assert.deepEqual(world.slots('web'), ['backoff']);
    assert.deepEqual(world.pass(250), ['spawn web#1 g1']);
  });

  it('comes back as the newer version that is on disk', () => {
    const world = new World().running(spec('web', { replaceUnresponsive: true }));
    world.isSilent('web#1 g1');
    assert.deepEqual(world.exits('web#1 g1', null, true), ['began reload g2', 'spawn web#1 g2']);
  });

  for (const order of ['start-first', 'stop-first'] as const) {
    it(`is replaced by a reload, ${order}, and killed when it does not drain`, () => {
      const world = new World().running(spec('web', { order }));
      world.isSilent('web#1 g1');
      world.reload();
      if (order === 'start-first') world.ready('web#1 g2');
      assert.deepEqual(world.slots('web'), order === 'start-first' ? ['draining g1, ready g2'] : ['draining g1']);
      assert.ok(world.pass(DRAIN_MS).includes('kill web#1 g1 (forced)'));
      world.settle();
      assert.deepEqual(world.slots('web'), ['ready g2']);
      assert.deepEqual(world.ended(), ['g2 done']);
    });
  }

  it('is left to its end when a stop comes while it is killed', () => {
    const world = new World().running(spec('web', { replaceUnresponsive: true }));
    world.isSilent('web#1 g1');
    world.send({ type: 'stop' });
    assert.deepEqual(world.pass(DRAIN_MS), [], 'it is killed already');
    assert.deepEqual(world.exits('web#1 g1'), ['stopped']);
  });

  it('keeps no empty slot of its group waiting for it after a rejection: nobody else serves', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.reload();
    world.exits('web#1 g2', 1);
    world.isSilent('web#1 g1');
    assert.deepEqual(world.crashes('web#2 g1'), ['spawn web#2 g2']);
  });
});
