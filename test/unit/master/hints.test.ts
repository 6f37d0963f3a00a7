import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hintsOf } from '../../../src/master/hints.ts';

test('dependencies that keep state in memory are known, and no manifest tells nothing', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hints-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const manifest = join(folder, 'package.json');
  assert.deepEqual(hintsOf(manifest), []);
  writeFileSync(manifest, '{');
  assert.deepEqual(hintsOf(manifest), []);
  writeFileSync(manifest, JSON.stringify({ dependencies: { express: '5', 'socket.io': '4', 'express-session': '1' } }));
  const [socketIo, session, ...rest] = hintsOf(manifest);
  assert.match(socketIo!, /socket\.io.*WebSocket alone, or run one worker/);
  assert.match(session!, /express-session .*store/);
  assert.deepEqual(rest, []);
});
