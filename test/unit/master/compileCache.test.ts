import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { compileCacheFolder } from '../../../src/master/compileCache.ts';

function home(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gr-unit-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const folderIn = (home: string, month = 11): string | undefined =>
  compileCacheFolder(new Date(2026, month, 1), { XDG_CACHE_HOME: home, LOCALAPPDATA: home });

test('each quarter of a year has a folder, and those before it go', (t) => {
  const all = home(t);
  const [winter, spring] = [folderIn(all, 0)!, folderIn(all, 2)!];
  assert.equal(spring, winter);
  writeFileSync(join(winter, 'entry'), '');
  const summer = folderIn(all, 6)!;
  assert.notEqual(summer, winter);
  assert.ok(existsSync(summer));
  assert.ok(!existsSync(winter));
});

test('nothing is kept where others could write to it, or where there can be no folder', (t) => {
  const all = home(t);
  const folder = folderIn(all)!;
  if (process.platform !== 'win32') {
    chmodSync(folder, 0o770);
    assert.equal(folderIn(all), undefined, 'a group may write');
    chmodSync(folder, 0o700);
    assert.equal(folderIn(all), folder);
    const other = home(t);
    mkdirSync(join(other, 'graceful-reload'));
    symlinkSync(join(all, 'graceful-reload', 'compile-cache'), join(other, 'graceful-reload', 'compile-cache'));
    assert.equal(folderIn(other), undefined, 'it leads elsewhere');
  }
  const file = join(all, 'file');
  writeFileSync(file, '');
  assert.equal(folderIn(file), undefined);
});
