import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  DELETED_AFTER_MS,
  LONGEST_MS,
  Moments,
  OUTSIDE_QUIET_MS,
  OUTSIDE_SERIES_MS,
  QUIET_MS,
  STORM_FILES,
} from '../../../src/core/moments.ts';
import { CALM_MS, ToolWork } from '../../../src/core/toolWork.ts';

/** What happens, at a time. */
type Deed = readonly [at: number, what: (world: World) => void];

class World {
  readonly tools = new ToolWork();
  readonly moments = new Moments(this.tools);
  readonly acts: string[] = [];
  now = 0;

  /** Something outside of every editor wrote the file. */
  write(file: string, notBefore?: number): void {
    this.note(
      this.moments.changed({ file, isEditors: false, ...(notBefore === undefined ? {} : { notBefore }) }, this.now),
    );
  }

  /** A builder that runs beside the server wrote the file. */
  build(file: string): void {
    this.note(this.moments.changed({ file, isEditors: false, isOutput: true }, this.now));
  }

  save(file: string): void {
    this.note(this.moments.changed({ file, isEditors: true }, this.now));
  }

  note(files: readonly string[]): void {
    if (files.length > 0) this.acts.push(`${this.now}: ${files.join(' ')}`);
  }

  /** Wakes it whenever it asks to be woken, until `end`. */
  wakeUntil(end: number): void {
    for (;;) {
      const at = this.moments.nextAt(this.now);
      if (at === null || at > end) break;
      const asked = Math.max(at, this.now);
      this.now = asked;
      const before = this.acts.length;
      this.note(this.moments.due(asked));
      assert.ok(
        this.acts.length > before || (this.moments.nextAt(asked) ?? Infinity) > asked,
        'woken for nothing, again',
      );
    }
    this.now = Math.max(this.now, Number.isFinite(end) ? end : this.now);
  }
}

/** @returns when which files acted */
function play(...deeds: readonly Deed[]): string[] {
  const world = new World();
  for (const [at, what] of deeds) {
    world.wakeUntil(at);
    what(world);
  }
  world.wakeUntil(Infinity);
  assert.equal(world.moments.nextAt(world.now), null, 'nothing waits for ever');
  return world.acts;
}

const write =
  (...files: string[]) =>
  (world: World): void => {
    for (const file of files) world.write(file);
  };
const save =
  (...files: string[]) =>
  (world: World): void => {
    for (const file of files) world.save(file);
  };
const many = (count: number, everyMs: number, what: typeof write, from = 0): Deed[] =>
  Array.from({ length: count }, (_, index) => [from + index * everyMs, what(`file${index}`)] as const);
const lock =
  (isThere: boolean) =>
  (world: World): void =>
    world.tools.lockSeen(isThere, world.now);
const install = (world: World): void => world.tools.packagesWritten(world.now);

describe('a change', () => {
  it('acts at once and once, wherever it comes from', () => {
    assert.deepEqual(play([0, write('a')]), ['0: a']);
    assert.deepEqual(play([0, save('a')]), ['0: a']);
  });

  it('that follows closely acts together with the others that do, after some quiet', () => {
    const saves = play([0, save('a')], [10, save('b')], [20, save('c')], [40, save('b')]);
    assert.deepEqual(saves, ['0: a', `${40 + QUIET_MS}: b c`]);
    const writes = play([0, write('a')], [10, write('b')], [20, write('c')], [90, write('b')]);
    assert.deepEqual(writes, ['0: a', `${90 + OUTSIDE_QUIET_MS}: b c`]);
  });

  it('of the first file acts again when it changes again meanwhile', () => {
    assert.deepEqual(play([0, save('a')], [10, save('a')]), ['0: a', `${10 + QUIET_MS}: a`]);
  });

  it('of a generated file waits for what is generated with it, unless an editor saves it', () => {
    const generate =
      (isEditors: boolean, ...files: string[]) =>
      (world: World): void => {
        for (const file of files) world.note(world.moments.changed({ file, isEditors, isGenerated: true }, world.now));
      };
    const together = play([0, generate(false, 'a')], [50, generate(false, 'b')], [60, write('c')]);
    assert.deepEqual(together, [`${60 + OUTSIDE_QUIET_MS}: a b c`]);
    assert.deepEqual(play([0, generate(false, 'a')]), [`${OUTSIDE_QUIET_MS}: a`]);
    assert.deepEqual(play([0, generate(true, 'a')]), ['0: a']);
    assert.deepEqual(play([0, generate(false, 'a')], [10, save('b')]).at(0), '10: b');
  });

  it('after quiet acts at once', () => {
    assert.deepEqual(play([0, save('a')], [QUIET_MS, save('b')]), ['0: a', `${QUIET_MS}: b`]);
    const late = OUTSIDE_SERIES_MS;
    assert.deepEqual(play([0, write('a')], [late, write('b')]), ['0: a', `${late}: b`]);
  });

  it('that was undone does not act', () => {
    assert.deepEqual(play([0, save('a')], [10, save('b')], [20, ({ moments }) => moments.forget('b')]), ['0: a']);
  });

  it('that is put off waits for its time, and holds nothing else up', () => {
    const acts = play([0, (world) => world.write('loop', 1000)], [300, write('a')], [310, save('b')]);
    assert.deepEqual(acts, ['300: a', '310: b', '1000: loop']);
  });
});

describe('a storm', () => {
  for (const [name, count, everyMs, what] of [
    ['Save All of 500 files', 500, 1, save],
    ['a checkout without a lock that anybody saw', 500, 6, write],
    ['a code generator, or a formatter that takes its time', 100, 90, write],
  ] as const) {
    it(`makes two generations at most: ${name}`, () => {
      const acts = play(...many(count, everyMs, what));
      assert.equal(acts.length, 2, acts.map((act) => act.slice(0, 40)).join('\n'));
      assert.equal(acts[1]?.split(' ').length, count);
    });
  }

  it('may pause for longer once it is known to be one', () => {
    const first = many(STORM_FILES + 1, 5, write);
    const acts = play(...first, [STORM_FILES * 5 + CALM_MS - 10, write('late')]);
    assert.equal(acts.length, 2);
    assert.match(acts[1]!, /late$/);
  });

  it('of saves waits for those that the editor has announced, but not for long', () => {
    const announce: Deed = [0, ({ moments, now }) => moments.expect('slow', now + 1000)];
    assert.deepEqual(play(announce, [0, save('a')], [5, save('b')], [400, save('slow')]), [
      '0: a',
      `${400 + QUIET_MS}: b slow`,
    ]);
    assert.deepEqual(play(announce, [0, save('a')], [5, save('b')]), ['0: a', '1000: b']);
  });

  it('waits for files that are empty or gone, as when they are being written', () => {
    const acts = play([0, ({ moments }) => moments.expect('b', 250)], [5, write('a')], [200, write('b')]);
    assert.deepEqual(acts, [`${200 + OUTSIDE_QUIET_MS}: a b`]);
  });

  it('that never ends is acted on all the same', () => {
    const endless = play(...many(200, 90, () => write('log')));
    assert.ok(endless.length > 1 && endless.length <= 2 + Math.ceil((200 * 90) / LONGEST_MS), endless.join('\n'));
  });
});

describe('while git is at work', () => {
  it('changes from outside wait for its end, and act together', () => {
    const checkout = play([0, lock(true)], ...many(100, 10, write, 5), [1005, lock(false)]);
    assert.equal(checkout.length, 1);
    assert.match(checkout[0]!, new RegExp(`^${1005 + CALM_MS}: file0 `));
  });

  it('the commits of a rebase are one', () => {
    const picks = Array.from({ length: 60 }, (_, pick): Deed[] => {
      const at = pick * 400;
      return [
        [at, lock(true)],
        [at + 100, write('a', `b${pick}`)],
        [at + 200, lock(false)],
      ];
    }).flat();
    assert.equal(play(...picks).length, 1);
  });

  it('an editor still acts at once', () => {
    const acts = play([0, lock(true)], [10, write('a')], [20, save('b')], [30, save('a')], [500, lock(false)]);
    assert.deepEqual(acts, ['20: b', `${30 + QUIET_MS}: a`]);
  });

  it('that left its lock behind nobody waits for', () => {
    const acts = play([0, lock(true)], [10, write('a')], [20_000, write('b')]);
    assert.deepEqual(acts, ['10000: a', '20000: b']);
  });

  it('and its lock came and went unseen, its changes wait for calm', () => {
    const acts = play([0, ({ tools, now }) => tools.lockPassed(now)], [5, write('a')], [8, write('b')]);
    assert.deepEqual(acts, [`${CALM_MS}: a b`]);
  });
});

describe('while a package manager is at work', () => {
  it('changes from outside wait for its end', () => {
    const acts = play([0, install], [100, write('package.json')], [250, install], [500, install], [510, write('a')]);
    assert.deepEqual(acts, [`${500 + CALM_MS}: package.json a`]);
  });

  it('for longer than a minute nobody waits', () => {
    const writes = Array.from({ length: 400 }, (_, index): Deed => [index * 200, install]);
    const acts = play(
      ...[...writes, [1000, write('a')] as const, [70_000, write('b')] as const].sort((x, y) => x[0] - y[0]),
    );
    assert.deepEqual(acts, ['60000: a', '70000: b']);
  });
});

describe('while a builder is building', () => {
  const output =
    (file: string): Deed[1] =>
    (world) =>
      world.build(file);
  const building =
    (is: boolean): Deed[1] =>
    (world) => {
      world.tools.buildSeen(is, world.now);
      world.note(world.moments.due(world.now));
    };

  it('what it writes waits until it is through, and acts then without waiting for quiet', () => {
    const acts = play([0, building(true)], [10, output('a')], [400, output('b')], [401, building(false)]);
    assert.deepEqual(acts, ['401: a b']);
  });

  it('other changes do not wait for it', () => {
    const acts = play([0, building(true)], [10, write('a')], [500, save('b')], [900, building(false)]);
    assert.deepEqual(acts, ['10: a', '500: b']);
  });

  it('for longer than a minute nobody waits, and not for one that has not begun', () => {
    assert.deepEqual(play([0, building(true)], [10, output('a')]), ['60000: a']);
    assert.deepEqual(play([0, output('a')]), ['0: a']);
  });
});

describe('a file that is gone', () => {
  it('may come back for as long as others are being written, though not for ever', () => {
    const { moments } = new World();
    assert.equal(moments.isComingBack(0, 0), false, 'nothing was written');
    for (let at = 0; at < LONGEST_MS; at += DELETED_AFTER_MS - 1) {
      moments.written(at);
      const until = Math.min(at + DELETED_AFTER_MS, LONGEST_MS);
      assert.equal(moments.isComingBack(0, until - 1), true, `${until - 1}`);
      assert.equal(moments.isComingBack(0, until), false, `${until}`);
    }
  });
});
