import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Policy } from '../../../src/master/policy.ts';
import { Saves } from '../../../src/master/saves.ts';
import { ToolWatch } from '../../../src/master/toolWatch.ts';
import { ABSENT, digestOf } from '../../../src/protocol/digest.ts';

/** A group that has loaded files as they are, or as they are not, in a folder. */
class World {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'saves-')));
  readonly loaded = new Map<string, string>();
  readonly reloads: string[][] = [];
  readonly saves: Saves;

  constructor(t: TestContext) {
    const group = {
      ...{ name: 'main', reloadable: true, processes: [this.loaded] },
      ...{ isExcluded: () => false, isIncluded: () => false },
    };
    this.saves = new Saves({
      groups: () => [group],
      serving: () => [group],
      bootstrap: () => new Map(),
      isOwn: () => false,
      isOfInterest: (file) => this.loaded.has(file),
      isBuilt: () => false,
      isGenerated: () => false,
      isBuilding: () => false,
      policy: new Policy(() => 'change'),
      tools: new ToolWatch(this.folder, () => undefined),
      reload: (_groups, { files }) => this.reloads.push([...files]),
      isChanging: () => false,
      onKnown: () => undefined,
      onLeftAlone: () => undefined,
    });
    t.after(() => {
      this.saves.dispose();
      rmSync(this.folder, { recursive: true });
    });
  }

  write(name: string, text: string): string {
    const file = join(this.folder, name);
    writeFileSync(file, text);
    return file;
  }

  load(file: string): void {
    this.loaded.set(file, digestOf(readFileSync(file)));
  }
}

test('a save does not wait for files that were empty or not there when they were loaded, and that stay so', async (t) => {
  const world = new World(t);
  const app = world.write('app.js', 'one');
  world.load(app);
  world.load(world.write('empty.js', ''));
  world.loaded.set(join(world.folder, 'absent.json'), ABSENT);
  await world.saves.lookAt(world.loaded.keys());
  await world.saves.onChanged(world.write('app.js', 'two'));
  assert.deepEqual(world.reloads, [[app]]);
});

test('it does for one that was there and is gone or empty now, as when it is being written', async (t) => {
  const world = new World(t);
  const app = world.write('app.js', 'one');
  const word = world.write('word.js', 'one');
  for (const file of [app, word]) world.load(file);
  await world.saves.onChanged(world.write('word.js', ''));
  await world.saves.onChanged(world.write('app.js', 'two'));
  assert.deepEqual(world.reloads, []);
});

test('what the watch keeps to itself right after it told of a file that is as it was', async (t) => {
  const world = new World(t);
  const app = world.write('app.js', 'one');
  world.load(app);
  world.saves.disk.lookNow(app);
  await world.saves.onChanged(app);
  world.write('app.js', 'two');
  for (let turn = 0; world.reloads.length === 0 && turn < 400; turn++) await delay(25);
  assert.deepEqual(world.reloads, [[app]]);
});
