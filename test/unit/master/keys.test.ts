import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyOf } from '../../../src/master/keys.ts';

test('keys are those of Vite and nodemon, and mind upper and lower case', () => {
  const expected = {
    r: 'reload',
    rs: 'reload',
    R: 'restart',
    l: 'status',
    s: 'status',
    o: 'open',
    h: 'help',
    q: 'quit',
  };
  for (const [line, key] of Object.entries(expected)) assert.equal(keyOf(` ${line} `), key, line);
  for (const line of ['', 'rr', 'Rs', 'quit', 'S']) assert.equal(keyOf(line), undefined, line);
});
