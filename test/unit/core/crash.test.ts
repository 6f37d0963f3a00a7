import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { STABLE_AFTER_MS } from '../../../src/core/restartPolicy.ts';
import { spec, World } from './driver.ts';

/** Waits until the slot of a worker that crashed is tried again. */
function untilRespawn(world: World, name: string): number {
  const from = world.now;
  for (let lines: string[] = []; !lines.includes(`spawn ${name}`);) {
    const next = world.core.nextDeadline();
    assert.notEqual(next, null, 'it is not tried again');
    lines = world.pass(next! - world.now);
  }
  return world.now - from;
}

describe('a worker that crashes', () => {
  it('is respawned at once, then after 250 ms, then doubling up to 30 s', () => {
    const world = new World().running(spec('web'));
    assert.deepEqual(world.crashes('web#1 g1'), ['spawn web#1 g1']);
    assert.equal(world.core.serverState(), 'starting');
    const delays: number[] = [];
    for (let crash = 2; crash <= 11; crash++) {
      world.ready('web#1 g1');
      assert.deepEqual(world.crashes('web#1 g1'), []);
      assert.equal(world.core.serverState(), 'failed');
      delays.push(untilRespawn(world, 'web#1 g1'));
    }
    assert.deepEqual(delays, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('counts anew when it has served for a while', () => {
    const world = new World().running(spec('web'));
    world.crashes('web#1 g1');
    world.ready('web#1 g1');
    world.crashes('web#1 g1');
    untilRespawn(world, 'web#1 g1');
    world.ready('web#1 g1');
    world.pass(STABLE_AFTER_MS);
    assert.deepEqual(world.crashes('web#1 g1'), ['spawn web#1 g1']);
  });

  it('backs off also when its respawn does not become ready', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.crashes('web#2 g1');
    assert.deepEqual(world.exits('web#2 g1', 1), []);
    assert.equal(untilRespawn(world, 'web#2 g1'), 250);
    world.exits('web#2 g1', 1);
    assert.equal(untilRespawn(world, 'web#2 g1'), 500);
  });

  it('comes back at once with a save, which resets the back-off', () => {
    const world = new World().running(spec('web'));
    world.crashes('web#1 g1');
    world.ready('web#1 g1');
    world.crashes('web#1 g1');
    assert.equal(world.slot('web').crashes, 2);
    assert.deepEqual(world.reload(), ['began reload g2', 'spawn web#1 g2']);
    assert.equal(world.slot('web').crashes, 0);
  });

  it('is done when it ends with code 0 and does not listen, until the next reload', () => {
    const world = new World();
    world.start(spec('jobs', { order: 'auto', workers: 2 }));
    world.ready('jobs#1 g1', false);
    world.ready('jobs#2 g1', false);
    assert.deepEqual(world.exits('jobs#1 g1', 0), []);
    assert.deepEqual(world.slots('jobs'), ['stopped', 'ready g1']);
    assert.equal(world.core.serverState(), 'running');
    world.exits('jobs#2 g1', 0);
    assert.equal(world.core.serverState(), 'stopped');
    world.reload();
    world.ready('jobs#1 g2', false);
    world.ready('jobs#2 g2', false);
    assert.deepEqual(world.slots('jobs'), ['ready g2', 'ready g2']);
  });

  it('is a crash with any code when it listens', () => {
    const world = new World().running(spec('web'));
    assert.deepEqual(world.exits('web#1 g1', 0), ['spawn web#1 g1']);
  });

  it('is no rejection: a reload goes on without it', () => {
    const world = new World().running(spec('web', { workers: 3 }));
    world.reload();
    world.ready('web#1 g2');
    assert.deepEqual(world.crashes('web#1 g2'), ['spawn web#1 g2'], 'its old code is not brought back');
    world.ready('web#1 g2');
    assert.deepEqual(world.crashes('web#1 g2'), []);
    world.ready('web#2 g2');
    world.ready('web#3 g2');
    assert.deepEqual(world.ended(), ['g2 done']);
    world.settle();
    assert.deepEqual(world.slots('web'), ['backoff', 'ready g2', 'ready g2']);
  });

  it('does not come back twice when its successor is on its way already', () => {
    const world = new World().running(spec('web'));
    world.reload();
    assert.deepEqual(world.crashes('web#1 g1'), []);
    assert.deepEqual(world.ready('web#1 g2'), ['admit web#1 g2', 'done g2']);
  });

  it('waits for the canary of a reload that concerns it, without waking anyone for that', () => {
    const world = new World().running(spec('web', { workers: 2, bootTimeout: 5000 }));
    world.reload();
    assert.deepEqual(world.crashes('web#2 g1'), []);
    assert.equal(world.core.nextDeadline(), 5000);
    assert.deepEqual(world.ready('web#1 g2'), ['admit web#1 g2', 'drain web#1 g1', 'spawn web#2 g2']);
  });

  it('waits for time when the change does not concern it', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.reload({ scope: 'web#1' });
    assert.deepEqual(world.crashes('web#2 g1'), ['spawn web#2 g1']);
  });
});

describe('a worker that crashes while something else is on disk', () => {
  it('comes back as the canary of a new generation', () => {
    const world = new World().running(spec('web', { workers: 3 }));
    assert.deepEqual(world.crashes('web#2 g1', true), ['began reload g2', 'spawn web#2 g2']);
    assert.equal(world.core.change?.trigger.kind, 'crash');
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g2', 'ready g2', 'ready g2']);
  });

  it('waits after a rejection while another one serves', () => {
    const world = new World().running(spec('web', { workers: 3 }));
    world.crashes('web#2 g1', true);
    assert.deepEqual(world.exits('web#2 g2', 1), ['rejected g2']);
    assert.deepEqual(world.slots('web'), ['ready g1', 'backoff', 'ready g1']);
    assert.deepEqual(world.crashes('web#1 g1', true), []);
    assert.deepEqual(world.pass(3_600_000), []);
    assert.deepEqual(world.slots('web'), ['backoff', 'backoff', 'ready g1']);
  });

  it('waits after a rejection also when it crashed before that', () => {
    const world = new World().running(spec('web', { workers: 3 }));
    for (const name of ['web#2 g1', 'web#3 g1']) {
      world.crashes(name);
      world.ready(name);
      world.crashes(name);
    }
    world.reload();
    assert.deepEqual(world.exits('web#2 g2', 1), ['rejected g2']);
    assert.deepEqual(world.slots('web'), ['ready g1', 'backoff', 'backoff']);
    assert.deepEqual(world.pass(3_600_000), []);
  });

  it('is not taken for stale when its respawn outlives a reload that was rejected', () => {
    const world = new World().running(spec('web', { workers: 2 }), spec('api', { workers: 2 }));
    world.crashes('web#2 g1');
    world.reload();
    world.ready('web#1 g2');
    world.ready('api#1 g2');
    assert.deepEqual(world.exits('api#2 g2', 1), ['rejected g2']);
    assert.equal(world.slot('web#2').target, 1);
    assert.deepEqual(world.ready('web#2 g1'), ['admit web#2 g1']);
  });

  it('is tried again after a rejection when nobody serves, and brings the others back when it does', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.reload();
    world.exits('web#1 g2', 1);
    assert.deepEqual(world.crashes('web#1 g1'), []);
    assert.deepEqual(
      world.crashes('web#2 g1'),
      ['spawn web#2 g2'],
      'what is on disk is the generation that was rejected',
    );
    assert.deepEqual(world.exits('web#2 g2', 1), []);
    assert.ok(untilRespawn(world, 'web#2 g2') > 0);
    assert.deepEqual(world.ready('web#2 g2'), ['admit web#2 g2', 'spawn web#1 g2']);
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g2', 'ready g2']);
  });

  it('takes a new generation also when it is the only one', () => {
    const world = new World().running(spec('web'));
    assert.deepEqual(world.crashes('web#1 g1', true), ['began reload g2', 'spawn web#1 g2']);
    assert.deepEqual(world.exits('web#1 g2', 1), ['rejected g2']);
    assert.equal(untilRespawn(world, 'web#1 g2'), 250);
  });

  it('backs off all the same', () => {
    const world = new World().running(spec('web'));
    world.crashes('web#1 g1', true);
    world.ready('web#1 g2');
    assert.deepEqual(world.crashes('web#1 g2', true), []);
    assert.deepEqual(world.pass(250), ['began reload g3', 'spawn web#1 g3']);
  });

  it('comes back as it is in a group that does not reload', () => {
    const world = new World().running(spec('gateway', { reloadable: false, workers: 2 }));
    assert.deepEqual(world.crashes('gateway#1 g1', true), ['spawn gateway#1 g1']);
  });

  it('has its respawn give way to the canary of a newer version', () => {
    const world = new World().running(spec('web'));
    world.crashes('web#1 g1');
    assert.deepEqual(world.reload(), ['began reload g2', 'spawn web#1 g2']);
    assert.deepEqual(world.ready('web#1 g2'), ['admit web#1 g2', 'kill web#1 g1', 'done g2']);
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g2']);
  });

  it('serves again through its respawn when that is first', () => {
    const world = new World().running(spec('web'));
    world.crashes('web#1 g1');
    world.reload();
    assert.deepEqual(world.ready('web#1 g1'), ['admit web#1 g1']);
    assert.deepEqual(world.ready('web#1 g2'), ['admit web#1 g2', 'drain web#1 g1', 'done g2']);
  });
});
