import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { importChain } from '../../../src/master/importChain.ts';

test('the line of an import that its text does not name as the loader does', (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'import-chain-')));
  t.after(() => rmSync(folder, { recursive: true }));
  const entry = join(folder, 'app.ts');
  const lineOf = (source: string, specifier: string, file: string): number | null | undefined => {
    writeFileSync(entry, source);
    const child = join(folder, file);
    return importChain(entry, child, { importers: new Map([[child, [{ parent: entry, specifier }]]]) })[0]?.line;
  };
  const aliases = "import type { T } from '@/lib/x';\nimport { y } from '@/lib/y';\nimport { x } from '@/lib/x';\n";
  assert.equal(lineOf(aliases, './src/lib/x.ts', 'src/lib/x.ts'), 3);
  assert.equal(lineOf("\nimport { db } from '~db/index';\n", './packages/index.ts', 'packages/index.ts'), null);
  assert.equal(lineOf("\nimport { db } from '@/db';\n", './src/db/index.ts', 'src/db/index.ts'), 2);
  const twice = "import { a } from '@/x';\nimport { b } from '#/x';\n";
  assert.equal(lineOf(twice, './src/x.ts', 'src/x.ts'), null, 'which one cannot be told');

  const computed = "const fs = require('node:fs');\n// require('./routes/' + name)\nrequire('./routes/' + name);\n";
  assert.equal(lineOf(computed, './routes/a.js', 'routes/a.js'), 3);
  assert.equal(
    lineOf('const all = names.map(\n  (name) => import(`./routes/${name}.js`),\n);\n', './routes/a.js', 'routes/a.js'),
    2,
  );
  assert.equal(lineOf(computed, './views/a.js', 'views/a.js'), null);
});
