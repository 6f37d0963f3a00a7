/** 64 workers, 10,000 loaded files, a workspace of 200,000: what the core does grows with what changes, counted and not timed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restartFlag, scopeOf, isStaleIn, type GroupFiles } from '../../../src/core/changeScope.ts';
import { spec, World } from './driver.ts';

const WORKERS = 64;
const LOADED = 10_000;
const WORKSPACE = 200_000;

/** Counts how often a file is looked up, and refuses to be walked through. */
class CountedFiles extends Map<string, string> {
  static lookups = 0;

  override has(file: string): boolean {
    CountedFiles.lookups += 1;
    return super.has(file);
  }

  override get(file: string): string | undefined {
    CountedFiles.lookups += 1;
    return super.get(file);
  }

  override [Symbol.iterator](): never {
    throw new Error('walked through');
  }

  override entries = this[Symbol.iterator];
  override keys = this[Symbol.iterator];
  override values = this[Symbol.iterator];
  override forEach = this[Symbol.iterator];
}

function groupOf(files: number): GroupFiles {
  const process = (): CountedFiles => {
    const loaded = new CountedFiles();
    for (let index = 0; index < files; index++) loaded.set(`src/${index}.ts`, 'old');
    return loaded;
  };
  const processes = Array.from({ length: WORKERS }, process);
  return { name: 'web', reloadable: true, processes, isExcluded: () => false, isIncluded: () => false };
}

function lookupsOf(act: () => unknown): number {
  CountedFiles.lookups = 0;
  act();
  return CountedFiles.lookups;
}

test(`what a save means for ${WORKERS} workers is looked up, with ${LOADED} files as with 100`, () => {
  const script = new CountedFiles([['server.ts', 'old']]);
  const work = (group: GroupFiles, file: string): number =>
    lookupsOf(() => {
      const bootstrap = { script: 'server.ts', loaded: script, isExcluded: () => false };
      scopeOf(file, [group], bootstrap);
      isStaleIn(group, file, 'new');
      restartFlag(file, 'new', [group], bootstrap, () => false);
    });
  const [few, many] = [groupOf(100), groupOf(LOADED)];
  for (const file of ['src/7.ts', 'src/none.ts']) {
    const lookups = work(many, file);
    assert.equal(lookups, work(few, file), file);
    assert.ok(lookups <= 6 * (WORKERS + 1), `${lookups} lookups`);
  }
});

test(`a checkout of ${WORKSPACE} files that nobody loaded`, () => {
  const group = groupOf(100);
  const lookups = lookupsOf(() => {
    for (let index = 0; index < WORKSPACE; index++) assert.equal(isStaleIn(group, `other/${index}.ts`, 'new'), false);
  });
  assert.ok(lookups <= 2 * WORKERS * WORKSPACE, `${lookups} lookups`);
});

test(`a reload of ${WORKERS} workers: one start each, one over at a time, and 8 times the commands of 8 workers`, () => {
  const commandsOf = (workers: number): string[] => {
    const world = new World().running(spec('web', { workers }));
    const lines = world.reload();
    for (let worker = 1; worker <= workers; worker++) {
      assert.equal(world.count('starting'), 1, `one starts: ${worker}`);
      lines.push(...world.ready(`web#${worker} g2`));
      assert.equal(world.count('ready'), workers, `nobody is missing: ${worker}`);
    }
    lines.push(...world.settle());
    assert.deepEqual(world.ended(), ['g2 done']);
    assert.equal(lines.filter((line) => line.startsWith('spawn')).length, workers);
    assert.equal(lines.filter((line) => line.startsWith('drain')).length, workers);
    return lines;
  };
  const [few, many] = [commandsOf(8), commandsOf(WORKERS)].map(({ length }) => length) as [number, number];
  assert.ok(many <= (few * WORKERS) / 8, `${few} and ${many}`);
});
