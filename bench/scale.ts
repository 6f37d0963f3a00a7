/** Does it grow with the files that are loaded and the workers that run, and not with the workspace? */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Project } from '../test/process/harness/project.ts';
import type { Server } from '../test/process/harness/server.ts';
import { Ends } from './ends.ts';
import { tell, type Options } from './options.ts';
import { count, median, ratio, type Report } from './report.ts';

interface Size {
  readonly workers: number;
  /** Loaded by each worker. */
  readonly loaded: number;
  /** Of the workspace, loaded by nobody. */
  readonly beside: number;
}

const LEAST: Size = { workers: 1, loaded: 100, beside: 0 };
const SIZES: readonly Size[] = [
  LEAST,
  { ...LEAST, beside: 200_000 },
  { ...LEAST, loaded: 10_000 },
  { ...LEAST, workers: 64 },
];
const QUICK_SIZES = SIZES.map((size) => ({ ...size, beside: size.beside / 100, workers: Math.min(size.workers, 8) }));
const ROUNDS = 10;
const QUICK_ROUNDS = 2;
const IN_A_FOLDER = 200;

interface Figures extends Size {
  startMs: number;
  /** Files and folders that the master has the system watch. */
  watches: number;
  readonly explainMs: number[];
  /** From the write of a loaded file until every worker runs it. */
  readonly reloadMs: number[];
  /** Memory of the master, in MB. */
  rss: number;
}

export async function scale({ isQuick, saves = isQuick ? QUICK_ROUNDS : ROUNDS }: Options): Promise<Report> {
  const figures: Figures[] = [];
  for (const size of isQuick ? QUICK_SIZES : SIZES) {
    tell(`scale: ${size.workers} workers, ${size.loaded} loaded files, ${size.beside} beside them`);
    figures.push(await measure(size, saves));
  }
  return reportOf(figures, saves);
}

async function measure(size: Size, saves: number): Promise<Figures> {
  const ends = new Ends();
  try {
    const project = writeProject(size, ends);
    const since = performance.now();
    const server = await project.ready(['--workers', String(size.workers), 'app.cjs']);
    const figures: Figures = {
      ...size,
      startMs: performance.now() - since,
      watches: 0,
      explainMs: [],
      reloadMs: [],
      rss: 0,
    };
    // Until the watch of all of them is there, the first save may be found by a look only.
    await reloadOf(project, server, 'first');
    for (let round = 0; round < saves; round++) {
      const asked = performance.now();
      await server.control.request('explain', { file: project.path('lib/part1.js') });
      figures.explainMs.push(performance.now() - asked);
      figures.reloadMs.push(await reloadOf(project, server, String(round)));
    }
    figures.watches = watchesOf(server.pid);
    figures.rss = rssOf(server.pid);
    return figures;
  } finally {
    await ends.run();
  }
}

/** @returns how long it took, in ms */
async function reloadOf(project: Project, server: Server, word: string): Promise<number> {
  const since = performance.now();
  const report = await server.reloadBy(() => project.write('lib/part0.js', `module.exports = '${word}';\n`));
  if (report.result !== 'done') throw new Error(`the reload was ${report.result}: ${report.error?.message ?? ''}`);
  const ms = performance.now() - since;
  await server.settled();
  return ms;
}

function writeProject({ loaded, beside }: Size, ends: Ends): Project {
  const project = Project.of('cjs', ends);
  const parts = Array.from({ length: loaded }, (_, index) => `lib/part${index}.js`);
  for (const name of parts) project.write(name, 'module.exports = 1;\n');
  for (let index = 0; index < beside; index++) {
    const folder = project.path(`packages/part${Math.floor(index / IN_A_FOLDER)}`);
    if (index % IN_A_FOLDER === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/file${index % IN_A_FOLDER}.js`, '');
  }
  project.write(
    'app.cjs',
    `${parts.map((name) => `require('./${name}');\n`).join('')}require('node:http').createServer((_request, response) => response.end('{}')).listen(0);\n`,
  );
  return project;
}

/** As /proc lists them. */
function watchesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fdinfo`)
    .map((name) => readProc(`/proc/${pid}/fdinfo/${name}`))
    .reduce((sum, text) => sum + (text.match(/^inotify /gm)?.length ?? 0), 0);
}

function rssOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readProc(`/proc/${pid}/status`))?.[1]) / 1024;
}

function readProc(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    // Closed meanwhile.
    return '';
  }
}

function reportOf(figures: readonly Figures[], saves: number): Report {
  const [least, workspace] = figures as [Figures, Figures];
  const times = (of: (one: Figures) => number): number => of(workspace) / of(least);
  return {
    title: 'Scale',
    how:
      'One thing at a time is made large. Start: until every worker is ready. Watches: files and folders that the master has the system watch. Explain: what saving a file would do, p50. ' +
      `Reload: from the write of a loaded file until every worker has been replaced, p50 of ${saves} saves. MB: memory of the master (RSS).`,
    columns: [
      { title: 'workers', align: 'right' },
      { title: 'loaded files', align: 'right' },
      { title: 'files beside', align: 'right' },
      { title: 'start, ms', align: 'right' },
      { title: 'watches', align: 'right' },
      { title: 'explain, ms', align: 'right' },
      { title: 'reload, ms', align: 'right' },
      { title: 'MB', align: 'right' },
    ],
    rows: figures.map((one) => [
      count(one.workers),
      count(one.loaded),
      count(one.beside),
      count(one.startMs),
      count(one.watches),
      ratio(median(one.explainMs)),
      count(median(one.reloadMs)),
      count(one.rss),
    ]),
    figures,
    targets: [
      {
        what: 'watches: times those without files beside',
        measured: times((one) => one.watches),
        wanted: 1,
        kind: 'at most',
      },
      {
        what: 'reload: times that without files beside',
        measured: times((one) => median(one.reloadMs)),
        wanted: 1.5,
        kind: 'at most',
      },
    ],
  };
}
