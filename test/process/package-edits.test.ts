/** Edits of package.json: what it maps, what kind of modules it makes, and the script that the server was started from. */
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { test } from 'node:test';
import type { NeedsRestart } from '../../src/protocol/status.ts';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';

const APP = `const words = [require('#word'), require('linked'), require('./lib/kind.js')];
require('node:http')
  .createServer((request, response) => response.end([...words, process.env.LEVEL, ...process.argv.slice(2)].join(' ')))
  .listen(0);
`;
const MANIFEST = `{
  "name": "packaged",
  "imports": { "#word": "./words/one.js" },
  "scripts": {
    "test": "node --test",
    "dev": "LEVEL=1 node app.js first"
  }
}
`;

test('imports, exports, main and type: the package.json nearest to a loaded file counts', async (t) => {
  const project = Project.of('cjs', t);
  project.write('package.json', MANIFEST);
  project.write('app.js', APP);
  for (const name of ['one', 'two']) project.write(`words/${name}.js`, `module.exports = '${name}';\n`);
  project.write('packages/linked/package.json', '{ "name": "linked", "main": "a.js" }\n');
  for (const name of ['a', 'b']) project.write(`packages/linked/${name}.js`, `module.exports = '${name}';\n`);
  project.write('node_modules/.package-lock.json', '{}\n');
  symlinkSync(project.path('packages/linked'), project.path('node_modules/linked'));
  project.write('lib/package.json', '{}\n');
  project.write('lib/kind.js', "module.exports = 'module' in globalThis ? '' : typeof require;\n");
  const server = await project.ready(['app.js']);
  const said = async (): Promise<string> => (await server.ask()).text;
  assert.equal(await said(), 'one a function ');

  const edits: readonly (readonly [file: string, from: string, to: string, says: string | undefined])[] = [
    ['package.json', './words/one.js', './words/two.js', 'two a function '],
    ['packages/linked/package.json', '"main": "a.js"', '"main": "b.js"', 'two b function '],
    ['packages/linked/package.json', '"main": "b.js"', '"exports": "./a.js"', 'two a function '],
    // Rejected: the new kind of module does not come up, and the old workers serve on.
    ['lib/package.json', '{}', '{ "type": "module" }', undefined],
    ['lib/package.json', '{ "type": "module" }', '{}', 'two a function '],
    ['package.json', '"name": "packaged"', '"type": "module", "name": "packaged"', undefined],
    ['package.json', '"type": "module", ', '', 'two a function '],
  ];
  for (const [file, from, to, says] of edits) {
    const { verdict, reason } = await server.control.request('explain', { file: project.path(file) });
    assert.deepEqual([verdict, reason], ['reload', 'Saving it reloads main: main runs as this package.json says.']);
    const { result, trigger } = await server.reloadBy(() => project.replace(file, from, to));
    assert.deepEqual([result, trigger.files], [says === undefined ? 'rejected' : 'done', [file]], `${from} to ${to}`);
    assert.equal(await said(), says ?? 'two a function ');
  }
});

test('the script that a start without a file has read: an edit of it is flagged, and a restart applies it', async (t) => {
  const project = Project.of('cjs', t);
  project.write('package.json', MANIFEST);
  project.write('app.js', APP.replace("require('#word'), require('linked'), require('./lib/kind.js')", ''));
  const server = await project.ready(['--workers', '2']);
  const said = async (): Promise<string> => (await server.ask()).text;
  const edit = (from: string, to: string) => server.reloadBy(() => project.replace('package.json', from, to));
  const flag = async (names: string): Promise<NeedsRestart> => {
    const isIt = ({ options }: NeedsRestart): boolean => options.map(({ name }) => name).join(' ') === names;
    const { needsRestart } = await server.snapshotWith((now) => now.needsRestart.some(isIt), `the flag of ${names}`);
    assert.equal(needsRestart.length, 1);
    return needsRestart[0]!;
  };
  const noFlag = () => server.snapshotWith(({ needsRestart }) => needsRestart.length === 0, 'no flag');
  assert.equal(await said(), '1 first');
  const { verdict, reason } = await server.control.request('explain', { file: project.path('package.json') });
  assert.equal(verdict, 'partial');
  assert.match(reason, /Where it changes the script "dev", which the server runs, that needs a restart\.$/);

  await edit('app.js first', '--no-warnings app.js second');
  const { file, reason: why, options } = await flag('nodeArgs args');
  assert.deepEqual(
    [file, why, options.map(({ takes, line }) => [takes, line])],
    [
      'package.json',
      'options',
      [
        ['restart', 6],
        ['restart', 6],
      ],
    ],
  );
  assert.equal(await said(), '1 first', 'a reload does not bring it in');
  await edit('--no-warnings app.js second', 'app.js first');
  await noFlag();
  await edit('"node --test"', '"node --test test"');
  await edit('"dev": "', '"dev": "? ');
  assert.deepEqual(server.snapshot.needsRestart, [], 'another script, and one that cannot be read');
  await edit('"dev": "? ', '"dev": "');

  const load = startLoad(server.port(), t);
  await load.answered(1);
  project.replace('package.json', 'LEVEL=1 node app.js first', 'LEVEL=2 node app.js second');
  // Asked for at once: a restart looks for itself.
  assert.equal((await server.control.request('restart', {})).result, 'done');
  await server.settled();
  assert.equal(await said(), '2 second');
  await noFlag();
  assert.equal(server.ready().length, 2);
  project.write('other.js', '');
  await edit('app.js second', 'other.js second');
  assert.equal((await flag('script')).options[0]?.takes, 'start');
  await load.answered(1);
  assert.deepEqual((await load.stop()).failures, []);
});
