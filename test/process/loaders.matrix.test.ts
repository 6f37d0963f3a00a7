/**
 * On every supported Node, for every way to load a program: the files it loads are known with the way to each, a save hands
 * the port over to the new code while requests run, and a broken save is rejected with its place.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { cli } from './harness/paths.ts';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';
import type { Explanation } from '../../src/protocol/status.ts';

interface Kind {
  readonly fixture: string;
  readonly entry: string;
  /** The file that is saved, with the line in each file on the way to it. */
  readonly chain: readonly string[];
  readonly changed: string;
  /** A syntax error in line 2. */
  readonly broken: string;
  readonly prepare?: (project: Project) => void;
}

const esmTsx = '{ "name": "tsx-app", "private": true, "type": "module", "devDependencies": { "tsx": "*" } }\n';

const kinds: Record<string, Kind> = {
  CommonJS: {
    fixture: 'cjs',
    entry: 'app.cjs',
    chain: ['app.cjs:3', 'message.cjs'],
    changed: "exports.message = 'two';\n",
    broken: '\nexports.message = ;\n',
  },
  'ES modules': {
    fixture: 'esm',
    entry: 'app.js',
    chain: ['app.js:4', 'message.js:2', 'word.js'],
    changed: "export const word = 'two';\n",
    broken: '\nexport const word = ;\n',
  },
  'TypeScript, native': {
    fixture: 'ts',
    entry: 'app.ts',
    chain: ['app.ts:3', 'word.ts'],
    changed: "export const word: string = 'two';\n",
    broken: '\nexport const word: string = ;\n',
  },
  'TypeScript through tsx, CommonJS': {
    fixture: 'tsx-app',
    entry: 'app.ts',
    chain: ['app.ts:3', 'word.ts'],
    changed: "export const word: string = 'two';\n",
    broken: '\nexport const word: string = ;\n',
    prepare: (project) => project.link('tsx'),
  },
  'TypeScript through tsx, ES modules': {
    fixture: 'tsx-app',
    entry: 'app.ts',
    chain: ['app.ts:3', 'word.ts'],
    changed: "export const word: string = 'two';\n",
    broken: '\nexport const word: string = ;\n',
    prepare: (project) => {
      project.link('tsx');
      project.write('package.json', esmTsx);
    },
  },
};

for (const [name, kind] of Object.entries(kinds)) {
  test(name, async (t) => {
    const project = Project.of(kind.fixture, t);
    kind.prepare?.(project);
    const server = await project.ready(['--workers', '2', kind.entry]);
    const before = server.pids();
    const file = kind.chain.at(-1)!;
    const { value } = await project.json(['explain', file]);
    const { verdict, groups, chain } = value as Explanation;
    assert.deepEqual({ verdict, groups, chain }, { verdict: 'reload', groups: ['main'], chain: kind.chain });

    const load = startLoad(server.port(), t);
    await load.answered(3);
    const good = project.read(file);
    const report = await server.reloadBy(() => project.writeAtomically(file, kind.changed));
    assert.equal(report.result, 'done');
    await server.settled();
    await load.answered(3);
    assert.equal(server.pids().filter((pid) => before.includes(pid)).length, 0);
    assert.equal((await server.ask()).body['message'], 'two');

    const rejected = await server.reloadBy(() => project.writeAtomically(file, kind.broken));
    assert.equal(rejected.result, 'rejected');
    assert.equal(`${rejected.error?.file}:${rejected.error?.line}`, `${file}:2`);
    const healed = await server.reloadBy(() => project.writeAtomically(file, good));
    assert.equal(healed.result, 'done');
    await server.settled();
    assert.equal((await server.ask()).body['message'], 'one');
    await load.answered(3);
    const { answers, failures } = await load.stop();
    assert.deepEqual(failures, [], `of ${answers.length} requests`);
    assert.deepEqual([...new Set(answers.map(({ body }) => body['message']))].sort(), ['one', 'two']);
  });
}

test('a require of what is not there: Node shows no code of ours, and the place is told', async (t) => {
  const project = Project.of('cjs', t);
  project.write('hooks.mjs', 'export const resolve = (specifier, context, next) => next(specifier, context);\n');
  project.write('asks.cjs', "const load = () =>\n  require('./absent.cjs');\nload();\n");
  // With a loader some Nodes are watched in another way.
  for (const flags of [[], ['--no-warnings', '--loader', './hooks.mjs']]) {
    const { code, stdout, stderr } = await project.run(['start', '--no-watch', ...flags, 'asks.cjs']);
    assert.equal(code, 1);
    assert.match(stderr, /^node:internal\/modules\/cjs\/loader:\d+$/m, 'where it was thrown');
    assert.match(stderr, /^ {4}at load \(.*asks\.cjs:2:3\)$/m);
    assert.match(stderr, /asks\.cjs cannot be started: Error: Cannot find module '\.\/absent\.cjs' at asks\.cjs:2:3$/m);
    for (const ours of [join(cli, '..'), 'customization_hooks'])
      assert.ok(!(stdout + stderr).includes(ours), `${flags.join(' ')}\n${stderr}`);
  }
});

test('--loader: the program runs, and the file of the hooks counts', async (t) => {
  const project = Project.of('cjs', t);
  project.write('hooks.mjs', 'export const resolve = (specifier, context, next) => next(specifier, context);\n');
  const server = await project.ready(['--no-warnings', '--loader', './hooks.mjs', 'app.cjs']);
  const { trigger, result } = await server.reloadBy(() => project.write('hooks.mjs', 'export {};\n'));
  assert.deepEqual([result, trigger.files], ['done', ['hooks.mjs']]);
  assert.equal((await server.ask()).body['message'], 'one');
});
