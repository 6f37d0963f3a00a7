import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pickServer } from '../../../src/client/registry.ts';
import { isWithin } from '../../../src/platform/within.ts';
import type { RegistryEntry } from '../../../src/protocol/registry.ts';

// None of these folders is there, so no link leads elsewhere.
const entry = (name: string, cwd: string, pid: number): RegistryEntry => ({
  version: 1,
  pid,
  processStart: '1',
  name,
  cwd: `/srv/none${cwd}`,
  script: `/srv/none${cwd}/server.ts`,
  socket: '/run/s',
  token: 't',
  startedAt: '2026-01-01T00:00:00.000Z',
});

const shop = entry('shop', '/shop', 1);
const admin = entry('admin', '/shop/admin', 2);
const blog = entry('blog', '/blog', 3);
const all = [shop, admin, blog];

const pick = (cwd: string, server?: string, entries = all): string =>
  pickServer(entries, { cwd: `/srv/none${cwd}`, server }).name;
const refuses = (code: string, message: RegExp, ...args: Parameters<typeof pick>): void =>
  assert.throws(() => pick(...args), { name: 'UserError', code, message });

describe('the server that a command is meant for', () => {
  it('is the one whose start folder is the current one', () => {
    assert.equal(pick('/shop'), 'shop');
    assert.equal(pick('/shop/admin'), 'admin');
  });

  it('is the nearest one above', () => {
    assert.equal(pick('/shop/src/lib'), 'shop');
    assert.equal(pick('/shop/admin/src'), 'admin');
  });

  it('is the only one below', () => {
    assert.equal(pick('', undefined, [blog]), 'blog');
    assert.equal(pick('/shop', undefined, [admin, blog]), 'admin');
  });

  it('is the one that is named, wherever it runs', () => {
    assert.equal(pick('/shop', 'blog'), 'blog');
    assert.equal(pick('/nowhere', '2'), 'admin');
  });

  it('is the nearest one of those with that name', () => {
    const second = entry('shop', '/second', 9);
    assert.equal(pick('/second', 'shop', [shop, second]), 'shop');
    assert.equal(pickServer([shop, second], { cwd: '/srv/none/second', server: 'shop' }), second);
  });
});

describe('it says so when', () => {
  it('there are several', () => {
    refuses('ambiguous', /shop \(pid 1, .*\), admin \(pid 2, .*--server NAME\|PID/, '');
    const same = [entry('shop', '/a', 1), { ...entry('shop', '/a', 2), script: '/srv/none/a/jobs.ts' }];
    refuses('ambiguous', /shop \(pid 1, \S*\/a\/server\.ts\), shop \(pid 2, \S*\/a\/jobs\.ts\)/, '/a', undefined, same);
    refuses('ambiguous', /one .*two/, '/a', undefined, [entry('one', '/a', 1), entry('two', '/a', 2)]);
  });

  it('several of that name run, and none of them here', () => {
    refuses('ambiguous', /pid 1.*pid 9/, '/blog', 'shop', [shop, entry('shop', '/second', 9)]);
  });

  it('there is none', () => {
    refuses('no-server', /No server is running for .*\/other\. Start one with/, '/other');
    refuses('no-server', /No server "cart" is running; running: shop, admin, blog/, '/shop', 'cart');
    refuses('no-server', /No server "cart" is running\./, '/shop', 'cart', []);
  });
});

it('a folder holds itself and what is below it, not its neighbours', () => {
  assert.ok(isWithin('/a/b', '/a/b'));
  assert.ok(isWithin('/a/b/c', '/a/b'));
  assert.ok(isWithin('/a/..b', '/a'));
  assert.ok(!isWithin('/a', '/a/b'));
  assert.ok(!isWithin('/a/bc', '/a/b'));
  assert.ok(isWithin('/a', '/'));
});
