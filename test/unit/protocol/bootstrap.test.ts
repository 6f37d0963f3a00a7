import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { definitionSchema, describeIssues, parseDuration } from '../../../src/protocol/bootstrap.ts';

describe('a duration', () => {
  const table: [value: string | number, ms: number | undefined][] = [
    [500, 500],
    [0, 0],
    [1.5, 1.5],
    ['500', 500],
    ['500ms', 500],
    ['10s', 10_000],
    ['1.5s', 1500],
    ['2m', 120_000],
    [' 2m ', 120_000],
    ['', undefined],
    ['10 s', undefined],
    ['-1', undefined],
    ['1h', undefined],
    ['soon', undefined],
    [-1, undefined],
    [Number.NaN, undefined],
    [Infinity, undefined],
  ];
  for (const [value, ms] of table) {
    it(`${JSON.stringify(value)} is ${ms === undefined ? 'none' : `${ms} ms`}`, () =>
      assert.equal(parseDuration(value), ms));
  }
});

const define = (web: object, more: object = {}) =>
  definitionSchema.safeParse({ ...more, groups: { web: { entry: './web.ts', ...web } } });

const problemOf = (value: unknown): string => {
  const { error } = definitionSchema.safeParse(value);
  assert.ok(error, 'it is accepted');
  return describeIssues(error);
};

const problem = (web: object): string => problemOf({ groups: { web: { entry: './web.ts', ...web } } });

describe('a definition', () => {
  it('needs an entry for each group only', () => {
    const { data } = define({});
    assert.deepEqual(data?.groups.web, {
      entry: './web.ts',
      workers: 1,
      reloadable: true,
      order: 'auto',
      drainTimeout: 10_000,
      bootTimeout: 30_000,
      include: [],
      exclude: [],
      args: [],
      env: {},
      envFile: [],
      nodeArgs: [],
      unresponsiveAfter: 30_000,
      replaceUnresponsive: false,
      ready: 'auto',
    });
  });

  it('takes one env file or several, durations as text, and all forms of ready', () => {
    const { data } = define(
      { envFile: '.env', drainTimeout: '2s', ready: { http: '/health' }, workers: 'max' },
      { envFile: ['.env', '.env.local'] },
    );
    assert.deepEqual(data?.groups.web?.envFile, ['.env']);
    assert.deepEqual(data?.envFile, ['.env', '.env.local']);
    assert.equal(data?.groups.web?.drainTimeout, 2000);
    assert.deepEqual(data?.groups.web?.ready, { http: '/health' });
    assert.equal(data?.groups.web?.workers, 'max');
  });
});

describe('a wrong option is named with its path, and with what is legal', () => {
  const table: [web: object, message: RegExp][] = [
    [{ workers: 0 }, /^groups\.web\.workers: .*1/],
    [{ workers: 'many' }, /^groups\.web\.workers: .*number.*"max"/],
    [{ order: 'both' }, /^groups\.web\.order: .*"auto".*"start-first".*"stop-first"/],
    [{ drainTimeout: 'soon' }, /^groups\.web\.drainTimeout: must be a duration.*"10s"/],
    [{ drainTimeout: true }, /^groups\.web\.drainTimeout: .*duration.*"10s"/],
    [{ envFile: 5 }, /^groups\.web\.envFile: must be a path or a list/],
    [{ spares: 17 }, /^groups\.web\.spares: .*16/],
    [{ reloadable: 'yes' }, /^groups\.web\.reloadable: .*boolean/],
    [{ env: { PORT: 3000 } }, /^groups\.web\.env\.PORT: .*string/],
    [{ ready: 'soon' }, /^groups\.web\.ready: .*"auto".*"message".*http/],
    [{ ready: { http: 'health' } }, /^groups\.web\.ready(\.http)?: .*"\/"/],
    [{ worker: 2 }, /^groups\.web: .*"worker"/],
    [{ entry: undefined }, /^groups\.web\.entry: .*string/],
  ];
  for (const [web, message] of table) {
    it(JSON.stringify(web), () => assert.match(problem(web), message));
  }

  it('of the server', () => {
    assert.match(problemOf({ groups: {} }), /^groups: at least one group/);
    assert.match(problemOf({ groups: { 'my group': { entry: 'a' } } }), /my group.*letters, digits/);
    assert.match(
      problemOf({ groups: { web: { entry: 'a' } }, reloadOn: 'save' }),
      /^reloadOn: .*"change".*"manualSave".*"never"/,
    );
    assert.match(problemOf({ groups: { web: { entry: 'a' } }, port: 3000 }), /"port"/);
  });

  it('together with the others', () => {
    assert.match(problem({ workers: -1, order: 'x' }), /groups\.web\.workers: .*; groups\.web\.order: /);
  });
});
