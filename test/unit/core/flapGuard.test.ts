import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FlapGuard } from '../../../src/core/flapGuard.ts';

/** A project whose file changes; a reload takes 200 ms. */
class World {
  readonly guard = new FlapGuard();
  now = 0;
  reloads = 0;
  /** When the next change was written; undefined = just now. */
  writtenAt: number | undefined;
  /** A worker has told that it writes the file. */
  isOwn = false;
  private content = 0;

  /** The file changes, and reloads as the guard has it. @returns what was decided, delays in ms */
  change(file = 'data.json'): string {
    const digest = String(++this.content);
    const verdict = this.guard.changed(file, digest, this.now, this.writtenAt ?? this.now, this.isOwn);
    if (verdict.act === 'never') return 'never';
    const delay = verdict.act === 'later' ? verdict.at - this.now : 0;
    this.now += delay;
    this.guard.acted(file, digest);
    this.reloads += 1;
    return delay === 0 ? 'now' : String(delay);
  }

  reloaded(): void {
    this.now += 200;
    this.guard.ended(this.now);
  }
}

describe('a loop of reloads', () => {
  it('is stopped when the new worker writes the file once it serves, and says so', () => {
    const world = new World();
    world.isOwn = true;
    const verdicts = Array.from({ length: 12 }, () => {
      const verdict = world.change();
      world.reloaded();
      world.now += 100;
      return verdict;
    });
    assert.ok(verdicts.includes('never'), verdicts.join());
    assert.equal(verdicts[0], 'now');
  });

  it('is none where the file changes long after the worker has written it', () => {
    const world = new World();
    world.isOwn = true;
    for (let turn = 0; turn < 12; turn++) {
      assert.equal(world.change(), 'now');
      world.reloaded();
      world.now += 10_000;
    }
  });

  it('is slowed down and then stopped when the new worker itself writes the file', () => {
    const world = new World();
    const verdicts = Array.from({ length: 12 }, (_, turn) => {
      const verdict = world.change();
      // It writes while it comes up; whether its reload has ended when that is heard makes no difference.
      world.writtenAt = world.now + 10;
      if (turn % 2 === 0) world.reloaded();
      return verdict;
    });
    assert.deepEqual(verdicts, [
      ...Array<string>(5).fill('now'),
      '1000',
      '2000',
      '2000',
      ...Array<string>(4).fill('never'),
    ]);
    assert.deepEqual(world.guard.leftAlone, ['data.json']);
  });

  it('is none when each change waits for the end of the reload: somebody looks at it and writes', () => {
    const world = new World();
    for (let turn = 0; turn < 30; turn++) {
      assert.equal(world.change(), 'now');
      world.reloaded();
    }
  });

  it('is none when a save that waited for the end of the reload is stamped with the tick before it', () => {
    const world = new World();
    for (let turn = 0; turn < 30; turn++) {
      world.writtenAt = turn % 7 === 0 ? undefined : world.now - 4;
      assert.equal(world.change(), 'now');
      world.reloaded();
    }
  });

  it('is one all the same when some of its writes fall together with the end of the reload', () => {
    const world = new World();
    const verdicts = Array.from({ length: 40 }, (_, turn) => {
      const verdict = world.change();
      world.writtenAt = world.now + (turn % 2 === 0 ? 195 : 10);
      world.reloaded();
      return verdict;
    });
    assert.equal(verdicts.at(-1), 'never');
  });

  it('is none when the file changes while its reload is put off: another one writes it', () => {
    const world = new World();
    for (let turn = 0; turn < 30; turn++) {
      const verdict = world.guard.changed('a', `${turn} first`, world.now, world.now, false);
      const again = world.guard.changed('a', `${turn} second`, world.now + 1, world.now + 1, false);
      assert.notEqual(verdict.act, 'never');
      assert.notEqual(again.act, 'never');
      world.guard.acted('a', `${turn} second`);
    }
  });

  it('is none when the same content is told of twice', () => {
    const world = new World();
    for (let turn = 0; turn < 30; turn++) {
      world.guard.acted('a', String(turn));
      assert.equal(world.guard.changed('a', String(turn), world.now, world.now, false).act, 'now');
    }
  });

  it('is forgotten when a person saves the file, or asks for a reload', () => {
    const world = new World();
    while (world.change() !== 'never');
    assert.equal(world.guard.isLeftAlone('data.json'), true);
    world.guard.forgive('data.json');
    assert.equal(world.change(), 'now');
    while (world.change() !== 'never');
    world.guard.forgiveAll();
    assert.equal(world.change(), 'now');
  });
});
