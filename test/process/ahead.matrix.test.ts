/** Spares load the packages of the last generation ahead; where the program would have got something else, it starts without. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { poll } from './harness/events.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

/** Long enough to be worth while. */
const SLOW = 'const end = performance.now() + 120; while (performance.now() < end);\n';
/** Counts outside of the project, whose files no package may touch. */
const COUNT = "require('node:fs').appendFileSync(require('node:path').join(__dirname, '../../../loads.log'), 'x');\n";

const listen = (expression: string): string =>
  `require('node:http').createServer((_, response) => response.end(JSON.stringify(${expression}))).listen(0);\n`;

/** A project with the package `heavy`, which tells when it was loaded. */
function projectWith(t: TestContext, entry: string, heavy = ''): Project {
  const project = Project.of('cjs', t);
  project.write('node_modules/heavy/package.json', '{ "name": "heavy", "version": "1.0.0", "main": "index.js" }');
  project.write('node_modules/heavy/index.js', `${COUNT}${SLOW}exports.at = performance.now();\n${heavy}`);
  project.write('app.cjs', entry);
  return project;
}

const loads = (project: Project): number => project.read('../loads.log').length;

const aheadReady = (server: Server, count = 1): Promise<unknown> =>
  server.snapshotWith(
    ({ groups, state }) => state === 'running' && groups[0]?.spares === 1 && groups[0].loadedAhead === count,
    `a spare that has loaded ${count} ahead`,
  );

const START = 'const begun = performance.now();\n';
const HEAVY = "const heavy = require('heavy');\n";
const answer = (expression: string): string => listen(`{ isAhead: heavy.at < begun, value: ${expression} }`);

const save = async (project: Project, server: Server, before: string): Promise<Record<string, unknown>> => {
  const report = await server.reloadBy(() => project.writeAtomically('app.cjs', before));
  assert.equal(report.result, 'done', JSON.stringify(report.error));
  return (await server.ask()).body;
};

test('a reload finds its packages loaded, once for each process', async (t) => {
  const entry = START + HEAVY + answer('1');
  const project = projectWith(t, entry);
  const server = await project.ready(['app.cjs']);
  assert.equal((await server.ask()).body['isAhead'], false, 'the first worker loads them itself');
  await aheadReady(server);
  for (let turn = 2; turn < 4; turn++) {
    assert.equal(loads(project), turn);
    assert.deepEqual(await save(project, server, `${entry}// ${turn}\n`), { isAhead: true, value: 1 });
    await aheadReady(server);
  }
  assert.equal(loads(project), 4, 'three workers and the next spare');
});

/** Files in which Node keeps what V8 has made of modules. */
const compiled = (project: Project): string[] => {
  try {
    const all = readdirSync(project.path('../cache/graceful-reload/compile-cache'), {
      recursive: true,
      withFileTypes: true,
    });
    return all.filter((entry) => entry.isFile()).map(({ name }) => name);
  } catch {
    return [];
  }
};

test('what V8 makes of packages is kept for the next spare that loads them', async (t) => {
  const entry = START + HEAVY + answer('1');
  const project = projectWith(t, entry);
  const server = await project.ready(['app.cjs'], { env: { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' } });
  await aheadReady(server);
  await poll(() => compiled(project).length > 0, 'what the first spare has loaded');
  const wasRead = /cache for .*heavy.index\.js was accepted/;
  await save(project, server, `${entry}// 1\n`);
  await aheadReady(server);
  assert.ok(!server.lines.some((line) => wasRead.test(line)), 'there was nothing to read');
  // What a spare writes is shown once it is a worker.
  await save(project, server, `${entry}// 2\n`);
  await server.line(wasRead);
});

for (const [what, env] of [
  ['turned off', { NODE_DISABLE_COMPILE_CACHE: '1' }],
  ['put elsewhere', { NODE_COMPILE_CACHE: '../own-cache' }],
  ['less exact', { NODE_V8_COVERAGE: '../coverage' }],
  ['not possible', { XDG_CACHE_HOME: process.execPath }],
] as const)
  test(`nothing of it is kept where that is ${what}`, async (t) => {
    const entry = START + HEAVY + answer('1');
    const project = projectWith(t, entry);
    const server = await project.ready(['app.cjs'], { env });
    for (const turn of [1, 2]) {
      await aheadReady(server);
      assert.deepEqual(await save(project, server, `${entry}// ${turn}\n`), { isAhead: true, value: 1 });
    }
    await server.stop();
    assert.deepEqual(compiled(project), []);
  });

test('an import gets the same instance as a require', async (t) => {
  const project = projectWith(t, '');
  project.write('node_modules/modern/package.json', '{ "name": "modern", "type": "module", "exports": "./index.js" }');
  project.write('node_modules/modern/index.js', 'export const at = performance.now();\n');
  const entry = `import { begun } from './begun.mjs';
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import heavy from 'heavy';
import { at } from 'modern';
const required = createRequire(import.meta.url)('heavy');
const again = await import('modern');
const body = { same: required === heavy && again.at === at, isAhead: Math.max(at, heavy.at) < begun };
createServer((_, response) => response.end(JSON.stringify(body))).listen(0);
`;
  project.write('begun.mjs', 'export const begun = performance.now();\n');
  project.write('app.mjs', entry);
  const server = await project.ready(['app.mjs']);
  await aheadReady(server, 2);
  const report = await server.reloadBy(() => project.write('app.mjs', `${entry}//\n`));
  assert.equal(report.result, 'done');
  assert.deepEqual((await server.ask()).body, { same: true, isAhead: true });
});

test('a package that an installed file of was edited is loaded anew', async (t) => {
  const entry = START + HEAVY + answer('heavy.word');
  const project = projectWith(t, entry, "exports.word = 'one';\n");
  const server = await project.ready(['app.cjs']);
  await aheadReady(server);
  project.replace('node_modules/heavy/index.js', 'one', 'other');
  assert.deepEqual(await save(project, server, `${entry}//\n`), { isAhead: false, value: 'other' });
});

test('where links are not followed a package of the workspace looks installed: nothing is loaded ahead', async (t) => {
  const entry = START + HEAVY + answer('1');
  const project = projectWith(t, entry);
  const server = await project.ready(['app.cjs'], { env: { NODE_PRESERVE_SYMLINKS: '1' } });
  for (let turn = 2; turn < 4; turn++) {
    await server.snapshotWith(({ groups, state }) => state === 'running' && groups[0]?.spares === 1, 'a spare');
    assert.deepEqual(await save(project, server, `${entry}// ${turn}\n`), { isAhead: false, value: 1 });
    assert.equal(loads(project), turn);
  }
});

/** What the program does before it loads the package, and how the package would see it. */
const before: Readonly<Record<string, readonly [string, string]>> = {
  'sets a variable': ["process.env.MODE = 'set';\n", 'exports.value = process.env.MODE;\n'],
  'defines a global': ["globalThis.mode = 'set';\n", 'exports.value = globalThis.mode;\n'],
  'changes the folder': ["process.chdir('..');\n", 'exports.value = process.cwd();\n'],
  'patches a module of Node': [
    "require('node:os').hostname = () => 'set';\n",
    "exports.value = require('node:os').hostname();\n",
  ],
  'patches the loader': [
    "const load = require('module')._load;\nrequire('module')._load = (name, ...rest) => name === 'node:mode' ? 'set' : load(name, ...rest);\n",
    "try { exports.value = require('node:mode'); } catch {}\n",
  ],
};

for (const [what, [act, look]] of Object.entries(before)) {
  test(`an edited program that ${what} first gets what it would without a spare`, async (t) => {
    const rest = START + HEAVY + answer('heavy.value');
    const project = projectWith(t, rest, look);
    const server = await project.ready(['app.cjs']);
    await aheadReady(server);
    const edited = `${act}${rest}`;
    const first = await save(project, server, edited);
    assert.equal(first['isAhead'], false, 'started once more');
    const second = await save(project, server, `${edited}//\n`);
    assert.deepEqual(second, first, 'remembered');
    assert.notEqual(first['value'], undefined);
    if (what !== 'changes the folder') assert.equal(first['value'], 'set');
    assert.ok(server.lines.some((line) => line.includes('does not load all packages ahead')));
  });
}

/** What no package may do while it is loaded ahead. */
const deeds: Readonly<Record<string, string>> = {
  'starts a timer': 'setInterval(() => undefined, 1000).unref();\n',
  'asks the network': "require('node:dns').lookup('localhost', () => undefined);\n",
  'sets a variable': "process.env.HEAVY = 'loaded';\n",
  'reads all variables':
    'exports.value = Object.keys(process.env).filter((name) => name === "GRACEFUL_RELOAD_SLOT").length;\n',
  'reads a file of the project': "require('node:fs').readFileSync('package.json', 'utf8');\n",
  'loads a file of the project': "require('../../message.cjs');\n",
  prints: "console.log('heavy is loaded');\n",
  'patches a module of Node': "require('node:http').request = () => undefined;\n",
  'listens to the process': "process.on('exit', () => undefined);\n",
  'looks at the main module': 'exports.value = require.main.filename;\n',
  'ends a process that is no worker': 'if (!process.env.GRACEFUL_RELOAD_SLOT) process.exit(0);\n',
  'fails in a process that is no worker': "if (!process.env.GRACEFUL_RELOAD_SLOT) throw new Error('no');\n",
};

for (const [what, deed] of Object.entries(deeds)) {
  test(`a package that ${what} is left to the program, and the others are not`, async (t) => {
    const entry = `${START}const light = require('light');\n${HEAVY}${answer('heavy.value ?? null').replace('heavy.at', 'light.at')}`;
    const project = projectWith(t, entry, deed);
    project.write('node_modules/light/index.js', `${SLOW}exports.at = performance.now();\n`);
    const server = await project.ready(['app.cjs']);
    const { value } = (await server.ask()).body;
    // One that ends the process tells nothing of which it was.
    const isKnown = !what.startsWith('ends');
    await server.line(/does not load all packages ahead/);
    await aheadReady(server, isKnown ? 1 : 0);
    const loaded = loads(project);
    const body = await save(project, server, `${entry}//\n`);
    assert.deepEqual(body, { isAhead: isKnown, value });
    assert.equal(loads(project), loaded + 1, 'by the worker alone');
  });
}

test('an edited program that no longer loads the package at the start gets a process without it', async (t) => {
  const entry = START + HEAVY + answer('1');
  const project = projectWith(t, entry);
  const server = await project.ready(['app.cjs']);
  await aheadReady(server);
  const loaded = loads(project);
  const body = await save(
    project,
    server,
    listen("{ held: Object.keys(require.cache).filter((file) => file.includes('heavy')) }"),
  );
  assert.deepEqual(body, { held: [] });
  assert.equal(loads(project), loaded);
});
