/**
 * Case J: what a save of each kind of file does, who says so beforehand (`explain`) and what then happens: groups reload,
 * a flag says that a restart is needed, both, or nothing.
 */
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import type { NeedsRestart } from '../../src/protocol/status.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

interface Row {
  readonly file: string;
  /** What it is. */
  readonly kind: string;
  readonly verdict: 'reload' | 'restart' | 'partial' | 'none';
  readonly groups?: string;
  /** Of the flag. */
  readonly flag?: NeedsRestart['reason'];
  readonly chain?: readonly string[];
  /** What the reason has to say. */
  readonly says: RegExp;
}

const web = (file: string, kind: string, says: RegExp, ...chain: string[]): Row => ({
  file,
  kind,
  verdict: 'reload',
  groups: 'web',
  says,
  chain: [...chain, file],
});
const restart = (
  file: string,
  kind: string,
  flag: NeedsRestart['reason'],
  groups: string,
  says: RegExp,
  ...chain: string[]
): Row => ({ file, kind, verdict: 'restart', flag, groups, says, chain: [...chain, file] });
const nothing = (file: string, kind: string, says: RegExp): Row => ({ file, kind, verdict: 'none', says });

const LOADED = /^Saving it reloads web: web loaded it\.$/;
const READ = /^Saving it reloads web: web read it before it was ready\.$/;
const SCRIPT = /^Saving it needs a restart: the bootstrap script loads it\.$/;

const ROWS: readonly Row[] = [
  restart('server.ts', 'bootstrap script', 'bootstrap', '', /it is the bootstrap script/),
  restart('config/direct.ts', 'imported by it', 'bootstrap-import', '', SCRIPT, 'server.ts:3'),
  restart('config/chain.ts', 'imported for its effect', 'bootstrap-import', '', SCRIPT, 'server.ts:4'),
  restart(
    'config/deep.ts',
    'imported through another',
    'bootstrap-import',
    '',
    SCRIPT,
    'server.ts:4',
    'config/chain.ts:1',
  ),
  restart(
    'lib/bottom.ts',
    'three imports away',
    'bootstrap-import',
    '',
    SCRIPT,
    'server.ts:4',
    'config/chain.ts:1',
    'config/deep.ts:1',
  ),
  restart('config/settings.json', 'JSON import', 'bootstrap-import', '', SCRIPT, 'server.ts:5'),
  restart('config/common.cjs', 'required', 'bootstrap-import', '', SCRIPT, 'server.ts:11'),
  restart('config/inner.cjs', 'required by it', 'bootstrap-import', '', SCRIPT, 'server.ts:11', 'config/common.cjs:1'),
  restart('config/lazy.ts', 'dynamic import at boot', 'bootstrap-import', '', SCRIPT, 'server.ts:12'),
  restart('config/title.txt', 'read by it', 'bootstrap-import', '', /the bootstrap script reads it/, 'server.ts:14'),
  restart('boot.env', 'env file that it loads', 'env-file', '', /the bootstrap script reads it/, 'server.ts:13'),
  restart('packages/linked/src/index.js', 'linked package', 'bootstrap-import', '', SCRIPT, 'server.ts:8'),
  restart(
    'gateway.ts',
    'entry of a group that does not reload',
    'non-reloadable',
    'gateway',
    /gateway loaded it, and does not reload/,
  ),
  restart('lib/frame.ts', 'imported there', 'non-reloadable', 'gateway', /gateway loaded it/, 'gateway.ts:3'),
  restart(
    'lib/gateway.txt',
    'read there',
    'non-reloadable',
    'gateway',
    /gateway read it before it was ready/,
    'gateway.ts:5',
  ),
  restart(
    'gateway.env',
    'its env file',
    'env-file',
    'gateway',
    /the environment of gateway comes from it/,
    'server.ts:23',
  ),
  {
    ...web('lib/both.ts', 'in the script and a group', /reloads web; the rest needs a restart/, 'server.ts:7'),
    verdict: 'partial',
    flag: 'bootstrap-import',
  },
  {
    ...web('server.env', 'env file of all groups', /reloads web; the rest needs a restart/, 'server.ts:18'),
    verdict: 'partial',
    groups: 'web gateway',
    flag: 'env-file',
  },
  {
    ...web(
      'locales/en.json',
      'included for all groups',
      /reloads web; the rest needs a restart: "include" of gateway/,
      'server.ts:19',
    ),
    verdict: 'partial',
    groups: 'web gateway',
    flag: 'non-reloadable',
  },
  web('web.ts', 'entry', LOADED),
  web('lib/page.ts', 'imported', LOADED, 'web.ts:8'),
  web('lib/word.ts', 'imported by it', LOADED, 'web.ts:8', 'lib/page.ts:1'),
  web('lib/data.json', 'JSON import', LOADED, 'web.ts:12'),
  web('lib/common.cjs', 'required', LOADED, 'web.ts:15'),
  web('lib/inner/index.js', 'required folder', LOADED, 'web.ts:15', 'lib/common.cjs:2'),
  web('lib/boot.ts', 'dynamic import before ready', LOADED, 'web.ts:20'),
  web('lib/thread.ts', 'thread', LOADED, 'web.ts:22'),
  web('lib/threaded.ts', 'imported in a thread', LOADED, 'web.ts:22', 'lib/thread.ts:1'),
  web('lib/late.ts', 'dynamic import after ready', LOADED, 'web.ts:35'),
  web('packages/shared/index.cjs', 'linked package', LOADED, 'web.ts:16'),
  web('node_modules/.prisma/client/index.js', 'generated client', LOADED, 'web.ts:18'),
  web('node_modules/.package-lock.json', 'installation', /stands for the packages that web loaded/),
  web('lib/sync.txt', 'readFileSync', READ, 'web.ts:23'),
  web('lib/promised.txt', 'promises.readFile', READ, 'web.ts:24'),
  web('lib/streamed.txt', 'createReadStream', READ, 'web.ts:25'),
  web('lib/opened.txt', 'open', READ, 'web.ts:26'),
  web('web.env', 'env file of the group', /the environment of web comes from it/, 'server.ts:22'),
  web('views/page.html', 'included', /"include" of web means it \(views\/\*\*\)/, 'server.ts:22'),
  web('packages/shared/package.json', 'package.json of a linked package', /web runs as this package\.json says/),
  web('lib/inner/package.json', 'package.json of a folder', /web runs as this package\.json says/),
  restart(
    'packages/linked/package.json',
    'package.json of a linked package',
    'bootstrap-import',
    '',
    /the bootstrap script runs as it says/,
  ),
  {
    ...web('package.json', 'nearest package.json', /web runs as this package\.json says/),
    verdict: 'partial',
    groups: 'web gateway',
    flag: 'bootstrap-import',
    says: /the rest needs a restart: the bootstrap script runs as it says; gateway runs as this package\.json says, and does not reload/,
  },
  nothing(
    'config/types.ts',
    'type-only import of the script',
    /no process has loaded it. Imports of types load nothing/,
  ),
  nothing('lib/row.ts', 'type-only import', /no process has loaded it. Imports of types load nothing/),
  nothing('lib/unused.ts', 'never imported', /no process has loaded it/),
  nothing('lib/ignored.ts', 'excluded', /"exclude" means it \(lib\/ignored\.ts\)/),
  nothing('lib/served.txt', 'read after ready', /no process has loaded it/),
  nothing('data/count.txt', 'written by the server', /the server writes it itself/),
  nothing('.cache/kept.txt', 'read in a dot folder', /begins with a dot/),
  nothing('lib/large.txt', 'larger than 1 MB', /up to 1 MB/),
  nothing('node_modules/packaged/index.js', 'package', /not looked at file by file/),
  nothing('README.md', 'text', /no process has loaded it\./),
];

/** What npm, a generator and a linked workspace leave behind; none of it is in the repository. */
function prepare(t: Pick<TestContext, 'after'>): Project {
  const project = Project.of('edits', t);
  project.write('node_modules/packaged/index.js', 'module.exports = 1;\n');
  project.write('node_modules/.prisma/client/index.js', 'module.exports = 1;\n');
  project.write('node_modules/.package-lock.json', '{ "packages": {} }\n');
  for (const name of ['linked', 'shared'])
    symlinkSync(project.path(`packages/${name}`), project.path(`node_modules/${name}`));
  project.write('.cache/kept.txt', 'kept\n');
  project.write('lib/large.txt', 'large '.repeat(200_000));
  return project;
}

const touch = (project: Project, { file }: Row): void => {
  const comment = /\.[mc]?[jt]s$/.test(file) ? '// edited' : '';
  project.write(file, `${project.read(file)}${comment}\n`);
};

const flagged = (server: Server): string =>
  server.snapshot.needsRestart
    .map(({ file, reason, groups }) => `${file}: ${reason} ${groups.join(' ')}`.trim())
    .join('; ');

test('J. every kind of file: what saving it would do, and what it then does', async (t) => {
  const project = prepare(t);
  const server = await project.ready(['server.ts']);
  assert.equal(server.snapshot.name, 'edits shop 1 0');
  await server.ask('/late');
  await server.ask('/read');
  const word = ROWS.find(({ file }) => file === 'lib/word.ts')!;

  for (const { file, kind, verdict, groups, chain, says } of ROWS) {
    await t.test(`${file} (${kind}): ${verdict}`, async () => {
      const told = await server.control.request('explain', { file: project.path(file) });
      assert.deepEqual(
        [told.file, told.verdict, told.groups.join(' '), told.chain],
        [file, verdict, groups ?? '', chain ?? []],
      );
      assert.match(told.reason, says);
    });
  }

  await t.test('a folder: what in it counts', async () => {
    const told = async (path: string): Promise<string> => {
      const { verdict, reason } = await server.control.request('explain', { file: project.path(path) });
      assert.equal(verdict, 'none');
      return reason;
    };
    assert.equal(
      await told('packages/shared'),
      'It is a folder. 2 files in it count: packages/shared/index.cjs, packages/shared/package.json. Ask for one of them.',
    );
    assert.match(
      await told('config'),
      /^It is a folder\. 8 files in it count: config\/\S+, config\/\S+, config\/\S+ and 5 more\./,
    );
    assert.equal(await told('data'), 'It is a folder, and no process has loaded a file in it.');
  });

  for (const row of ROWS.filter(({ verdict }) => verdict !== 'none')) {
    await t.test(`${row.file} is saved: ${row.verdict}`, async () => {
      const before = project.read(row.file);
      await server.ask('/late');
      const reloads = row.verdict !== 'restart';
      if (reloads) {
        const { trigger, groups } = await server.reloadBy(() => touch(project, row));
        assert.deepEqual([trigger.files, groups], [[row.file], ['web']]);
      } else touch(project, row);
      const flag = await server.until(
        () => server.snapshot.needsRestart[0] ?? (row.flag === undefined && 'none'),
        'the flag',
      );
      assert.equal(flag === 'none' ? undefined : flag.reason, row.flag, flagged(server));
      await server.ask('/late');
      const undone = (): void => project.write(row.file, before);
      if (reloads) await server.reloadBy(undone);
      else undone();
      await server.snapshotWith(({ needsRestart }) => needsRestart.length === 0, 'no flag: the edit was undone');
    });
  }

  await t.test('the others are saved: nothing happens', async () => {
    for (const row of ROWS.filter(({ verdict }) => verdict === 'none')) touch(project, row);
    const { trigger } = await server.reloadBy(() => touch(project, word));
    assert.deepEqual(trigger.files, [word.file]);
    assert.equal((await server.control.request('wait', { timeout: 10_000 })).live, true);
    assert.equal(flagged(server), '');
  });

  await t.test('files that come to be: what an import waited for, what is included, an installation', async () => {
    const waited = await server.control.request('explain', { file: project.path('lib/optional.ts') });
    assert.deepEqual(
      [waited.verdict, waited.reason],
      ['reload', 'Saving it reloads web: web asked for it, and it was not there.'],
    );
    for (const file of ['lib/optional.ts', 'views/new/list.html', 'node_modules/.package-lock.json']) {
      const { trigger } = await server.reloadBy(() => project.write(file, file.endsWith('.ts') ? '' : '{ }\n'));
      assert.deepEqual(trigger.files, [file]);
    }
  });
});

test('J. a source whose output runs: explained by the source map of the output', async (t) => {
  const project = prepare(t);
  project.write('dist/app.js', BUILT);
  project.write('dist/app.js.map', JSON.stringify({ version: 3, sources: ['../src/app.ts'], mappings: '' }));
  project.write('src/app.ts', '');
  const server = await project.ready(['dist/app.js']);
  const told = await server.control.request('explain', { file: project.path('src/app.ts') });
  assert.deepEqual(told, {
    file: 'src/app.ts',
    verdict: 'built',
    groups: ['main'],
    reason: 'dist/app.js is built from it: main reloads when that changes.',
    chain: ['dist/app.js'],
  });
});

const BUILT = `import { createServer } from 'node:http';
createServer((request, response) => response.end('built')).listen(0);
//# sourceMappingURL=app.js.map
`;
