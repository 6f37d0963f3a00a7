/** Build output that a tool removes and writes anew: what the build made serves, and saves in its folders count afterwards. */
import assert from 'node:assert/strict';
import { cpSync, renameSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Project } from './harness/project.ts';
import { startLoad } from './harness/requests.ts';

const APP = 'dist/server/app.cjs';
const WORD = 'dist/server/lib/word.cjs';
const FOLDERS = ['dist/server/lib', 'dist/server', 'dist'];

class Build {
  private readonly project: Project;
  private readonly app: string;

  constructor(project: Project) {
    this.project = project;
    this.app = project.read(APP);
  }

  writeApp(text: string, into = APP): void {
    this.project.write(into, this.app.replace("build = 'one'", `build = '${text}'`));
  }

  writeWord(text: string, into = WORD): void {
    this.project.write(into, `exports.word = '${text}';\n`);
  }

  writeAll(text: string): void {
    this.writeApp(text);
    this.writeWord(text);
  }

  removeFolder(folder: string): void {
    rmSync(this.project.path(folder), { recursive: true });
  }

  /** As a build that is made beside and put in place whole. */
  swap(folder: string, text: string): void {
    const path = (file: string): string => this.project.path(file);
    cpSync(path(folder), path(`${folder}.new`), { recursive: true });
    for (const [file, write] of [
      [APP, this.writeApp],
      [WORD, this.writeWord],
    ] as const)
      write.call(this, text, file.startsWith(`${folder}/`) ? file.replace(folder, `${folder}.new`) : file);
    renameSync(path(folder), path(`${folder}.old`));
    renameSync(path(`${folder}.new`), path(folder));
    this.removeFolder(`${folder}.old`);
  }
}

const WAYS: Record<string, (build: Build, text: string) => unknown> = {
  'removed whole, then written': (build, text) => {
    build.removeFolder('dist');
    build.writeAll(text);
  },
  'removed whole, and written a while later': async (build, text) => {
    build.removeFolder('dist');
    await delay(300);
    build.writeWord(text);
    await delay(100);
    build.writeApp(text);
  },
  'removed whole, and written in more than a second': async (build, text) => {
    build.removeFolder('dist');
    await delay(600);
    build.writeWord(text);
    await delay(600);
    build.writeApp(text);
  },
  'removed and written one folder after the other': async (build, text) => {
    build.removeFolder('dist/server/lib');
    build.writeWord(text);
    await delay(20);
    build.removeFolder('dist/server');
    build.writeAll(text);
  },
  ...Object.fromEntries(
    FOLDERS.map((folder) => [`${folder} swapped by rename`, (build: Build, text: string) => build.swap(folder, text)]),
  ),
};

for (const poll of [[], ['--poll', '20']])
  for (const [name, make] of Object.entries(WAYS)) {
    test(`${[name, ...poll].join(' ')}: later saves count, and nothing fails`, async (t) => {
      const project = Project.of('generated', t);
      const server = await project.ready(['--workers', '2', ...poll, APP]);
      const load = startLoad(server.port(), t);
      const build = new Build(project);
      for (const text of ['two', 'three']) {
        const before = server.snapshot.generation;
        await server.reloadBy(() => make(build, text));
        assert.equal((await server.control.request('wait', { timeout: 10_000 })).live, true);
        assert.deepEqual((await server.ask()).body, { build: text, word: text });
        const { generation } = await server.settled();
        assert.ok(generation - before <= 2, `${generation - before} generations for one build`);

        const saves: [string, () => void][] = [
          [WORD, () => build.writeWord(`${text} saved`)],
          [APP, () => build.writeApp(`${text} saved`)],
        ];
        for (const [index, [file, save]] of saves.entries()) {
          const report = await server.reloadBy(save);
          assert.deepEqual(report.trigger.files, [file]);
          assert.equal(report.generation, generation + index + 1);
        }
        assert.deepEqual((await server.ask()).body, { build: `${text} saved`, word: `${text} saved` });
      }
      assert.ok(
        server.snapshot.reloads.every(({ result }) => result !== 'rejected'),
        server.facts(),
      );
      await load.answered(2);
      assert.deepEqual((await load.stop()).failures, []);
    });
  }

test('folders that "include" means are found again too, and new ones in them', async (t) => {
  const project = Project.of('generated', t);
  project.write('views/pages/home.html', 'one');
  const server = await project.ready(['--include', 'views/**', APP]);
  const steps: [string, () => void][] = [
    [
      'views/pages/home.html',
      () => {
        rmSync(project.path('views'), { recursive: true });
        project.write('views/pages/home.html', 'two');
      },
    ],
    ['views/pages/home.html', () => project.write('views/pages/home.html', 'three')],
    ['views/parts/new/head.html', () => project.write('views/parts/new/head.html', 'one')],
    ['views/parts/new/head.html', () => project.write('views/parts/new/head.html', 'two')],
    [
      'views/parts/new/head.html',
      () => {
        cpSync(project.path('views'), project.path('other'), { recursive: true });
        project.write('other/parts/new/head.html', 'three');
        renameSync(project.path('views'), project.path('old'));
        renameSync(project.path('other'), project.path('views'));
      },
    ],
    ['views/parts/new/head.html', () => project.write('views/parts/new/head.html', 'four')],
  ];
  for (const [file, act] of steps) {
    assert.equal((await server.control.request('wait', { timeout: 10_000 })).live, true);
    assert.deepEqual((await server.reloadBy(act)).trigger.files, [file]);
  }
});
