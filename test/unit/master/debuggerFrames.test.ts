import assert from 'node:assert/strict';
import { it } from 'node:test';
import { DebuggerFrames } from '../../../src/master/debuggerFrames.ts';

const HEAD = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n';
const PAUSED = frame(JSON.stringify({ method: 'Debugger.paused', params: { callFrames: [] } }));
const RESUMED = frame(JSON.stringify({ method: 'Debugger.resumed', params: {} }));

function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x81;
  head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

it('a pause and its end are seen however the bytes are cut', () => {
  const noise = [10, 200, 70_000].map((size) => frame(JSON.stringify({ id: 1, result: 'x'.repeat(size) })));
  const quoted = frame(JSON.stringify({ result: '{"method":"Debugger.paused"' }));
  const bytes = Buffer.concat([
    Buffer.from(HEAD),
    ...noise,
    quoted,
    PAUSED,
    ...noise,
    quoted,
    RESUMED,
    ...noise,
    PAUSED,
  ]);
  for (const size of [1, 3, 100, 4096, bytes.length]) {
    const frames = new DebuggerFrames();
    const seen: boolean[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      frames.take(bytes.subarray(at, at + size));
      if (frames.isPaused !== (seen.at(-1) ?? false)) seen.push(frames.isPaused);
    }
    // In one piece only the end of it can be seen.
    assert.deepEqual(seen, size === bytes.length ? [true] : [true, false, true], `pieces of ${size}`);
  }
});
