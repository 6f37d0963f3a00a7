import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BOOT_MS, DRAIN_MS, spec, World } from './driver.ts';

describe('reload, start-first', () => {
  it('replaces one worker at a time: the new one is admitted before the old one drains', () => {
    const world = new World().running(spec('web', { workers: 3 }));
    assert.deepEqual(world.reload({ waiter: 7 }), ['began reload g2', 'spawn web#1 g2']);
    assert.equal(world.core.serverState(), 'reloading');
    assert.deepEqual(world.slots('web'), ['ready g1, starting g2', 'ready g1', 'ready g1']);
    assert.deepEqual(world.ready('web#1 g2'), ['admit web#1 g2', 'drain web#1 g1', 'spawn web#2 g2']);
    assert.deepEqual(world.exits('web#1 g1'), []);
    assert.deepEqual(world.ready('web#2 g2'), ['admit web#2 g2', 'drain web#2 g1', 'spawn web#3 g2']);
    assert.deepEqual(world.exits('web#2 g1'), []);
    assert.deepEqual(world.ready('web#3 g2'), ['admit web#3 g2', 'drain web#3 g1', 'done g2']);
    assert.equal(world.core.serverState(), 'running');
    assert.deepEqual(world.ended(), ['g2 done (7)']);
    assert.equal(world.results[0]?.change.replaced, 3);
  });

  it('is not held up by workers that drain', () => {
    const world = new World().running(spec('web', { workers: 3 }));
    world.reload();
    for (const slot of [1, 2, 3]) world.ready(`web#${slot} g2`);
    assert.equal(world.core.change, null);
    assert.equal(world.count('draining'), 3);
  });

  it('measures the time to the first new worker', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.pass(1000);
    world.reload();
    world.pass(40);
    world.ready('web#1 g2');
    world.pass(100);
    world.ready('web#2 g2');
    const [result] = world.results;
    assert.equal(result!.change.firstReadyAt! - result!.change.startedAt, 40);
    assert.equal(result!.endedAt - result!.change.startedAt, 140);
  });

  it('kills a worker that drains beyond its time, and only then', () => {
    const world = new World().running(spec('web'));
    world.reload();
    world.ready('web#1 g2');
    assert.equal(world.core.nextDeadline(), DRAIN_MS);
    assert.deepEqual(world.pass(DRAIN_MS - 1), []);
    assert.deepEqual(world.pass(1), ['kill web#1 g1 (forced)']);
    assert.equal(world.core.nextDeadline(), null, 'it is not killed twice');
    assert.deepEqual(world.exits('web#1 g1'), []);
  });

  it('does without drain time when there is none', () => {
    const world = new World().running(spec('web', { drainTimeout: 0 }));
    world.reload();
    assert.deepEqual(world.ready('web#1 g2'), ['admit web#1 g2', 'drain web#1 g1', 'done g2']);
    assert.deepEqual(world.pass(0), ['kill web#1 g1 (forced)']);
  });

  it('reloads only the slots that are asked for', () => {
    const world = new World().running(spec('web', { workers: 3 }), spec('api'));
    world.reload({ scope: 'web#2' });
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g1', 'ready g2', 'ready g1']);
    assert.deepEqual(world.slots('api'), ['ready g1']);
    world.reload({ scope: 'web#3 web#1' });
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g3', 'ready g2', 'ready g3']);
  });

  it('takes one generation for all groups of a reload', () => {
    const world = new World().running(spec('web'), spec('api'), spec('gateway', { reloadable: false }));
    world.reload();
    world.settle();
    assert.deepEqual(
      ['web', 'api', 'gateway'].map((name) => world.slots(name)),
      [['ready g2'], ['ready g2'], ['ready g1']],
    );
  });

  it('fills an empty slot first, with the canary', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.crashes('web#2 g1');
    world.ready('web#2 g1');
    world.crashes('web#2 g1');
    assert.deepEqual(world.reload(), ['began reload g2', 'spawn web#2 g2']);
    assert.deepEqual(world.ready('web#2 g2'), ['admit web#2 g2', 'spawn web#1 g2']);
    assert.deepEqual(world.ready('web#1 g2'), ['admit web#1 g2', 'drain web#1 g1', 'done g2']);
  });

  it('is done at once when there is nothing to replace', () => {
    const world = new World().running(spec('web'));
    assert.deepEqual(world.reload({ scope: 'unknown', waiter: 1 }), ['began reload g2', 'done g2']);
    assert.deepEqual(world.ended(), ['g2 done (1)']);
  });
});

describe('canary', () => {
  const failures: Record<string, (world: World) => string[]> = {
    'it exits': (world) => world.exits('web#1 g2', 1),
    'it exits with code 0': (world) => world.exits('web#1 g2', 0),
    'it is not ready in time': (world) => world.pass(BOOT_MS),
    'it will never be ready': (world) => world.fails('web#1 g2'),
  };
  for (const [how, fail] of Object.entries(failures)) {
    it(`rejects the reload when ${how}: the old workers serve on`, () => {
      const world = new World().running(spec('web', { workers: 2 }));
      world.reload({ waiter: 1 });
      const lines = fail(world);
      assert.equal(lines.at(-1), 'rejected g2');
      assert.ok(!lines.some((line) => line.startsWith('drain') || line.startsWith('admit')));
      assert.equal(world.count('ready'), 2);
      assert.equal(world.core.serverState(), 'running');
      assert.deepEqual(world.ended(), ['g2 rejected (1)']);
      assert.equal(world.results[0]?.change.replaced, 0);
      assert.ok(world.results[0]?.change.error);
      assert.deepEqual(
        world.group('web').slots.map((slot) => slot.target),
        [1, 1],
      );
      assert.deepEqual(world.pass(3_600_000), [], 'nothing is tried again before the next change');
    });
  }

  it('heals with the next reload that comes up', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.reload();
    world.exits('web#1 g2', 1);
    assert.deepEqual(world.reload(), ['began reload g3', 'spawn web#1 g3']);
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g3', 'ready g3']);
    assert.deepEqual(world.ended(), ['g2 rejected', 'g3 done']);
  });

  it('stops the roll when a later replacement fails: what is not replaced serves on', () => {
    const world = new World().running(spec('web', { workers: 3 }));
    world.reload();
    world.ready('web#1 g2');
    assert.deepEqual(world.exits('web#2 g2', 1), ['rejected g2']);
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g2', 'ready g1', 'ready g1']);
    assert.equal(world.results[0]?.change.replaced, 1);
    world.reload();
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g3', 'ready g3', 'ready g3']);
  });

  it('admits nobody before the canaries of all groups are ready', () => {
    const world = new World().running(spec('web', { workers: 2 }), spec('api'));
    assert.deepEqual(world.reload(), ['began reload g2', 'spawn web#1 g2', 'spawn api#1 g2']);
    assert.deepEqual(world.ready('web#1 g2'), []);
    assert.equal(world.count('standby'), 1);
    assert.deepEqual(world.ready('api#1 g2'), [
      'admit web#1 g2',
      'drain web#1 g1',
      'admit api#1 g2',
      'drain api#1 g1',
      'spawn web#2 g2',
    ]);
  });

  it('guards all groups of the reload, also while it waits for the others', () => {
    const world = new World().running(spec('web'), spec('api'));
    world.reload();
    world.ready('web#1 g2');
    assert.deepEqual(world.exits('api#1 g2', 1), ['kill web#1 g2', 'rejected g2']);
    world.settle();
    assert.deepEqual([world.slots('web'), world.slots('api')], [['ready g1'], ['ready g1']]);

    world.reload();
    world.ready('web#1 g3');
    assert.deepEqual(
      world.exits('web#1 g3', 1),
      ['kill api#1 g3', 'rejected g3'],
      'a canary that was ready counts too',
    );
  });

  it('does not leave a slot empty whose worker crashed while another group failed', () => {
    const world = new World().running(spec('web'), spec('api'));
    world.reload();
    world.crashes('web#1 g1');
    const lines = world.exits('api#1 g2', 1);
    assert.deepEqual(lines, ['kill web#1 g2', 'rejected g2', 'began reload g3', 'spawn web#1 g3']);
    world.settle();
    assert.deepEqual([world.slots('web'), world.slots('api')], [['ready g3'], ['ready g1']]);
  });
});
