/**
 * Case J for every way to load a program: the same edits get the same verdict, the same way there and the same flag,
 * whatever the modules are written in and whoever loads them.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { node } from './harness/paths.ts';
import { Project } from './harness/project.ts';

interface Kind {
  /** Of the files. */
  readonly ending: string;
  readonly type: 'module' | 'commonjs';
  /** Written with `require`; else CommonJS is what the loader makes of `import`. */
  readonly requires?: boolean;
  /** How the project's own script runs it, which is how it is run. */
  readonly script?: string;
  readonly packages?: readonly string[];
  /** On all Nodes, not only on that of the tests: hooks in the process, and those of another thread. */
  readonly everywhere?: boolean;
}

const tsNode = ['ts-node', 'typescript', '@types/node'];
const swc = ['@swc-node', '@swc', 'typescript'];

const kinds: Readonly<Record<string, Kind>> = {
  CommonJS: { ending: 'js', type: 'commonjs', requires: true, everywhere: true },
  'ES modules': { ending: 'js', type: 'module' },
  'TypeScript, native, CommonJS': { ending: 'cts', type: 'commonjs', requires: true },
  'TypeScript, native, ES modules': { ending: 'ts', type: 'module' },
  'tsx, CommonJS': { ending: 'ts', type: 'commonjs', script: 'tsx', packages: ['tsx'] },
  'tsx, ES modules': { ending: 'ts', type: 'module', script: 'tsx', packages: ['tsx'] },
  'ts-node, CommonJS': { ending: 'ts', type: 'commonjs', script: 'ts-node -T', packages: tsNode },
  'ts-node, ES modules': {
    ending: 'ts',
    type: 'module',
    script: 'ts-node-esm -T',
    packages: tsNode,
    everywhere: true,
  },
  'swc, CommonJS': { ending: 'ts', type: 'commonjs', script: 'node -r @swc-node/register', packages: swc },
  'swc, ES modules': {
    ending: 'ts',
    type: 'module',
    script: 'node --import @swc-node/register/esm-register',
    packages: swc,
  },
};

/** As TypeScript in ES modules; `~` is the ending of the files. */
const files: Readonly<Record<string, string>> = {
  'server~': `import * as direct from './config/direct~';
import settings from './config/settings.json';
import * as both from './lib/both~';
import type { Row } from './config/types~';
export default {
  name: ['kinds', direct.deep, settings.one, both.both].join(' '),
  groups: { web: { entry: './web~' } },
};
`,
  'config/direct~': `import * as inner from './deep~';
export const deep = inner.deep;
`,
  'config/deep~': 'export const deep = 1;\n',
  'config/settings.json': '{ "one": 1 }\n',
  'config/types~': 'export const row = 1;\n',
  'web~': `import * as http from 'node:http';
import * as page from './lib/page~';
import data from './lib/data.json';
import * as both from './lib/both~';
import * as linked from 'linked';
import type { Row } from './lib/row~';
const late = () => import('./lib/late~');
void import('./lib/optional~').catch(() => {});
http
  .createServer(async (request, response) => {
    const said = request.url === '/late' ? (await late()).word : [page.word, data.one, both.both].join(' ');
    response.end(JSON.stringify({ said, linked: Object.keys(linked).length > 0 }));
  })
  .listen(0);
`,
  'lib/page~': `import * as inner from './word~';
export const word = inner.word;
`,
  'lib/word~': "export const word = 'one';\n",
  'lib/data.json': '{ "one": 1 }\n',
  'lib/both~': 'export const both = 1;\n',
  'lib/row~': 'export const row = 1;\n',
  'lib/late~': "export const word = 'late';\n",
  'packages/linked/package.json': '{ "name": "linked", "main": "index.js", "type": "commonjs" }\n',
  'packages/linked/index.js': 'module.exports = { linked: 1 };\n',
};

/** What `explain` says of each: verdict, groups, and the way there. */
const verdicts: readonly (readonly [string, string])[] = [
  ['server~', 'restart: server~'],
  ['config/direct~', 'restart: server~:1 config/direct~'],
  ['config/deep~', 'restart: server~:1 config/direct~:1 config/deep~'],
  ['config/settings.json', 'restart: server~:2 config/settings.json'],
  ['lib/both~', 'partial web: server~:3 lib/both~'],
  ['config/types~', 'none:'],
  ['web~', 'reload web: web~'],
  ['lib/page~', 'reload web: web~:2 lib/page~'],
  ['lib/word~', 'reload web: web~:2 lib/page~:1 lib/word~'],
  ['lib/data.json', 'reload web: web~:3 lib/data.json'],
  ['packages/linked/index.js', 'reload web: web~:5 packages/linked/index.js'],
  ['lib/row~', 'none:'],
  ['lib/late~', 'reload web: web~:7 lib/late~'],
];

function projectOf({ ending, type, requires, script, packages }: Kind, t: Pick<TestContext, 'after'>): Project {
  const project = Project.of('cjs', t);
  const scripts = script === undefined ? {} : { dev: `${script} server.ts` };
  project.write('package.json', JSON.stringify({ name: 'kinds', type, scripts }));
  const compilerOptions = {
    target: 'es2022',
    esModuleInterop: true,
    resolveJsonModule: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    ...(type === 'module'
      ? { module: 'nodenext', moduleResolution: 'nodenext' }
      : { module: 'commonjs', moduleResolution: 'node' }),
  };
  project.write('tsconfig.json', JSON.stringify({ compilerOptions }));
  const asWritten = (text: string): string => {
    if (requires === true || ending === 'js') text = text.replace(/^import type .*$/m, '');
    if (type === 'module') return text.replace(/\.json'/g, ".json' with { type: 'json' }");
    if (requires !== true) return text;
    return text
      .replace(/^import (?:\* as )?(\w+) from ('.*');/gm, 'const $1 = require($2);')
      .replace(/^export const (\w+)/gm, 'exports.$1')
      .replace('export default', 'module.exports =');
  };
  for (const [file, text] of Object.entries(files))
    project.write(file.replace('~', `.${ending}`), asWritten(text).replaceAll('~', `.${ending}`));
  for (const name of packages ?? []) project.link(name);
  project.write('node_modules/.package-lock.json', '{}\n');
  symlinkSync(project.path('packages/linked'), project.path('node_modules/linked'));
  return project;
}

const { stdout: version } = spawnSync(node, ['--version'], { encoding: 'utf8' });
for (const [name, kind] of Object.entries(kinds)) {
  const skip = kind.everywhere !== true && version.trim() !== process.version && 'on the Node of the tests only';
  test(name, { skip }, async (t) => {
    const project = projectOf(kind, t);
    const named = (text: string): string => text.replaceAll('~', `.${kind.ending}`);
    const server = await project.ready([named('server~')]);
    assert.equal(server.snapshot.name, 'kinds 1 1 1');
    const { body } = await server.ask();
    assert.deepEqual(body, { said: 'one 1 1', linked: true });
    const told = async (file: string): Promise<string> => {
      const { verdict, groups, chain } = await server.control.request('explain', { file: project.path(named(file)) });
      return `${[verdict, ...groups].join(' ')}: ${chain.join(' ')}`.trim();
    };
    const edit = (file: string): void => project.write(named(file), `${project.read(named(file))}// edited\n`);
    const flags = (expected: string) =>
      server.snapshotWith(
        ({ needsRestart }) => needsRestart.map(({ file }) => file).join() === named(expected),
        `a flag of ${expected || 'nothing'}`,
      );

    const answers: string[] = [];
    assert.equal((await server.ask('/late')).body['said'], 'late');
    // What serves tells at its leisure what it loads.
    while ((await told('lib/late~')).startsWith('none')) await server.ask();
    for (const [file] of verdicts) answers.push(`${named(file)}, ${await told(file)}`);
    assert.deepEqual(
      answers,
      verdicts.map(([file, verdict]) => named(`${file}, ${verdict}`)),
    );

    const late = await server.reloadBy(() => edit('lib/late~'));
    assert.deepEqual([late.result, late.trigger.files], ['done', [named('lib/late~')]]);
    const deep = project.read(named('config/deep~'));
    edit('config/deep~');
    await flags('config/deep~');
    project.write(named('config/deep~'), deep);
    await flags('');
    const both = await server.reloadBy(() => edit('lib/both~'));
    assert.deepEqual([both.result, both.trigger.files], ['done', [named('lib/both~')]]);
    await flags('lib/both~');
    const live = await server.control.request('wait', { timeout: 10_000 });
    assert.deepEqual(live.live && live.needsRestart.map(({ file }) => file), [named('lib/both~')]);

    for (const file of ['config/types~', 'lib/row~']) edit(file);
    const optional = await server.reloadBy(() => project.write(named('lib/optional~'), ''));
    assert.deepEqual(optional.trigger.files, [named('lib/optional~')]);
    await flags('lib/both~');
  });
}
