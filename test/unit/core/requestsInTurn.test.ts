import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { spec, World } from './driver.ts';

describe('a newer request', () => {
  it('ends a canary that is not ready at once, and its waiters get the result of what follows', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.reload({ waiter: 1 });
    assert.deepEqual(world.reload({ waiter: 2 }), [
      'kill web#1 g2',
      'superseded g2',
      'began reload g3',
      'spawn web#1 g3',
    ]);
    world.settle();
    assert.deepEqual(world.ended(), ['g2 superseded', 'g3 done (1, 2)']);
    assert.deepEqual(world.slots('web'), ['ready g3', 'ready g3']);
  });

  it('tells waiters of what it superseded when it is rejected itself', () => {
    const world = new World().running(spec('web'));
    world.reload({ waiter: 1 });
    world.reload({ waiter: 2 });
    world.exits('web#1 g3', 1);
    assert.deepEqual(world.ended(), ['g2 superseded', 'g3 rejected (1, 2)']);
  });

  it('ends a canary that is ready and waits for another group', () => {
    const world = new World().running(spec('web'), spec('api'));
    world.reload();
    world.ready('web#1 g2');
    const lines = world.reload({ scope: 'api' });
    assert.deepEqual(lines.slice(0, 3), ['kill web#1 g2', 'kill api#1 g2', 'superseded g2']);
    world.settle();
    assert.deepEqual(
      [world.slots('web'), world.slots('api')],
      [['ready g3'], ['ready g3']],
      'what was asked for first is done too',
    );
  });

  it('lets the step under way end, and takes the rest straight to the newest generation behind a new canary', () => {
    const world = new World().running(spec('web', { workers: 4 }));
    world.reload({ waiter: 1 });
    world.ready('web#1 g2');
    assert.deepEqual(world.reload({ waiter: 2 }), [], 'web#2 is on its way');
    assert.deepEqual(world.ready('web#2 g2'), [
      'admit web#2 g2',
      'drain web#2 g1',
      'superseded g2',
      'began reload g3',
      'spawn web#1 g3',
    ]);
    assert.equal(world.results[0]?.change.replaced, 2);
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g3', 'ready g3', 'ready g3', 'ready g3']);
    assert.deepEqual(world.ended(), ['g2 superseded', 'g3 done (1, 2)']);
  });

  it('takes over what is left of a reload of another group', () => {
    const world = new World().running(spec('web', { workers: 3 }), spec('api'));
    world.reload({ scope: 'web' });
    world.ready('web#1 g2');
    world.reload({ scope: 'api' });
    assert.deepEqual(world.ready('web#2 g2').slice(2), [
      'superseded g2',
      'began reload g3',
      'spawn web#3 g3',
      'spawn api#1 g3',
    ]);
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g2', 'ready g2', 'ready g3']);
  });

  it('waits for its turn when the last step ends well: that change is done', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.reload({ waiter: 1 });
    world.ready('web#1 g2');
    world.reload({ waiter: 2 });
    world.ready('web#2 g2');
    assert.deepEqual(world.ended(), ['g2 done (1)']);
    world.exits('web#1 g3', 1);
    assert.deepEqual(world.ended(), ['g2 done (1)', 'g3 rejected (2)']);
  });

  it('follows a step that fails: that change is rejected, and this one begins', () => {
    const world = new World().running(spec('web', { workers: 3 }));
    world.reload({ waiter: 1 });
    world.ready('web#1 g2');
    world.reload({ waiter: 2 });
    assert.deepEqual(world.exits('web#2 g2', 1), ['rejected g2', 'began reload g3', 'spawn web#1 g3']);
    world.settle();
    assert.deepEqual(world.ended(), ['g2 rejected (1)', 'g3 done (2)']);
  });

  it('lets a stop-first slot that gave up its worker get a new one first', () => {
    const world = new World().running(spec('jobs', { order: 'stop-first', workers: 2 }));
    world.reload();
    world.checked();
    assert.deepEqual(world.reload(), []);
    assert.deepEqual(world.exits('jobs#1 g1'), ['spawn jobs#1 g2']);
    assert.deepEqual(world.ready('jobs#1 g2'), ['admit jobs#1 g2', 'superseded g2', 'began reload g3', 'check jobs']);
    world.settle();
    assert.deepEqual(world.slots('jobs'), ['ready g3', 'ready g3']);
  });

  it('is not stuck behind new groups whose turn has not come', () => {
    const gateway = spec('gateway', { reloadable: false, order: 'stop-first' });
    const world = new World().running(spec('web', { workers: 3 }));
    world.restart();
    world.evaluated(spec('web', { workers: 3 }), gateway);
    world.checked();
    world.ready('web#1 g2');
    world.reload({ scope: 'web' });
    assert.ok(world.ready('web#2 g2').includes('superseded g2'));
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g3', 'ready g3', 'ready g3']);
    assert.deepEqual(world.slots('gateway'), ['ready g3']);
  });

  it('may come many times: the newest counts, and everyone is told once', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    for (let waiter = 1; waiter <= 5; waiter++) world.reload({ waiter });
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g6', 'ready g6']);
    assert.equal(world.ended().at(-1), 'g6 done (1, 2, 3, 4, 5)');
  });

  it('joins a change that acts on the same content', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.reload({ content: 'A', waiter: 1 });
    assert.deepEqual(world.reload({ content: 'A', waiter: 2 }), []);
    world.ready('web#1 g2');
    assert.deepEqual(world.reload({ content: 'A', scope: 'web#2', waiter: 3 }), []);
    world.settle();
    assert.deepEqual(world.ended(), ['g2 done (1, 2, 3)']);
  });

  it('does not join a change of fewer slots', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.reload({ content: 'A', scope: 'web#1' });
    world.reload({ content: 'A', scope: 'web' });
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g3', 'ready g3']);
  });

  it('is a restart when either is one', () => {
    const world = new World().running(spec('web'));
    world.reload({ waiter: 1, content: 'A' });
    assert.deepEqual(world.restart({ waiter: 2, content: 'A' }), [
      'kill web#1 g2',
      'superseded g2',
      'began restart g3',
      'evaluate',
    ]);
    assert.deepEqual(world.reload({ waiter: 3 }), ['superseded g3', 'began restart g4', 'evaluate']);
    assert.deepEqual(world.restart({ waiter: 4, content: 'content 1' }), [], 'the same is asked for again');
    world.evaluated(spec('web'));
    world.settle();
    assert.deepEqual(world.ended(), ['g2 superseded', 'g3 superseded', 'g4 done (1, 2, 3, 4)']);
  });

  it('ignores what the bootstrap host and the compile check say of a change that is over', () => {
    const world = new World().running(spec('jobs', { order: 'stop-first' }));
    world.restart();
    const first = world.core.change!.id;
    world.restart();
    assert.deepEqual(world.send({ type: 'evaluated', change: first, outcome: [spec('other')] }), []);
    assert.deepEqual(world.send({ type: 'checked', change: first, error: null }), []);
    assert.equal(world.core.change?.phase, 'evaluate');
  });

  it('keeps the files of all it stands for', () => {
    const world = new World().running(spec('web'));
    world.reload({ files: ['a.ts'] });
    world.reload({ files: ['b.ts', 'a.ts'] });
    assert.deepEqual(world.core.change?.trigger.files, ['b.ts', 'a.ts']);
  });
});
