/** What lies in other folders than the loaded files costs nothing: the master asks the system for none of it, whatever it does. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fixtures } from './harness/paths.ts';
import { Project } from './harness/project.ts';

const LOADED = 50;
const FOLDERS = 100;
const IN_EACH = 50;

test(`a workspace of ${FOLDERS * IN_EACH} files, of which ${LOADED} are loaded: none of the others is looked at`, async (t) => {
  const project = Project.of('cjs', t);
  for (let folder = 0; folder < FOLDERS; folder++)
    for (let file = 0; file < IN_EACH; file++) project.write(`packages/other${folder}/file${file}.js`, '');
  const loaded = Array.from({ length: LOADED }, (_, index) => `lib/part${index}.js`);
  for (const name of loaded) project.write(name, 'module.exports = 1;\n');
  project.write(
    'app.cjs',
    `${loaded.map((name) => `require('./${name}');\n`).join('')}require('node:http').createServer((_request, response) => response.end('{}')).listen(0);\n`,
  );
  project.write('../work.log', '');
  const server = await project.ready(['app.cjs'], {
    masterFlags: ['--require', join(fixtures, 'faults', 'fileWork.cjs')],
    env: { FILE_WORK: project.path('../work.log') },
  });
  const work = (): string[] => project.read('../work.log').trim().split('\n');
  await server.until(() => loaded.every((name) => work().includes(project.path(name))), 'what is loaded to be watched');
  const report = await server.reloadBy(() => project.write(loaded[0]!, 'module.exports = 2;\n'));
  assert.equal(report.result, 'done');
  await project.json(['explain', loaded[1]!]);
  await server.control.request('wait', { timeout: 10_000 });
  const others = work().filter((path) => path.startsWith(project.path('packages/')));
  assert.deepEqual(others, []);
});
