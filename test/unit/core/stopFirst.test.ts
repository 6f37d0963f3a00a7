import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DRAIN_MS, error, spec, World } from './driver.ts';

const jobs = (workers: number) => spec('jobs', { order: 'stop-first', workers });

describe('reload, stop-first', () => {
  it('lets the old worker end before its replacement runs, and goes on when that is ready', () => {
    const world = new World().running(jobs(2));
    assert.deepEqual(world.reload(), ['began reload g2', 'check jobs']);
    assert.deepEqual(world.checked(), ['drain jobs#1 g1']);
    assert.deepEqual(world.exits('jobs#1 g1'), ['spawn jobs#1 g2']);
    assert.deepEqual(world.ready('jobs#1 g2'), ['admit jobs#1 g2', 'drain jobs#2 g1']);
    assert.deepEqual(world.exits('jobs#2 g1'), ['spawn jobs#2 g2']);
    assert.deepEqual(world.ready('jobs#2 g2'), ['admit jobs#2 g2', 'done g2']);
    assert.equal(world.results[0]?.change.replaced, 2);
  });

  it('goes on when a worker that drains too long is killed', () => {
    const world = new World().running(jobs(1));
    world.reload();
    world.checked();
    assert.deepEqual(world.pass(DRAIN_MS), ['kill jobs#1 g1 (forced)']);
    assert.deepEqual(world.exits('jobs#1 g1'), ['spawn jobs#1 g2']);
  });

  it('touches nothing when the new code does not compile', () => {
    const world = new World().running(jobs(2));
    world.reload({ waiter: 4 });
    assert.deepEqual(world.checked(error('SyntaxError')), ['rejected g2']);
    assert.deepEqual(world.slots('jobs'), ['ready g1', 'ready g1']);
    assert.deepEqual(world.ended(), ['g2 rejected (4)']);
    world.reload();
    world.settle();
    assert.deepEqual(world.slots('jobs'), ['ready g3', 'ready g3']);
  });

  it('loses one slot at most when the new code does not come up', () => {
    const world = new World().running(jobs(3));
    world.reload();
    world.checked();
    world.exits('jobs#1 g1');
    assert.deepEqual(world.exits('jobs#1 g2', 1), ['rejected g2']);
    assert.deepEqual(world.slots('jobs'), ['backoff', 'ready g1', 'ready g1']);
    assert.equal(world.slot('jobs#1').backoff?.nextTryAt, null);
    assert.deepEqual(world.pass(3_600_000), [], 'it waits for the next change');

    world.reload();
    assert.deepEqual(world.checked(), ['spawn jobs#1 g3'], 'the empty slot comes first');
    world.settle();
    assert.deepEqual(world.slots('jobs'), ['ready g3', 'ready g3', 'ready g3']);
  });

  it('tries again when nobody else serves', () => {
    const world = new World().running(jobs(1));
    world.reload();
    world.checked();
    world.exits('jobs#1 g1');
    assert.deepEqual(world.exits('jobs#1 g2', 1), ['rejected g2']);
    assert.deepEqual(world.pass(249), []);
    assert.deepEqual(world.pass(1), ['spawn jobs#1 g2']);
    assert.deepEqual(world.exits('jobs#1 g2', 1), []);
    assert.deepEqual(world.pass(250), ['spawn jobs#1 g2']);
    assert.deepEqual(world.ready('jobs#1 g2'), ['admit jobs#1 g2']);
    assert.equal(world.group('jobs').rejected, null);
  });

  it('has no canary where nobody serves: two copies must not run', () => {
    const world = new World().running(jobs(1));
    assert.deepEqual(world.crashes('jobs#1 g1'), ['spawn jobs#1 g1']);
    assert.deepEqual(world.reload(), ['began reload g2'], 'the respawn starts still');
    assert.deepEqual(world.ready('jobs#1 g1'), ['admit jobs#1 g1', 'drain jobs#1 g1']);
    assert.deepEqual(world.exits('jobs#1 g1'), ['spawn jobs#1 g2']);
  });

  it('waits for a worker that was ended before it runs the next one', () => {
    const world = new World();
    world.start(jobs(1));
    world.reload();
    assert.deepEqual(world.slots('jobs'), ['ending g1']);
    assert.deepEqual(world.exits('jobs#1 g1'), ['spawn jobs#1 g2']);
  });

  it('is what auto means for a group that does not listen', () => {
    const world = new World();
    world.start(spec('auto', { order: 'auto' }));
    world.ready('auto#1 g1', false);
    world.reload();
    assert.deepEqual(world.checked(), ['drain auto#1 g1']);
  });

  it('is not what auto means once a worker listened, even when a later one listens after it said it is ready', () => {
    const world = new World();
    world.start(spec('auto', { order: 'auto', workers: 2 }));
    world.ready('auto#1 g1', false);
    world.send({ type: 'listens', worker: 1 });
    world.ready('auto#2 g1', false);
    assert.deepEqual(world.reload(), ['began reload g2', 'spawn auto#1 g2']);
    assert.deepEqual(world.ready('auto#1 g2', false), ['admit auto#1 g2', 'drain auto#1 g1', 'spawn auto#2 g2']);
  });

  it('goes last in a reload with groups that have a canary', () => {
    const world = new World().running(jobs(1), spec('web'));
    assert.deepEqual(world.reload(), ['began reload g2', 'check jobs']);
    assert.deepEqual(world.checked(), ['spawn web#1 g2'], 'no worker is asked to go before the canary is ready');
    assert.deepEqual(world.ready('web#1 g2'), ['admit web#1 g2', 'drain web#1 g1', 'drain jobs#1 g1']);
  });

  it('brings a slot back that gave up its worker when another group fails', () => {
    const world = new World().running(jobs(2), spec('web', { workers: 2 }));
    world.reload();
    world.checked();
    world.ready('web#1 g2');
    assert.deepEqual(world.slots('jobs'), ['draining g1', 'ready g1']);
    assert.deepEqual(world.exits('web#2 g2', 1), ['rejected g2']);
    assert.deepEqual(world.exits('jobs#1 g1'), ['spawn jobs#1 g2']);
    world.ready('jobs#1 g2');
    assert.deepEqual(world.slots('jobs'), ['ready g2', 'ready g1']);
  });
});
