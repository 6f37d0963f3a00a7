import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { covers, joins, mergeRequests, mergeScopes, type Request, type Scope } from '../../../src/core/requests.ts';

const scope = (entries: Record<string, number[] | null>): Scope => new Map(Object.entries(entries));

const request = (more: Partial<Request> = {}): Request => ({
  kind: 'reload',
  scope: scope({ web: null }),
  trigger: { kind: 'save', files: [] },
  digest: 'A',
  waiters: [],
  ...more,
});

describe('scopes', () => {
  it('are merged slot by slot; all of a group swallows its slots', () => {
    assert.deepEqual(
      mergeScopes(scope({ web: [3, 1] }), scope({ web: [2, 3], api: [1] })),
      scope({ web: [1, 2, 3], api: [1] }),
    );
    assert.deepEqual(mergeScopes(scope({ web: [1] }), scope({ web: null })), scope({ web: null }));
    assert.deepEqual(mergeScopes(scope({ web: null }), scope({ web: [1] })), scope({ web: null }));
  });

  it('cover what they hold', () => {
    assert.ok(covers(scope({ web: null, api: [1] }), scope({ web: [4], api: [1] })));
    assert.ok(covers(scope({ web: null }), scope({})));
    assert.ok(!covers(scope({ web: [1, 2] }), scope({ web: null })));
    assert.ok(!covers(scope({ web: [1, 2] }), scope({ web: [2, 3] })));
    assert.ok(!covers(scope({ web: null }), scope({ api: [1] })));
  });
});

describe('two requests', () => {
  it('become one that does what either asked for', () => {
    const older = request({
      scope: scope({ api: null }),
      waiters: [1],
      trigger: { kind: 'change', files: ['a.ts', 'b.ts'] },
    });
    const newer = request({ digest: 'B', waiters: [2], trigger: { kind: 'save', files: ['c.ts', 'a.ts'] } });
    assert.deepEqual(mergeRequests(older, newer), {
      kind: 'reload',
      scope: scope({ api: null, web: null }),
      trigger: { kind: 'save', files: ['c.ts', 'a.ts', 'b.ts'] },
      digest: 'B',
      waiters: [1, 2],
    });
  });

  it('are a restart when either is one', () => {
    assert.equal(mergeRequests(request({ kind: 'restart' }), request()).kind, 'restart');
    assert.equal(mergeRequests(request(), request({ kind: 'restart' })).kind, 'restart');
  });

  it('join when the newer one asks for nothing more', () => {
    assert.ok(joins(request(), request()));
    assert.ok(joins(request(), request({ scope: scope({ web: [2] }) })));
    assert.ok(joins(request({ kind: 'restart' }), request()), 'a restart does what a reload does');
    assert.ok(!joins(request(), request({ kind: 'restart' })));
    assert.ok(!joins(request(), request({ digest: 'B' })));
    assert.ok(!joins(request({ scope: scope({ web: [2] }) }), request()));
    assert.ok(!joins({ ...request(), kind: 'start' }, request({ kind: 'restart' })));
  });
});
