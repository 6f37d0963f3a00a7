import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DRAIN_MS, spec, World } from './driver.ts';

describe('stop', () => {
  it('drains what serves, ends what starts, and says when all are gone', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.reload({ waiter: 1 });
    const lines = world.send({ type: 'stop' });
    assert.deepEqual(lines, ['stopped g2', 'drain web#1 g1', 'kill web#1 g2', 'drain web#2 g1']);
    assert.equal(world.core.serverState(), 'stopping');
    assert.deepEqual(world.ended(), ['g2 stopped (1)']);
    assert.deepEqual(world.exits('web#1 g1'), []);
    assert.deepEqual(world.exits('web#1 g2'), []);
    assert.deepEqual(world.exits('web#2 g1'), ['stopped']);
    assert.equal(world.core.serverState(), 'stopped');
    assert.deepEqual(world.send({ type: 'tick' }), [], 'it is said once');
  });

  it('beats everything: who waits is told, and nothing new begins', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.reload({ waiter: 1 });
    world.ready('web#1 g2');
    world.restart({ waiter: 2 });
    world.send({ type: 'stop' });
    assert.deepEqual(world.ended(), ['g2 stopped (1, 2)']);
    assert.deepEqual(world.reload(), []);
    assert.deepEqual(world.crashes('web#1 g2'), []);
    assert.equal(world.settle().at(-1), 'stopped');
  });

  it('leaves workers that drain already the time they have', () => {
    const world = new World().running(spec('web'));
    world.reload();
    world.ready('web#1 g2');
    world.pass(4000);
    assert.deepEqual(world.send({ type: 'stop' }), ['drain web#1 g2']);
    assert.deepEqual(world.pass(DRAIN_MS - 4000), ['kill web#1 g1 (forced)']);
    assert.deepEqual(world.pass(4000), ['kill web#1 g2 (forced)']);
  });

  it('cuts a drain short on demand, once, and leaves the program a moment to shut down', () => {
    const world = new World().running(spec('web'));
    world.reload();
    world.ready('web#1 g2');
    const { id } = world.find('web#1 g1');
    assert.deepEqual(world.send({ type: 'finish', worker: id }), ['hurry web#1 g1']);
    assert.deepEqual(world.send({ type: 'finish', worker: id }), []);
    assert.deepEqual(
      world.send({ type: 'finish', worker: world.find('web#1 g2').id }),
      [],
      'one that serves serves on',
    );
    assert.deepEqual(world.pass(999), []);
    assert.deepEqual(world.pass(1), ['kill web#1 g1 (forced)']);
  });

  it('includes groups that are on their way out or in', () => {
    const world = new World().running(spec('old'), spec('web'));
    world.restart();
    world.evaluated(spec('web'));
    world.ready('web#1 g2');
    world.restart();
    world.evaluated(spec('web'), spec('new'));
    assert.deepEqual(world.send({ type: 'stop' }), ['stopped g3', 'drain web#1 g2', 'kill web#1 g3', 'kill new#1 g3']);
    assert.equal(world.settle().at(-1), 'stopped');
  });

  it('ends at once when there is nobody to wait for', () => {
    const world = new World();
    world.start(spec('web'));
    world.exits('web#1 g1', 1);
    assert.deepEqual(world.send({ type: 'stop' }), ['stopped']);
  });

  it('waits for nobody when it is forced', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.reload();
    world.ready('web#1 g2');
    const lines = world.send({ type: 'force-stop' });
    assert.deepEqual(
      lines.filter((line) => line.startsWith('kill')),
      ['kill web#2 g2', 'kill web#1 g1 (forced)', 'kill web#1 g2 (forced)', 'kill web#2 g1 (forced)'],
    );
    assert.deepEqual(world.send({ type: 'force-stop' }), [], 'nobody is killed twice');
    assert.equal(world.settle().at(-1), 'stopped');
  });

  it('may be forced later', () => {
    const world = new World().running(spec('web'));
    world.send({ type: 'stop' });
    assert.deepEqual(world.send({ type: 'force-stop' }), ['kill web#1 g1 (forced)']);
  });
});
