/** A builder beside the server: `tsc --watch`, as this repository has it, in a project that is never built by hand. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { LogLine } from '../../src/protocol/logs.ts';
import type { Explanation } from '../../src/protocol/status.ts';
import { poll } from './harness/events.ts';
import { allGone, isAlive, marked } from './harness/processes.ts';
import { Project } from './harness/project.ts';
import type { Server, ServerOptions } from './harness/server.ts';

const BUILD = ['--build', 'tsc --watch', 'dist/app.js'];

const HTTP_APP =
  "require('node:http').createServer((_request, response) => response.end('{}')).listen(Number(process.env.PORT ?? 0));";

function built(t: TestContext): Project {
  const project = Project.of('built', t);
  project.link('.bin');
  return project;
}

async function word(server: Server): Promise<unknown> {
  return (await server.ask()).body['word'];
}

/** Saves a source; resolves once the builder is through with it. */
async function save(project: Project, server: Server, text: string): Promise<void> {
  const from = server.lines.length;
  project.write('src/word.ts', text);
  await server.line(/^build \| .*Found \d errors?\./, from);
}

/** The compilers that run, without the shells around them. */
const builders = (project: Project): number[] =>
  [...marked(project.mark)].filter(([, command]) => /\.bin\/tsc /.test(command)).map(([pid]) => pid);

async function ready(project: Project, args = BUILD, options: ServerOptions = {}): Promise<Server> {
  const server = await project.start(args, options);
  assert.equal(server.snapshots[0]?.state, 'starting');
  await server.settled();
  return server;
}

test('a first start waits for the build; each save of a source is one reload, and none where the build writes nothing', async (t) => {
  const project = built(t);
  const server = await ready(project);
  const lines = server.lines.join('\n');
  assert.match(lines, /^graceful-reload {2}waits until "tsc --watch" has written dist\/app\.js$/m);
  assert.match(lines, /^build \| .*Starting compilation in watch mode/m);
  // What would have cleared the terminal of everybody's lines.
  assert.ok(!lines.includes('\u001b'), lines);
  assert.equal(await word(server), 'one');

  for (const [index, text] of ['two', 'three'].entries()) {
    const report = await server.reloadBy(() => save(project, server, `export const word: string = '${text}';\n`));
    assert.deepEqual([report.result, report.id, report.trigger.files], ['done', index + 1, ['dist/word.js']]);
    assert.equal(await word(server), text);
  }

  await save(project, server, 'export const word: string = 4;\n');
  assert.ok(server.lines.some((line) => /^build \| .*src\/word\.ts.*TS2322/.test(line)));
  const waited = await project.json(['wait']);
  const { error } = waited.value as { error: { code: string; file: string; line: number } };
  assert.deepEqual([waited.code, error.code, error.file, error.line], [1, 'build-failed', 'src/word.ts', 1]);
  assert.equal(await word(server), 'three');
  assert.equal(server.snapshot.reloads.length, 2);

  project.write('tools/check.ts', 'export {};\n');
  const { value } = await project.json(['explain', 'tools/check.ts']);
  assert.match((value as Explanation).reason, /no source map of what "tsc --watch" writes names it/);

  const logs = async (...args: string[]): Promise<string> => (await project.run(['logs', ...args])).stdout;
  const printed = await logs('--build');
  assert.match(printed, /^build \| .*Starting compilation in watch mode/m);
  assert.match(printed, /^build \| .*src\/word\.ts.*TS2322/m);
  assert.ok((await logs()).includes(printed.trimEnd().split('\n').at(-1)!));
  assert.doesNotMatch(await logs('--group', 'main'), /^build \|/m);
  const last = JSON.parse(await logs('--build', '--json', '--lines', '1')) as LogLine;
  assert.deepEqual([last.build, last.pid], ['tsc --watch', server.snapshot.builds[0]?.pid]);

  const healed = await server.reloadBy(() => save(project, server, "export const word: string = 'four';\n"));
  assert.deepEqual([healed.result, healed.id], ['done', 3]);
  assert.equal(await word(server), 'four');
});

test('`wait` right after a save of a source waits until it is built and serves, or tells why it is not', async (t) => {
  const project = built(t);
  const server = await ready(project);
  const wait = async (): Promise<[code: number | null, error: string | undefined]> => {
    const { code, value } = await project.json(['wait']);
    return [code, (value as { error?: { code: string } }).error?.code];
  };
  for (const text of ['two', 'three']) {
    project.write('src/word.ts', `export const word: string = '${text}';\n`);
    assert.deepEqual(await wait(), [0, undefined]);
    assert.equal(await word(server), text);
  }
  project.write('src/word.ts', 'export const word: string = 4;\n');
  assert.deepEqual(await wait(), [1, 'build-failed']);
  const said = await project.run(['wait']);
  assert.match(said.stderr, /^graceful-reload: not built: TS2322: .* at src\/word\.ts:1:14$/m);
  assert.deepEqual(
    server.snapshot.builds.map(({ command, groups, state, error }) => [command, groups, state, error?.line]),
    [['tsc --watch', ['main'], 'failed', 1]],
  );
  project.write('src/word.ts', "export const word: string = 'four';\n");
  assert.deepEqual(await wait(), [0, undefined]);
  assert.equal(await word(server), 'four');
  assert.deepEqual(
    server.snapshot.builds.map(({ state, error }) => [state, error]),
    [['built', null]],
  );
  assert.deepEqual(
    server.snapshot.reloads.map(({ result }) => result),
    ['done', 'done', 'done'],
  );
});

test('what is wrong for the type checker alone is built where the compiler writes it all the same', async (t) => {
  const project = built(t);
  project.replace('tsconfig.json', '"noEmitOnError": true', '"noEmitOnError": false');
  const server = await ready(project);
  project.write('src/word.ts', 'export const word: string = 4;\n');
  assert.equal((await project.json(['wait'])).code, 0);
  assert.equal(await word(server), 4);
  const [build] = server.snapshot.builds;
  assert.deepEqual([build?.state, build?.error?.file], ['built', 'src/word.ts']);
});

test('a save during a build, of which the builder makes nothing: `wait` tells that it has missed it', async (t) => {
  const project = built(t);
  // As TypeScript 7, which begins to watch once its first build is there; its maps hold no sources.
  const map = JSON.stringify({ version: 3, names: [], sources: ['../src/word.ts'], mappings: 'AAAA' });
  project.write('dist/app.js', `${HTTP_APP}\n//# sourceMappingURL=app.js.map\n`);
  project.write('dist/app.js.map', map);
  project.write(
    'late.cjs',
    "console.log('12:00:00 PM - Starting compilation in watch mode...');\n" +
      "process.stdin.once('end', () => undefined).resume();\n" +
      "const { existsSync } = require('node:fs');\n" +
      'setInterval(() => {\n' +
      "  if (existsSync('saved')) console.log('12:00:01 PM - Found 0 errors. Watching for file changes.');\n" +
      "  if (existsSync('saved')) require('node:fs').rmSync('saved');\n" +
      '}, 20);\n',
  );
  const server = await ready(project, ['--build', 'node late.cjs', 'dist/app.js']);
  project.write('src/word.ts', "export const word: string = 'two';\n");
  project.write('saved', '');
  const { code, value } = await project.json(['wait']);
  const { error } = value as { error: { message: string; file: string } };
  assert.equal(code, 1);
  assert.deepEqual([error.file, /has missed that\. Save it again/.test(error.message)], ['src/word.ts', true]);
  assert.equal(server.snapshot.generation, 1);
});

test('outputs older than their sources are built before anything starts; where that fails they serve', async (t) => {
  const project = built(t);
  await (await ready(project)).stop();
  project.write('src/word.ts', "export const word: string = 'two';\n");
  const server = await ready(project);
  assert.ok(server.lines.some((line) => /waits for "tsc --watch": src\/word\.ts is newer/.test(line)));
  assert.equal(await word(server), 'two');
  assert.equal(server.snapshot.reloads.length, 0);
  await server.stop();

  const again = await ready(project);
  assert.ok(!again.lines.some((line) => line.includes('waits for')), 'nothing has changed');
  await again.stop();

  project.write('src/word.ts', 'export const word: string = 4;\n');
  const old = await ready(project);
  await old.line(/the build has failed: main starts with what was built before/);
  assert.equal(await word(old), 'two');
  assert.equal((await project.json(['wait'])).code, 1);
});

test('a stop ends the builder, also while the server waits for it', async (t) => {
  const project = built(t);
  const server = await ready(project);
  assert.equal(builders(project).length, 1);
  assert.equal((await project.json(['stop'])).code, 0);
  assert.equal(await server.exit, 0);
  await allGone(project.mark);

  project.remove('dist/app.js');
  project.write('src/word.ts', 'export const word: string = 4;\n');
  const waiting = await project.start(BUILD);
  await waiting.line(/^build \| .*Found 1 error/);
  const reload = project.run(['reload']);
  assert.equal(await waiting.stop(), 0);
  await reload;
  await allGone(project.mark);
});

test('SIGKILL of the master leaves no builder behind', async (t) => {
  const project = built(t);
  const server = await ready(project);
  const [pid] = builders(project);
  server.child.kill('SIGKILL');
  await server.exit;
  await poll(() => !isAlive(pid!), 'the end of the builder');
  await allGone(project.mark);
});

test('a builder that ends is told of, the server serves on; a restart runs it anew', async (t) => {
  const project = built(t);
  const server = await ready(project);
  const [first] = builders(project);
  process.kill(first!, 'SIGKILL');
  await server.line(/the build "tsc --watch" (was ended by SIGKILL|ended with code 137); a restart runs it again/);
  assert.equal(await word(server), 'one');

  project.write('src/word.ts', "export const word: string = 'two';\n");
  assert.equal((await project.json(['restart'])).code, 0);
  await server.until(() => server.lastReload?.trigger.kind === 'change', 'what the new builder wrote');
  await server.settled();
  assert.equal(await word(server), 'two');
  const [second] = builders(project);
  assert.equal((await project.json(['restart'])).code, 0);
  await poll(() => builders(project).length === 1 && builders(project)[0] !== second, 'another builder');
});

test('a folder that the builder deletes and writes anew is no change, not even while it is away for long', async (t) => {
  const project = built(t);
  // The compiler begins when the test says so.
  const build = 'rm -rf dist && until test -e go; do sleep 0.1; done && tsc --watch';
  project.write('go', '');
  const server = await ready(project, ['--build', build, 'dist/app.js']);
  project.remove('go');
  assert.equal((await project.json(['restart'])).code, 0);
  await server.settled();
  const [main] = server.pids();
  await server.snapshotWith(({ pendingReload }) => pendingReload.length === 2, 'both outputs gone');
  // Longer than a file that is gone is waited for elsewhere.
  const { value } = await project.json(['wait', '--timeout', '1500']);
  assert.equal((value as { error: { code: string } }).error.code, 'timeout');
  assert.deepEqual([await word(server), server.pids()], ['one', [main]]);
  const waits = server.lines.length;
  project.write('go', '');
  await server.line(/^build \| .*Found 0 errors/, waits);
  assert.equal((await project.json(['wait'])).code, 0);
  assert.deepEqual(
    server.snapshot.reloads.map(({ trigger, result }) => [trigger.kind, result]),
    [['restart', 'done']],
  );

  project.remove('go');
  const from = server.lines.length;
  assert.equal((await project.json(['restart'])).code, 0);
  await server.snapshotWith(({ pendingReload }) => pendingReload.length === 2, 'both outputs gone again');
  project.write('src/word.ts', "export const word: string = 'two';\n");
  const report = await server.reloadBy(() => project.write('go', ''));
  assert.deepEqual([report.result, report.trigger.files], ['done', ['dist/word.js']]);
  assert.equal(await word(server), 'two');
  assert.ok(!server.lines.slice(from).some((line) => line.includes('rejected')));
});

test('outputs of an earlier build that go just as the first worker loads them: it starts once they are back', async (t) => {
  const project = built(t);
  const first = await ready(project);
  await first.stop();
  // The compiler begins when the test says so, and until then the outputs go before the program does.
  const build = 'until test -e go; do sleep 0.1; done && tsc --watch';
  project.write(
    'clean.cjs',
    "const fs = require('node:fs');\nif (!fs.existsSync('go')) fs.rmSync('dist', { recursive: true, force: true });\n",
  );
  const server = await project.start(['--build', build, '--require', './clean.cjs', 'dist/app.js']);
  await server.snapshotWith(({ state }) => state === 'failed', 'a start that found nothing');
  project.write('go', '');
  await server.settled();
  assert.equal(await word(server), 'one');
});

test('a build that ends without the entry ends the start, with what it said', async (t) => {
  const project = built(t);
  project.write('src/word.ts', 'export const word: string = 4;\n');
  const failed = await project.run(['start', '--build', 'tsc', 'dist/app.js']);
  assert.equal(failed.code, 1);
  assert.match(failed.stderr, /The build "tsc" ended with code \d and has not written dist\/app\.js$/m);
  assert.match(failed.stdout, /^build \| .*TS2322/m);

  project.write('src/word.ts', "export const word: string = 'one';\n");
  const server = await ready(project, ['--build', 'tsc', 'dist/app.js']);
  assert.equal(await word(server), 'one', 'one that does not watch will do');
});

test('a program of a package that is given the output: that is what it waits for', async (t) => {
  const project = built(t);
  const runner = 'node_modules/runner/cli.js';
  project.write(runner, "require(require('node:path').resolve(process.argv[2]));\n");
  const server = await ready(project, ['--build', 'tsc --watch', runner, 'dist/app.js']);
  assert.match(server.lines.join('\n'), /waits until "tsc --watch" has written dist\/app\.js/);
  assert.equal(await word(server), 'one');
  project.write('src/word.ts', "export const word: string = 'two';\n");
  assert.equal((await project.json(['wait'])).code, 0);
  assert.equal(await word(server), 'two');
});

test('without a file the builder of the script is found; esbuild goes on as long as its standard input is open', async (t) => {
  const project = built(t);
  const server = await ready(project, []);
  assert.ok(server.lines.some((line) => line.endsWith('script "dev": node dist/app.js, built by tsc --watch')));
  assert.equal(await word(server), 'one');
  await server.stop();

  const esbuild = 'esbuild src/app.ts --bundle --platform=node --outfile=dist/app.js --watch';
  const other = await ready(project, ['--build', esbuild, 'dist/app.js']);
  await other.line(/^build \| \[watch\] build finished/);
  const report = await other.reloadBy(() => project.write('src/word.ts', "export const word: string = 'two';\n"));
  assert.equal(report.result, 'done');
  assert.equal(await word(other), 'two');
});

test('the group of a bootstrap script has a build of its own; the flag for it is refused', async (t) => {
  const project = built(t);
  const server = await ready(project, ['groups.cjs']);
  assert.equal(server.group('web').entry, 'dist/app.js');
  const report = await server.reloadBy(() => save(project, server, "export const word: string = 'two';\n"));
  assert.deepEqual([report.result, report.id], ['done', 1]);
  assert.equal(await word(server), 'two');

  const web = "web: { entry: './dist/app.js', build: 'tsc --watch' }";
  const declare = (group: string): void =>
    project.write('groups.cjs', `module.exports = { groups: { ${web}, ${group} } };\n`);
  const before = server.lines.length;
  declare("api: { entry: './dist/none.js', build: 'exit 3' }");
  const rejected = await server.reloadBy(() => project.json(['restart']));
  assert.equal(rejected.result, 'rejected');
  assert.equal(rejected.error?.message, 'The build "exit 3" ended with code 3 and has not written dist/none.js');
  assert.equal(await word(server), 'two');

  // The compiler begins when the test says so.
  const gated = 'until test -e go; do sleep 0.1; done && tsc --outDir out';
  declare(`api: { entry: './out/app.js', build: '${gated}' }`);
  const restart = server.reloadBy(() => project.json(['restart']));
  await server.line(/waits until ".*" has written out\/app\.js/, before);
  assert.equal(server.snapshot.groups.length, 1, 'nothing has changed yet');
  project.write('go', '');
  assert.equal((await restart).result, 'done');
  await server.settled();
  assert.deepEqual([await word(server), (await server.ask('/', { address: 1 })).body['word']], ['two', 'two']);
  await server.stop();

  const refused = await project.run(['start', '--build', 'tsc --watch', 'groups.cjs']);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /Set groups\.<name>\.build in groups\.cjs instead/);
});
