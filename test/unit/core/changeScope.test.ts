import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  isLoadedBy,
  isStaleIn,
  restartFlag,
  scopeOf,
  type BootstrapSet,
  type GroupFiles,
  type LoadedFiles,
} from '../../../src/core/changeScope.ts';
import { ABSENT } from '../../../src/protocol/digest.ts';

const loaded = (files: Record<string, string | null>): LoadedFiles => new Map(Object.entries(files));

const group = (name: string, files: LoadedFiles[], more: Partial<GroupFiles> = {}): GroupFiles => ({
  name,
  reloadable: true,
  processes: files,
  isExcluded: () => false,
  isIncluded: () => false,
  ...more,
});

const web = group('web', [loaded({ 'web.ts': '1', 'shared.ts': '1', 'config.ts': '1' })]);
const api = group('api', [loaded({ 'api.ts': '1', 'shared.ts': '1' })]);
const gateway = group('gateway', [loaded({ 'gateway.ts': '1', 'shared.ts': '1' })], { reloadable: false });
const scriptOf = (files: LoadedFiles, isExcluded = (_file: string) => false): BootstrapSet => ({
  script: 'server.ts',
  loaded: files,
  isExcluded,
});
const bootstrap = scriptOf(loaded({ 'server.ts': '1', 'config.ts': '1', 'names.ts': '1', '.env': '1' }));
const all = [web, api, gateway];

describe('what saving a file does', () => {
  const table: [file: string, verdict: string, reload: string, fixed: string, inBootstrap: boolean][] = [
    ['web.ts', 'reload', 'web', '', false],
    ['api.ts', 'reload', 'api', '', false],
    ['gateway.ts', 'restart', '', 'gateway', false],
    ['shared.ts', 'partial', 'web api', 'gateway', false],
    ['server.ts', 'restart', '', '', true],
    ['names.ts', 'restart', '', '', true],
    ['config.ts', 'partial', 'web', '', true],
    ['README.md', 'none', '', '', false],
  ];
  for (const [file, verdict, reload, fixed, inBootstrap] of table) {
    it(`${file}: ${verdict}`, () => {
      const scoped = scopeOf(file, all, bootstrap);
      assert.deepEqual(
        [scoped.verdict, scoped.reload.join(' '), scoped.fixed.join(' '), scoped.inBootstrap],
        [verdict, reload, fixed, inBootstrap],
      );
    });
  }

  it('is nothing in groups that exclude it', () => {
    const isExcluded = (file: string): boolean => file === 'shared.ts';
    assert.equal(scopeOf('shared.ts', [{ ...web, isExcluded }], scriptOf(loaded({}))).verdict, 'none');
    assert.deepEqual(scopeOf('shared.ts', [{ ...web, isExcluded }, api], scriptOf(loaded({}))).reload, ['api']);
  });
});

describe('a group is stale', () => {
  it('when any of its processes runs something else than what is on disk', () => {
    const mixed = group('web', [loaded({ 'a.ts': 'new' }), loaded({ 'a.ts': 'old' })]);
    assert.ok(isStaleIn(mixed, 'a.ts', 'new'));
    assert.ok(isStaleIn(mixed, 'a.ts', 'old'));
    assert.ok(!isStaleIn(group('web', [loaded({ 'a.ts': 'new' })]), 'a.ts', 'new'));
  });

  it('when a file that it loaded is gone', () => {
    assert.ok(isStaleIn(web, 'web.ts', null));
  });

  it('when a file has come to be that it looked for in vain, or that is included', () => {
    const looked = group('web', [loaded({ 'a.json': ABSENT })]);
    assert.ok(!isStaleIn(looked, 'a.json', null));
    assert.ok(isStaleIn(looked, 'a.json', '1'));
    const includes = group('web', [loaded({ 'a.html': '1' })], { isIncluded: (file) => file.endsWith('.html') });
    assert.ok(!isStaleIn(includes, 'a.html', '1'));
    assert.ok(isStaleIn(includes, 'b.html', '1'));
    assert.ok(!isStaleIn(includes, 'b.html', null));
  });

  it('never for a file that it did not load, that was not hashed or that is excluded', () => {
    assert.ok(!isStaleIn(web, 'api.ts', '2'));
    assert.ok(!isStaleIn(group('web', [loaded({ 'a.ts': null })]), 'a.ts', '2'));
    assert.ok(isLoadedBy(group('web', [loaded({ 'a.ts': null })]), 'a.ts'));
    assert.ok(!isStaleIn({ ...web, isExcluded: () => true }, 'web.ts', '2'));
  });
});

describe('a restart is needed', () => {
  const flag = (file: string, disk: string | null) => restartFlag(file, disk, all, bootstrap, (one) => one === '.env');

  it('for the bootstrap script and what it imports, while they differ from what runs', () => {
    assert.deepEqual(flag('server.ts', '2'), { reason: 'bootstrap', groups: [] });
    assert.deepEqual(flag('config.ts', '2'), { reason: 'bootstrap-import', groups: [] });
    assert.deepEqual(flag('names.ts', null), { reason: 'bootstrap-import', groups: [] });
    assert.equal(flag('server.ts', '1'), undefined, 'the edit was undone');
  });

  it('for what groups run that do not reload', () => {
    assert.deepEqual(flag('shared.ts', '2'), { reason: 'non-reloadable', groups: ['gateway'] });
    assert.equal(flag('shared.ts', '1'), undefined);
  });

  it('for env files, whoever uses them', () => {
    assert.deepEqual(flag('.env', '2'), { reason: 'env-file', groups: [] });
    const fixed = group('gateway', [loaded({ '.env.gateway': '1' })], { reloadable: false });
    assert.deepEqual(
      restartFlag('.env.gateway', '2', [fixed], scriptOf(loaded({})), () => true),
      { reason: 'env-file', groups: ['gateway'] },
    );
  });

  it('not for what is excluded', () => {
    const set = scriptOf(bootstrap.loaded, (file) => file === 'names.ts');
    assert.equal(
      restartFlag('names.ts', '2', all, set, () => false),
      undefined,
    );
    assert.equal(scopeOf('names.ts', all, set).verdict, 'none');
  });

  it('not for anything else', () => {
    assert.equal(flag('web.ts', '2'), undefined);
    assert.equal(flag('README.md', '2'), undefined);
  });
});
