import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { optionPlace } from '../../../src/master/optionPlace.ts';

const folder = mkdtempSync(join(tmpdir(), 'option-'));
after(() => rmSync(folder, { recursive: true }));
const script = join(folder, 'server.ts');
writeFileSync(
  script,
  `// the groups of a shop
const workers = 'two';
export default {
  groups: {
    web: { entry: './web.ts', workers },
    'in-queue': {
      entry: './queue.ts', wrokers: 2,
    },
  },
};
`,
);
const place = (...path: string[]): (number | null)[] => {
  const { line, column } = optionPlace(script, path);
  return [line, column];
};

test('an option is found by the keys that lead to it', () => {
  assert.deepEqual(place('groups', 'web', 'entry'), [5, 12]);
  assert.deepEqual(place('groups', 'web', 'workers'), [5, 31]);
  assert.deepEqual(place('groups', 'in-queue', 'entry'), [7, 7]);
  assert.deepEqual(place('groups', 'in-queue', 'wrokers'), [7, 28]);
});

test('where it is not spelled out the outer one stands for it, else the file', () => {
  assert.deepEqual(place('groups', 'web', 'env', 'PORT'), [5, 5]);
  assert.deepEqual(place('nothing'), [null, null]);
  assert.deepEqual(place(), [null, null]);
});
