import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BOOT_MS, DRAIN_MS, spec, World } from './driver.ts';

const HOURS = 10 * 3_600_000;

describe('while a debugger is connected', () => {
  it('a draining worker has all the time it wants, and its full time once the debugger has gone', () => {
    const world = new World().running(spec('web'));
    assert.deepEqual(world.debugger('web#1 g1', true), []);
    world.reload();
    assert.deepEqual(world.ready('web#1 g2'), ['admit web#1 g2', 'drain web#1 g1', 'done g2']);
    assert.equal(world.core.nextDeadline(), null);
    assert.deepEqual(world.pass(HOURS), []);
    assert.deepEqual(world.debugger('web#1 g1', false), [`deadline web#1 g1 ${DRAIN_MS}`]);
    assert.deepEqual(world.pass(DRAIN_MS - 1), []);
    assert.deepEqual(world.pass(1), ['kill web#1 g1 (forced)']);
  });

  it('one that came during the drain stops the clock', () => {
    const world = new World().running(spec('web'));
    world.reload();
    world.ready('web#1 g2');
    world.pass(DRAIN_MS - 1);
    assert.deepEqual(world.debugger('web#1 g1', true), ['deadline web#1 g1 none']);
    assert.deepEqual(world.pass(HOURS), []);
    assert.deepEqual(world.exits('web#1 g1', 0), []);
  });

  it('a new worker may take as long as its debugger to become ready', () => {
    const world = new World().running(spec('web'));
    world.reload();
    world.debugger('web#1 g2', true);
    assert.deepEqual(world.pass(HOURS), []);
    assert.deepEqual(world.debugger('web#1 g2', false), []);
    assert.deepEqual(world.pass(BOOT_MS - 1), []);
    assert.deepEqual(world.pass(1), ['kill web#1 g2', 'rejected g2']);
  });

  it('a stop does not wait for it', () => {
    const world = new World().running(spec('web'));
    world.debugger('web#1 g1', true);
    assert.deepEqual(world.send({ type: 'stop' }), ['drain web#1 g1']);
    assert.deepEqual(world.debugger('web#1 g1', true), [], 'nor does one that comes meanwhile count');
    assert.deepEqual(world.pass(DRAIN_MS), ['kill web#1 g1 (forced)']);
  });

  it('a reload does not wait for the worker it has replaced', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.debugger('web#1 g1', true);
    world.reload({ waiter: 1 });
    world.ready('web#1 g2');
    world.ready('web#2 g2');
    assert.deepEqual(world.ended(), ['g2 done (1)']);
    assert.deepEqual(world.slots('web'), ['draining g1, ready g2', 'draining g1, ready g2']);
  });
});
