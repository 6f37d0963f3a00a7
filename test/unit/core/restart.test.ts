import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { error, spec, World } from './driver.ts';

describe('restart', () => {
  it('evaluates, boots a canary of each group, commits, and rolls over', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    assert.deepEqual(world.restart({ waiter: 1 }), ['began restart g2', 'evaluate']);
    assert.deepEqual(world.evaluated(spec('web', { workers: 2, definition: 2 })), ['spawn web#1 g2']);
    assert.deepEqual(world.ready('web#1 g2'), ['commit', 'admit web#1 g2', 'drain web#1 g1', 'spawn web#2 g2']);
    assert.deepEqual(world.ready('web#2 g2'), ['admit web#2 g2', 'drain web#2 g1', 'done g2']);
    assert.deepEqual(world.ended(), ['g2 done (1)']);
    assert.equal(world.group('web').spec.definition, 2);
  });

  it('starts canaries by the new definition, and respawns of crashed workers by the one in force', () => {
    const world = new World().running(spec('web'));
    world.restart();
    world.evaluated(spec('web', { definition: 2, bootTimeout: 700 }));
    const canary = world.slot('web#1').workers.at(-1)!;
    assert.equal(canary.definition, 2);
    world.pass(700);
    assert.match(world.results[0]!.change.error!.message, /not ready within 0.7 s/);
    assert.deepEqual(world.crashes('web#1 g1'), ['spawn web#1 g2']);
    assert.equal(world.slot('web#1').workers.at(-1)?.definition, 1);
  });

  it('leaves everything in force when the bootstrap script cannot be evaluated', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.restart({ waiter: 1 });
    assert.deepEqual(world.evaluationFails('SyntaxError'), ['rejected g2']);
    assert.deepEqual(world.ended(), ['g2 rejected (1)']);
    assert.equal(world.results[0]?.change.error?.code, 'bootstrap-error');
    assert.deepEqual(world.slots('web'), ['ready g1', 'ready g1']);
    assert.deepEqual(world.crashes('web#1 g1'), ['spawn web#1 g1'], 'the workers’ code was not what failed');
  });

  it('keeps the server up while the bootstrap script takes its time', () => {
    const world = new World().running(spec('web'));
    world.restart();
    assert.deepEqual(world.crashes('web#1 g1'), ['spawn web#1 g1']);
    world.evaluated(spec('web'));
    world.ready('web#1 g1');
    world.ready('web#1 g2');
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g2']);
  });

  it('leaves everything in force when a canary fails, new groups and changed counts included', () => {
    const world = new World().running(spec('web', { workers: 2 }), spec('old'));
    world.restart();
    world.evaluated(spec('web', { workers: 5 }), spec('api'));
    world.ready('web#1 g2');
    assert.deepEqual(world.exits('api#1 g2', 1), ['kill web#1 g2', 'rejected g2', 'release api']);
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g1', 'ready g1']);
    assert.deepEqual(world.slots('old'), ['ready g1']);
    assert.deepEqual(
      world.core.groups.map((group) => group.spec.name),
      ['web', 'old'],
    );
  });

  it('frees the addresses of a new group that was not admitted when its worker is gone', () => {
    const world = new World().running(spec('web'));
    world.restart();
    world.evaluated(spec('web'), spec('api'));
    world.ready('api#1 g2');
    assert.deepEqual(world.exits('web#1 g2', 1), ['kill api#1 g2', 'rejected g2']);
    assert.deepEqual(world.exits('api#1 g2'), ['release api']);
  });

  it('adds workers: together, once no old one is left', () => {
    const world = new World().running(spec('web'));
    world.restart();
    world.evaluated(spec('web', { workers: 3 }));
    assert.deepEqual(world.ready('web#1 g2').slice(-2), ['spawn web#2 g2', 'spawn web#3 g2']);
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g2', 'ready g2', 'ready g2']);
  });

  it('takes workers away: they drain with the commit, and their slots go with them', () => {
    const world = new World().running(spec('web', { workers: 3 }));
    world.restart();
    world.evaluated(spec('web', { workers: 1 }));
    const lines = world.ready('web#1 g2');
    assert.deepEqual(lines, [
      'commit',
      'drain web#2 g1',
      'drain web#3 g1',
      'admit web#1 g2',
      'drain web#1 g1',
      'done g2',
    ]);
    assert.equal(world.group('web').slots.length, 3);
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g2']);
  });

  it('brings slots back that an earlier restart took away, whatever drains there still', () => {
    const world = new World().running(spec('web', { workers: 4 }));
    world.restart();
    world.evaluated(spec('web', { workers: 2 }));
    world.ready('web#1 g2');
    world.exits('web#3 g1');
    world.ready('web#2 g2');
    world.restart();
    world.evaluated(spec('web', { workers: 5 }));
    world.settle();
    assert.deepEqual(
      world.group('web').slots.map((slot) => slot.index),
      [1, 2, 3, 4, 5],
    );
    assert.deepEqual(world.slots('web'), Array(5).fill('ready g3'));
  });

  it('starts new groups, and drains and releases those that are gone', () => {
    const world = new World().running(spec('old', { workers: 2 }), spec('web'));
    world.restart();
    assert.deepEqual(world.evaluated(spec('web'), spec('api', { workers: 2 })), ['spawn web#1 g2', 'spawn api#1 g2']);
    world.ready('api#1 g2');
    const lines = world.ready('web#1 g2');
    assert.deepEqual(lines.slice(0, 3), ['commit', 'drain old#1 g1', 'drain old#2 g1']);
    assert.ok(lines.includes('spawn api#2 g2'));
    assert.deepEqual(world.exits('old#1 g1'), []);
    assert.deepEqual(world.exits('old#2 g1'), ['release old']);
    world.settle();
    assert.deepEqual(world.slots('api'), ['ready g2', 'ready g2']);
  });

  it('keeps the addresses of a group that comes back while its old workers drain', () => {
    const world = new World().running(spec('web'), spec('api'));
    world.restart();
    world.evaluated(spec('web'));
    world.ready('web#1 g2');
    assert.deepEqual(world.slots('web'), ['draining g1, ready g2']);
    world.restart();
    world.evaluated(spec('web'), spec('api'));
    assert.deepEqual(world.exits('api#1 g1'), [], 'its canary may have bound them anew');
    world.ready('web#1 g3');
    world.ready('api#1 g3');
    assert.ok(!world.settle().includes('release api'));
  });

  it('frees them after all when the definition that would have brought the group back is rejected', () => {
    const world = new World().running(spec('web'), spec('api'));
    world.restart();
    world.evaluated(spec('web'));
    world.ready('web#1 g2');
    world.restart();
    world.evaluated(spec('web'), spec('api'));
    assert.deepEqual(world.exits('api#1 g1'), []);
    assert.deepEqual(world.exits('web#1 g3', 1), ['kill api#1 g3', 'rejected g3']);
    assert.deepEqual(world.exits('api#1 g3'), ['release api']);
  });

  it('replaces groups that do not reload last', () => {
    const world = new World().running(spec('gateway', { reloadable: false }), spec('web', { workers: 2 }));
    world.restart();
    assert.deepEqual(world.evaluated(spec('gateway', { reloadable: false }), spec('web', { workers: 2 })), [
      'spawn web#1 g2',
    ]);
    assert.ok(!world.ready('web#1 g2').includes('spawn gateway#1 g2'));
    assert.deepEqual(world.ready('web#2 g2'), ['admit web#2 g2', 'drain web#2 g1', 'spawn gateway#1 g2']);
    assert.deepEqual(world.ready('gateway#1 g2'), ['admit gateway#1 g2', 'drain gateway#1 g1', 'done g2']);
  });

  it('checks stop-first groups instead of a canary, new ones among them', () => {
    const world = new World().running(spec('jobs', { order: 'stop-first' }), spec('web'));
    world.restart();
    const next = [spec('jobs', { order: 'stop-first' }), spec('web'), spec('cron', { order: 'stop-first' })];
    assert.deepEqual(world.evaluated(...next), ['check jobs cron']);
    assert.deepEqual(world.checked(error()), ['rejected g2', 'release cron']);
    assert.deepEqual(world.slots('jobs'), ['ready g1']);
    assert.equal(world.core.groups.length, 2);
  });

  it('replaces in the order that the new definition asks for', () => {
    const world = new World().running(spec('web'));
    world.restart();
    assert.deepEqual(world.evaluated(spec('web', { order: 'stop-first' })), ['check web']);
    assert.deepEqual(world.checked(), ['commit', 'drain web#1 g1']);
    assert.deepEqual(world.exits('web#1 g1'), ['spawn web#1 g2']);
  });

  it('is rejected when it fails after the commit, and the new definition stays in force', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.restart();
    world.evaluated(spec('web', { workers: 2, definition: 2 }), spec('jobs', { order: 'stop-first', definition: 2 }));
    world.checked();
    world.ready('web#1 g2');
    const lines = world.exits('web#2 g2', 1);
    assert.deepEqual(lines, ['kill jobs#1 g2', 'rejected g2']);
    assert.equal(world.group('web').spec.definition, 2);
    assert.deepEqual(
      world.exits('jobs#1 g2'),
      ['spawn jobs#1 g2'],
      'it is part of the server, and nothing is said against it',
    );
  });

  it('that is rejected after its commit brings up new groups as a start does: one worker first', () => {
    const world = new World().running(spec('web', { workers: 2 }));
    world.restart();
    world.evaluated(spec('web', { workers: 2 }), spec('jobs', { order: 'stop-first', workers: 3 }));
    world.checked();
    world.ready('web#1 g2');
    assert.deepEqual(world.exits('web#2 g2', 1), ['kill jobs#1 g2', 'rejected g2', 'spawn jobs#2 g2']);
    world.exits('jobs#1 g2');
    assert.deepEqual(world.ready('jobs#2 g2'), ['admit jobs#2 g2', 'spawn jobs#1 g2', 'spawn jobs#3 g2']);
  });

  it('that is superseded after its commit goes on as a reload of what is left', () => {
    const world = new World().running(spec('web', { workers: 3 }), spec('gateway', { reloadable: false }));
    world.restart({ waiter: 1 });
    world.evaluated(spec('web', { workers: 3 }), spec('gateway', { reloadable: false }));
    world.ready('web#1 g2');
    world.reload({ waiter: 2 });
    assert.deepEqual(world.ready('web#2 g2').slice(-3), ['superseded g2', 'began reload g3', 'spawn web#1 g3']);
    world.settle();
    assert.deepEqual(world.slots('web'), ['ready g3', 'ready g3', 'ready g3']);
    assert.deepEqual(world.slots('gateway'), ['ready g3']);
    assert.deepEqual(world.ended(), ['g2 superseded', 'g3 done (1, 2)']);
  });
});
