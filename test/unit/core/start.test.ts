import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BOOT_MS, exitOf, spec, World } from './driver.ts';

describe('first start', () => {
  it('lets the first worker serve before the others of its group are spawned', () => {
    const world = new World();
    assert.deepEqual(world.start(spec('web', { workers: 3 })), ['began start g1', 'spawn web#1 g1']);
    assert.equal(world.core.serverState(), 'starting');
    assert.deepEqual(world.ready('web#1 g1'), ['admit web#1 g1', 'spawn web#2 g1', 'spawn web#3 g1']);
    assert.deepEqual(world.ready('web#3 g1'), ['admit web#3 g1']);
    assert.deepEqual(world.ready('web#2 g1'), ['admit web#2 g1', 'done g1']);
    assert.equal(world.core.serverState(), 'running');
    assert.equal(world.core.nextDeadline(), null);
  });

  it('is starting, with nothing to run, while what its groups run is still being built', () => {
    const world = new World();
    assert.equal(world.core.serverState(), 'starting');
    world.start(spec('main'));
    assert.deepEqual(world.send({ type: 'awaits-build' }), []);
    assert.equal(world.core.serverState(), 'starting');
    assert.deepEqual([world.core.groups, world.core.nextDeadline()], [[], null]);
    // The process that told of the groups ends meanwhile, and is none of theirs.
    assert.deepEqual(world.send({ type: 'exited', worker: 1, exit: exitOf(0), diskDiffers: false }), []);
    assert.deepEqual(world.start(spec('web')), ['began start g1', 'spawn web#1 g1']);
    assert.deepEqual(world.ready('web#1 g1'), ['admit web#1 g1', 'done g1']);
  });

  it('starts all groups independently, those that do not reload among them', () => {
    const world = new World();
    const groups = [
      spec('web', { workers: 2 }),
      spec('gateway', { reloadable: false }),
      spec('jobs', { order: 'stop-first' }),
    ];
    assert.deepEqual(world.start(...groups), [
      'began start g1',
      'spawn web#1 g1',
      'spawn gateway#1 g1',
      'spawn jobs#1 g1',
    ]);
    assert.deepEqual(world.ready('gateway#1 g1'), ['admit gateway#1 g1']);
    assert.deepEqual(world.ready('jobs#1 g1', false), ['admit jobs#1 g1']);
    assert.deepEqual(world.ready('web#1 g1'), ['admit web#1 g1', 'spawn web#2 g1']);
    assert.deepEqual(world.ready('web#2 g1'), ['admit web#2 g1', 'done g1']);
  });

  it('leaves a group that does not come up to the next change, and the others serve', () => {
    const world = new World();
    world.start(spec('web', { workers: 2 }), spec('api', { workers: 2 }));
    assert.deepEqual(world.exits('web#1 g1', 1), []);
    assert.deepEqual(world.slots('web'), ['backoff', 'backoff']);
    world.ready('api#1 g1');
    assert.deepEqual(world.ready('api#2 g1'), ['admit api#2 g1', 'rejected g1']);
    assert.equal(world.results[0]?.change.error?.message, 'web#1 g1 is gone');
    assert.equal(world.core.serverState(), 'running');
    assert.deepEqual(world.pass(3_600_000), []);

    assert.deepEqual(world.reload({ scope: 'web' }), ['began reload g2', 'spawn web#1 g2']);
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g2', 'ready g2']);
    assert.deepEqual(world.slots('api'), ['ready g1', 'ready g1']);
  });

  it('is failed when nothing came up, and a reload is then the start', () => {
    const world = new World();
    world.start(spec('web'));
    assert.deepEqual(world.exits('web#1 g1', 1), ['rejected g1']);
    assert.equal(world.core.serverState(), 'failed');
    assert.equal(world.core.nextDeadline(), null);
    world.reload();
    world.settle();
    assert.equal(world.core.serverState(), 'running');
  });

  it('ends a worker that is not ready in time', () => {
    const world = new World();
    world.start(spec('web', { bootTimeout: 1500 }));
    assert.equal(world.core.nextDeadline(), 1500);
    assert.deepEqual(world.pass(1499), []);
    assert.deepEqual(world.pass(1), ['kill web#1 g1', 'rejected g1']);
    assert.deepEqual(world.results[0]?.change.error, {
      code: 'boot-timeout',
      message: 'web#1 was not ready within 1.5 s (bootTimeout)',
      file: null,
      line: null,
      column: null,
      stack: null,
    });
    assert.deepEqual(world.exits('web#1 g1'), []);
  });

  it('takes an end with code 0 for done, in a program that does not listen', () => {
    const world = new World();
    world.start(spec('script', { order: 'auto', workers: 2 }));
    world.ready('script#1 g1', false);
    world.exits('script#1 g1', 0);
    assert.deepEqual(world.exits('script#2 g1', 0), ['done g1'], 'also when it ends before it counts as ready');
    assert.deepEqual(world.slots('script'), ['stopped', 'stopped']);
    assert.equal(world.core.serverState(), 'stopped');
    assert.deepEqual(world.pass(3_600_000), []);
  });

  it('runs a program that is done anew with the next change, to its end again', () => {
    const world = new World();
    world.start(spec('script', { order: 'auto' }));
    world.exits('script#1 g1', 0);
    assert.deepEqual(world.reload(), ['began reload g2', 'spawn script#1 g2']);
    assert.deepEqual(world.exits('script#1 g2', 0), ['done g2']);
    assert.equal(world.core.serverState(), 'stopped');
  });

  it('takes code 0 for a failure where others of the group listen', () => {
    const world = new World();
    world.start(spec('web', { workers: 2 }));
    world.ready('web#1 g1');
    assert.deepEqual(world.exits('web#2 g1', 0), ['rejected g1']);
    assert.deepEqual(world.slots('web'), ['ready g1', 'backoff']);
  });

  it('begins anew when the first process turns out to be a bootstrap script', () => {
    const world = new World();
    world.start(spec('main'));
    const lines = world.send({ type: 'declared', groups: [spec('web'), spec('api')] });
    assert.deepEqual(lines, ['began start g1', 'spawn web#1 g1', 'spawn api#1 g1']);
    assert.deepEqual(world.exits('main#1 g1', 0), [], 'its process is nobody’s worker any more');
    assert.deepEqual(
      world.core.groups.map((group) => group.spec.name),
      ['web', 'api'],
    );
  });

  it('gives way to a save at once: nobody has been served by what starts', () => {
    const world = new World();
    world.start(spec('web', { workers: 2 }));
    assert.deepEqual(world.reload(), ['kill web#1 g1', 'superseded g1', 'began reload g2', 'spawn web#1 g2']);
    world.exits('web#1 g1');
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g2', 'ready g2']);
  });

  it('leaves alone what is up already when a save comes before the rest', () => {
    const world = new World();
    world.start(spec('gateway', { reloadable: false }), spec('web'));
    world.ready('gateway#1 g1');
    world.reload({ scope: 'web' });
    world.settle();
    assert.deepEqual(world.slots('gateway'), ['ready g1']);
    assert.deepEqual(world.slots('web'), ['ready g2']);
  });

  it('does not read more into late messages of a worker that is gone', () => {
    const world = new World();
    world.start(spec('web'));
    world.ready('web#1 g1');
    assert.deepEqual(world.send({ type: 'ready', worker: 1, listens: true }), []);
    assert.deepEqual(world.send({ type: 'ready', worker: 99, listens: true }), []);
    assert.deepEqual(world.send({ type: 'failed', worker: 1, error: exitOf(1).error }), []);
    assert.deepEqual(world.send({ type: 'exited', worker: 99, exit: exitOf(1), diskDiffers: false }), []);
  });

  it('knows when it wants to be woken', () => {
    const world = new World();
    assert.equal(world.core.nextDeadline(), null);
    world.start(spec('web'), spec('api', { bootTimeout: 400 }));
    assert.equal(world.core.nextDeadline(), 400);
    world.ready('api#1 g1');
    assert.equal(world.core.nextDeadline(), BOOT_MS);
  });
});
