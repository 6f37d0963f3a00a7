import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { holdsTexts, inSource, isBuiltFrom, isBuiltFromText } from '../../../src/master/sourceMaps.ts';

const folder = mkdtempSync(join(tmpdir(), 'source-maps-'));
test.after(() => rmSync(folder, { recursive: true }));
const source = join(folder, 'src', 'a b.ts');

function output(comment: string): string {
  const path = join(folder, 'out.js');
  writeFileSync(path, `run();\n${comment}\n`);
  return path;
}

const inline = (map: object): string => {
  const whole = { version: 3, names: [], mappings: '', ...map };
  return `//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(whole)).toString('base64')}`;
};

test('a map beside the output, and one within it', () => {
  writeFileSync(
    join(folder, 'out.js.map'),
    JSON.stringify({ version: 3, names: [], mappings: '', sources: [null, 'src/a%20b.ts'] }),
  );
  assert.ok(isBuiltFrom(output('//# sourceMappingURL=out.js.map'), source));
  assert.ok(isBuiltFrom(output(inline({ sources: ['src/a b.ts'] })), source));
  assert.ok(!isBuiltFrom(output(inline({ sources: ['src/other.ts'] })), source));
});

test('a root of the sources, and sources that are addresses of files', () => {
  assert.ok(isBuiltFrom(output(inline({ sourceRoot: 'src', sources: ['a b.ts'] })), source));
  assert.ok(isBuiltFrom(output(inline({ sources: [pathToFileURL(source).href] })), source));
});

test('no map, a missing one and a broken one tell nothing', () => {
  assert.ok(!isBuiltFrom(output(''), source));
  assert.ok(!isBuiltFrom(output('//# sourceMappingURL=gone.js.map'), source));
  assert.ok(!isBuiltFrom(output('//# sourceMappingURL=data:application/json,{'), source));
  assert.ok(!isBuiltFrom(join(folder, 'gone.js'), source));
});

test('a place in an output stands for one in its source, if that is there', () => {
  // Line 1 from column 5 on stands for line 3 of the source from column 2 on.
  const file = output(inline({ sources: ['src/a b.ts'], mappings: 'IAEC' }));
  assert.deepEqual(inSource({ file, line: 1, column: 6 }), { file, line: 1, column: 6 });
  mkdirSync(join(folder, 'src'));
  writeFileSync(source, '');
  assert.deepEqual(inSource({ file, line: 1, column: 6 }), { file: source, line: 3, column: 2 });
  assert.deepEqual(inSource({ file, line: 1, column: 2 }), { file, line: 1, column: 2 });
  assert.deepEqual(inSource({ file, line: 2, column: null }), { file, line: 2, column: null });
});

test('webpack names sources from the folder that it was started in', () => {
  const project = join(folder, 'shop');
  const file = join(project, 'src', 'word.ts');
  mkdirSync(join(project, 'src'), { recursive: true });
  mkdirSync(join(project, 'dist'));
  writeFileSync(file, 'one');
  const bundle = join(project, 'dist', 'main.js');
  const sources = ['webpack://shop/webpack/bootstrap', 'webpack://shop/./src/word.ts?1f2e'];
  // Line 1 stands for line 3 of the second source.
  writeFileSync(bundle, `run();\n${inline({ sources, sourcesContent: ['x', 'one'], mappings: 'ACEA' })}\n`);
  assert.ok(isBuiltFrom(bundle, file));
  assert.ok(!isBuiltFrom(bundle, join(folder, 'other', 'src', 'word.ts')));
  assert.deepEqual(inSource({ file: bundle, line: 1, column: 1 }), { file, line: 3, column: 1 });
  assert.deepEqual([isBuiltFromText(bundle, file), holdsTexts(bundle)], [true, true]);
  writeFileSync(file, 'two');
  assert.deepEqual([isBuiltFromText(bundle, file), holdsTexts(bundle)], [false, false]);
});
