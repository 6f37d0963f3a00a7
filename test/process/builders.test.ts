/**
 * Projects that are built while they run, each with its real tool and the script that people write for it, started with no
 * configuration: saved, broken and mended while requests run.
 */
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { ensureBuilders } from '../../scripts/testbed.mjs';
import type { Explanation, WaitReport } from '../../src/protocol/status.ts';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';
import type { Server } from './harness/server.ts';

interface Built {
  /** `dev` of its package.json. */
  readonly script: string;
  readonly fixture?: string;
  readonly entry?: string;
  readonly source?: string;
  /** A file that its source maps name; the bundler may have taken up the other one as a constant. */
  readonly mapped?: string;
  /** It writes what is broken all the same; `rejected`: all that is wrong is what the type checker tells. */
  readonly writesBroken?: 'rejected' | 'build-failed';
  /** What it changes in the fixture. */
  readonly prepare?: (project: Project) => void;
}

const plainSources = (project: Project): void => {
  for (const file of ['src/main.ts', 'src/word.ts', 'tsconfig.json']) project.remove(file);
  project.write(
    'src/main.js',
    "import { createServer } from 'node:http';\nimport { word } from './word.js';\n" +
      'createServer((_request, response) => response.end(JSON.stringify({ word }))).listen(0);\n',
  );
  project.write('src/word.js', "export const word = 'one';\n");
};

const builders: Record<string, Built> = {
  tsc: { script: 'tsc && concurrently "tsc -w --preserveWatchOutput" "nodemon dist/main.js"' },
  'tsc-watch': { script: 'tsc-watch --noClear --onSuccess "node dist/main.js"' },
  swc: {
    script: 'concurrently "swc src -d dist --strip-leading-paths -w" "node --watch dist/main.js"',
  },
  babel: { script: 'babel src -d dist -x .ts -s -w & node --watch dist/main.js' },
  esbuild: {
    script:
      'esbuild src/main.ts --bundle --platform=node --sourcemap --outfile=dist/main.js --watch & node --watch dist/main.js',
  },
  tsup: { script: 'tsup src/main.ts --clean --sourcemap --watch --onSuccess "node dist/main.js"' },
  tsdown: {
    script: 'tsdown src/main.ts --sourcemap --no-dts --watch --on-success "node dist/main.mjs"',
    entry: 'dist/main.mjs',
    mapped: 'src/main.ts',
  },
  rollup: {
    script: 'concurrently "rollup -c -w" "nodemon dist/main.js"',
    source: 'src/word.js',
    prepare: plainSources,
  },
  webpack: {
    script: 'concurrently "webpack --watch" "nodemon dist/main.js"',
    writesBroken: 'build-failed',
  },
  'nest start --watch': { script: 'nest start --watch', fixture: 'nest', writesBroken: 'rejected' },
  'nest start --watch through SWC': {
    script: 'nest start -b swc --watch',
    fixture: 'nest',
    prepare: (project) =>
      project.write(
        '.swcrc',
        JSON.stringify({
          jsc: {
            parser: { syntax: 'typescript', decorators: true },
            transform: { legacyDecorator: true, decoratorMetadata: true },
            target: 'es2022',
          },
          module: { type: 'commonjs' },
          sourceMaps: true,
        }),
      ),
  },
};

async function built(t: TestContext, { script, fixture = 'builders', prepare }: Built): Promise<Project> {
  const project = Project.of(fixture, t);
  symlinkSync(await ensureBuilders(), project.path('node_modules'), 'junction');
  prepare?.(project);
  project.write('package.json', JSON.stringify({ name: 'shop', scripts: { dev: script } }));
  return project;
}

const STIRS_WITHIN_MS = 3000;

const wait = async (server: Server): Promise<WaitReport> => server.control.request('wait', { timeout: 30_000 });

/** The watch of a builder may miss a write, as Babel's does now and then: then the answer says so, and what to do. */
async function saved(project: Project, server: Server, source: string, content: string): Promise<WaitReport> {
  for (let tries = 1; ; tries++) {
    project.write(source, content);
    const report = await wait(server);
    const isMissed = !report.live && /has missed that\. Save it again/.test(report.error.message);
    if (!isMissed || tries === 5) return report;
  }
}

/** Saves the source until the builder stirs: its watch may begin a while after its first build is there. */
async function watching(project: Project, server: Server, source: string): Promise<void> {
  const since = (): string | undefined => server.snapshot.builds[0]?.since;
  const before = since();
  let tries = 0;
  const stirs = async (): Promise<boolean> => {
    project.write(source, `${project.read(source)}// ${tries}\n`);
    const stirred = server.until(() => since() !== before, 'the builder to stir', STIRS_WITHIN_MS);
    return stirred.then(
      () => true,
      () => false,
    );
  };
  while (!(await stirs())) assert.ok(tries++ < 10, server.facts());
  assert.equal((await wait(server)).live, true);
}

const word = async (server: Server): Promise<unknown> => (await server.ask()).body['word'];
const text = (value: string): string => `export const word = '${value}';\n`;

for (const [name, kind] of Object.entries(builders)) {
  test(`${name}: saved, broken and mended under load, 0 failed`, async (t) => {
    const { entry = 'dist/main.js', source = 'src/word.ts', mapped = source, writesBroken } = kind;
    const project = await built(t, kind);
    // Nest takes a while to boot.
    const server = await project.ready(['--workers', kind.fixture === 'nest' ? '1' : '2']);
    assert.equal(server.group().entry, entry);
    assert.equal(await word(server), 'one');
    const { value } = await project.json(['explain', mapped]);
    assert.equal((value as Explanation).verdict, 'built');

    await watching(project, server, source);
    const load = startLoad(server.port(), t);
    await load.answered(2);
    const second = await saved(project, server, source, text('two'));
    assert.equal(second.live, true, JSON.stringify(second));
    for (const { body } of await Promise.all([server.ask(), server.ask(), server.ask()]))
      assert.equal(body['word'], 'two');

    await load.answered(2);
    const broken = await saved(project, server, source, 'export const word = ;\n');
    assert.ok(!broken.live);
    const { code, file, line } = broken.error;
    const expected = { code: writesBroken ?? 'build-failed', file: source, line: 1 };
    assert.deepEqual({ code, file, line }, expected, JSON.stringify(broken));
    await load.answered(2);
    assert.equal(await word(server), 'two');

    const third = await saved(project, server, source, text('three'));
    assert.equal(third.live, true, JSON.stringify(third));
    assert.equal(await word(server), 'three');
    await load.answered(2);
    const { answers, failures } = await load.stop();
    assert.deepEqual(failures, [], `of ${answers.length} requests`);
    assert.deepEqual([...new Set(answers.map(({ body }) => body['word']))].sort(), ['one', 'three', 'two']);
    // Neither outputs that were deleted first nor what did not compile was taken for a save that is broken.
    const rejected = server.snapshot.reloads.filter(({ result }) => result === 'rejected');
    assert.equal(rejected.length, writesBroken ? 1 : 0, JSON.stringify(rejected));
    assert.deepEqual(
      server.snapshot.builds.map(({ state, error }) => [state, error]),
      [['built', null]],
    );
  });
}
