/** What an edit of a bootstrap module costs, counted and not timed: it grows with the changed file, not with the graph. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fixtures } from './harness/paths.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

const MODULES = 400;
const EDITED = 'modules/edited.js';

/** The script imports `first`, that one the edited file, and beside it as many others in the same folder. */
function projectOf(t: TestContext): Project {
  const project = Project.of('esm', t);
  const others = Array.from({ length: MODULES }, (_, index) => `other${index}.js`);
  for (const name of others) project.write(`modules/${name}`, 'export {};\n');
  project.write('modules/others.js', others.map((name) => `import './${name}';\n`).join(''));
  project.write('modules/first.js', "import './edited.js';\n");
  project.write(EDITED, 'export {};\n');
  project.write(
    'server.js',
    "import './modules/others.js';\nimport './modules/first.js';\nexport default { groups: { web: { entry: './app.js' } } };\n",
  );
  return project;
}

const save = async (project: Project, server: Server, text: string): Promise<void> => {
  const file = project.path(EDITED);
  await server.control.request('saving', { file, manual: true });
  project.write(EDITED, text);
  await server.control.request('saved', { file, manual: true });
};

const edits: Record<string, (project: Project, server: Server) => unknown> = {
  'written in place': (project) => project.write(EDITED, 'export const one = 1;\n'),
  'replaced by rename': (project) => project.writeAtomically(EDITED, 'export const two = 2;\n'),
  deleted: (project) => project.remove(EDITED),
  'saved in an editor': (project, server) => save(project, server, 'export const three = 3;\n'),
};

test(`an edit of one of ${MODULES} bootstrap modules: no other file is looked at but those on the way to it`, async (t) => {
  const project = projectOf(t);
  project.write('../work.log', '');
  const server = await project.ready(['server.js'], {
    masterFlags: ['--require', join(fixtures, 'faults', 'fileWork.cjs')],
    env: { FILE_WORK: project.path('../work.log') },
  });
  await server.snapshotWith(({ groups }) => groups[0]?.spares === 1, 'a spare');
  const work = (): string[] =>
    project
      .read('../work.log')
      .trim()
      .split('\n')
      .filter((path) => path.startsWith(project.path('modules')));
  await server.until(() => new Set(work()).size >= MODULES, 'the watches');
  await server.control.request('wait', { timeout: 10_000 });

  const onTheWay = new Set([EDITED, 'modules/first.js', 'modules'].map((name) => project.path(name)));
  for (const [how, edit] of Object.entries(edits))
    await t.test(how, async () => {
      const before = work().length;
      await edit(project, server);
      const { needsRestart } = await server.snapshotWith((now) => now.needsRestart.length > 0, 'the flag');
      assert.deepEqual(needsRestart[0]?.chain, ['server.js:2', 'modules/first.js:1', EDITED]);
      project.write(EDITED, 'export {};\n');
      await server.snapshotWith((now) => now.needsRestart.length === 0, 'no flag: the edit was undone');
      const touched = work()
        .slice(before)
        // Replaced by rename: what is written beside it.
        .filter((path) => !path.endsWith('~'));
      assert.ok(touched.includes(project.path(EDITED)), 'the file itself is noted');
      assert.deepEqual(
        [...new Set(touched)].filter((path) => !onTheWay.has(path)),
        [],
      );
      assert.ok(touched.length < MODULES / 4, `${touched.length} looks`);
    });
});
