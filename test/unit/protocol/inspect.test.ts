import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseInspect, takeInspect } from '../../../src/protocol/inspect.ts';

it('--inspect takes a port, a host, or both, and nothing else', () => {
  const read = (flag: string) => {
    const wish = parseInspect(flag);
    return wish && `${wish.host}:${wish.port}${wish.breaks ? ' breaks' : ''}`;
  };
  assert.equal(read('--inspect'), '127.0.0.1:9229');
  assert.equal(read('--inspect=0'), '127.0.0.1:0');
  assert.equal(read('--inspect=9230'), '127.0.0.1:9230');
  assert.equal(read('--inspect=0.0.0.0'), '0.0.0.0:9229');
  assert.equal(read('--inspect=0.0.0.0:9230'), '0.0.0.0:9230');
  assert.equal(read('--inspect-brk=localhost:9230'), 'localhost:9230 breaks');
  assert.equal(read('--inspect-wait=[::1]:9230'), '::1:9230 breaks');
  assert.equal(read('--inspector'), undefined);
  for (const wrong of ['--inspect=', '--inspect=70000', '--inspect=a b', '--inspect=:9230', '--inspect=localhost:'])
    assert.throws(() => parseInspect(wrong), /takes a port or host:port/, wrong);
});

it('the flags of the inspector leave those of Node; the last address counts', () => {
  const { rest, wish } = takeInspect(['--inspect-brk', '--no-warnings', '--inspect-port=9300']);
  assert.deepEqual(rest, ['--no-warnings']);
  assert.deepEqual(wish, { host: '127.0.0.1', port: 9300, breaks: true });
  assert.deepEqual(takeInspect(['--no-warnings']), { rest: ['--no-warnings'], wish: undefined });
});
