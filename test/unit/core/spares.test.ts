import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idleAt, IDLE_MS, wishOf, type SpareNeed, type SpareWish } from '../../../src/core/spares.ts';
import { spec, World } from './driver.ts';

const needed: SpareNeed = { neededAt: 0, isBroken: false };

function wish(world: World, group = 'web', need = needed): SpareWish {
  return wishOf(world.group(group), world.core.change, need, world.now);
}

test('a group that runs wants as many spares as it was told to', () => {
  assert.equal(wish(new World().running(spec('web'))), 1);
  assert.equal(wish(new World().running(spec('web', { spares: 3 }))), 3);
  assert.equal(wish(new World().running(spec('web', { spares: 0 }))), 0);
  assert.equal(wish(new World().running(spec('web', { reloadable: false }))), 0, 'no reload ever takes one');
});

test('nothing begins beside the first start or a canary', () => {
  const world = new World();
  world.start(spec('web'), spec('api'));
  assert.equal(wish(world), 'hold');
  world.settle();
  world.reload({ scope: 'web' });
  assert.equal(wish(world), 'hold');
  assert.equal(wish(world, 'api'), 'hold', 'the machine is busy for others as well');
  world.ready('web#1 g2');
  assert.equal(wish(world), 1, 'the reload is over');
});

test('while a reload rolls the process of the next worker boots, and none beside the last one', () => {
  const world = new World().running(spec('web', { workers: 3 }));
  world.reload();
  const wishes = ['web#1 g2', 'web#2 g2', 'web#3 g2'].map((name) => {
    world.ready(name);
    return wish(world);
  });
  // Slot 2 starts: the process of slot 3 boots. Slot 3 starts: nothing comes after it. Then the reload is over.
  assert.deepEqual(wishes, [1, 'hold', 1]);
});

test('a respawn comes first', () => {
  const world = new World().running(spec('web', { workers: 2 }));
  world.crashes('web#2 g1');
  world.pass(1000);
  assert.equal(wish(world), 'hold');
  world.ready('web#2 g1');
  assert.equal(wish(world), 1);
});

test('after a rejection the next save will want a spare', () => {
  const world = new World().running(spec('web'));
  world.reload();
  world.crashes('web#1 g2');
  assert.deepEqual(world.ended(), ['g2 rejected']);
  assert.equal(wish(world), 1);
});

test('spares that nobody needs are let go; broken ones are not tried again', () => {
  const world = new World().running(spec('web'));
  world.pass(IDLE_MS - 1);
  assert.equal(wish(world), 1);
  world.pass(1);
  assert.equal(wish(world), 0);
  assert.equal(wish(world, 'web', { neededAt: world.now, isBroken: false }), 1);
  assert.equal(wish(world, 'web', { neededAt: world.now, isBroken: true }), 0);
  assert.equal(idleAt(needed), IDLE_MS);
});
