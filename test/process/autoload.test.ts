/** Programs that load what they find in a folder: what comes to be there is one of their files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Project } from './harness/project.ts';

const APP = `import { createServer } from 'node:http';
import { readdirSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
const words = [];
for (const name of readdirSync('routes'))
  if (name.endsWith('.js') && !name.endsWith('.test.js')) words.push((await import('./routes/' + name)).word);
for (const name of await readdir('data')) words.push(name);
writeFileSync('routes/made.js', 'export const word = 0;');
createServer((request, response) => response.end(words.join(' '))).listen(0);
`;

test('a file that is new in a folder from which modules were loaded reloads the group, once', async (t) => {
  const project = Project.of('esm', t);
  project.write('app.js', APP);
  project.write('routes/a.js', "export const word = 'a';\n");
  project.write('data/one.js', '');
  const server = await project.ready(['app.js']);
  const said = async (): Promise<string> => (await server.ask()).text;
  assert.equal(await said(), 'a one.js');
  const { verdict, reason, groups } = await server.control.request('explain', { file: project.path('routes/b.js') });
  assert.deepEqual([verdict, groups], ['reload', ['main']]);
  assert.equal(reason, 'Saving it reloads main: main loads what it finds in routes.');

  const added = await server.reloadBy(() => project.write('routes/b.js', "export const word = 'b';\n"));
  assert.deepEqual([added.result, added.trigger.files], ['done', ['routes/b.js']]);
  assert.equal(await said(), 'a b 0 one.js');

  // Found, but not loaded: once is enough.
  const test = await server.reloadBy(() => project.write('routes/b.test.js', ''));
  assert.deepEqual(test.trigger.files, ['routes/b.test.js']);
  project.write('routes/b.test.js', '// edited\n');
  // Nothing is loaded from there, is of this kind, or was written by somebody else.
  project.write('data/two.js', '');
  project.write('routes/notes.txt', '');
  const live = await server.control.request('wait', { timeout: 10_000 });
  assert.deepEqual(live.live && live.generation, test.generation);

  // Nobody told of it: wait looks itself.
  const silent = await project.ready(['--no-watch', '--name', 'silent', 'app.js']);
  project.write('routes/c.js', "export const word = 'c';\n");
  const waited = await silent.control.request('wait', { timeout: 10_000 });
  assert.equal(waited.live, true);
  assert.equal((await silent.ask()).text, 'a b c 0 one.js two.js');
  await silent.reloadBy(() => {
    project.remove('routes/c.js');
    return silent.control.request('wait', { timeout: 10_000 });
  });
  assert.equal((await silent.ask()).text, 'a b 0 one.js two.js');
});
