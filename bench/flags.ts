/** From an edit that a reload cannot pick up to its flag: does it take longer where the bootstrap script loads more? */
import { readFileSync } from 'node:fs';
import { Project } from '../test/process/harness/project.ts';
import type { Server } from '../test/process/harness/server.ts';
import { Ends } from './ends.ts';
import { tell, type Options } from './options.ts';
import { count, median, quantile, ratio, type Report } from './report.ts';

const SIZES = [20, 200, 2000] as const;
const ROUNDS = 60;
const QUICK_ROUNDS = 10;
/** CPU times stand in /proc in hundredths of a second. */
const TICK_MS = 10;
/** Each module imports so many others. */
const FAN_OUT = 4;

interface Figures {
  readonly modules: number;
  readonly flagMs: number[];
  /** Of the master, for an edit and its undoing. */
  cpuMs: number;
}

export async function flags({ isQuick, saves = isQuick ? QUICK_ROUNDS : ROUNDS }: Options): Promise<Report> {
  const ends = new Ends();
  try {
    const all: { project: Project; server: Server; figures: Figures }[] = [];
    for (const modules of SIZES) {
      tell(`flags: starting a server with ${modules} bootstrap modules`);
      const project = writeProject(modules, ends);
      const server = await project.ready(['server.js']);
      all.push({ project, server, figures: { modules, flagMs: [], cpuMs: 0 } });
    }
    tell('flags: an edit that does not count');
    for (const one of all) await measure(one.project, one.server, { ...one.figures, flagMs: [] });
    const before = all.map(({ server }) => cpuMs(server.pid));
    for (let round = 0; round < saves; round++)
      // They take turns, so that whatever else the machine does hits them alike.
      for (const { project, server, figures } of all) await measure(project, server, figures);
    all.forEach(({ server, figures }, index) => (figures.cpuMs = (cpuMs(server.pid) - before[index]!) / saves));
    return reportOf(
      all.map(({ figures }) => figures),
      saves,
    );
  } finally {
    await ends.run();
  }
}

function reportOf(figures: readonly Figures[], saves: number): Report {
  const least = figures[0]!;
  const most = figures.at(-1)!;
  const times = (one: Figures): number => median(one.flagMs) / median(least.flagMs);
  return {
    title: 'From an edit of bootstrap code to its flag',
    how:
      `Milliseconds from the write of a module that the bootstrap script loads, several imports away, until \`needsRestart\` names it with the chain of imports, where no editor tells of it: p50 / p95 of ${saves} edits. ` +
      `All modules are in one folder. Times: of the p50 with ${least.modules} modules. CPU: of the master, for the edit and its undoing.`,
    columns: [
      { title: 'modules', align: 'right' },
      { title: 'flag, ms', align: 'right' },
      { title: 'times', align: 'right' },
      { title: 'CPU, ms', align: 'right' },
    ],
    rows: figures.map((one) => [
      count(one.modules),
      [0.5, 0.95].map((share) => quantile(one.flagMs, share).toFixed(1)).join(' / '),
      ratio(times(one)),
      one.cpuMs.toFixed(1),
    ]),
    figures,
    targets: [
      {
        what: `flag: p50 with ${count(most.modules)} modules, times that with ${least.modules}`,
        measured: times(most),
        wanted: 3,
        kind: 'at most',
      },
    ],
  };
}

/** A tree of modules in one folder: the one that is edited is a leaf of it. */
function writeProject(modules: number, ends: Ends): Project {
  const project = Project.of('esm', ends);
  const name = (index: number): string => `module${index}.js`;
  for (let index = 0; index < modules; index++) {
    const first = index * FAN_OUT + 1;
    const children = Array.from({ length: FAN_OUT }, (_, child) => first + child).filter((child) => child < modules);
    project.write(
      `modules/${name(index)}`,
      `${children.map((child) => `import './${name(child)}';\n`).join('')}export const version = 0;\n`,
    );
  }
  project.write(
    'server.js',
    `import './modules/${name(0)}';\nexport default { groups: { web: { entry: './app.js' } } };\n`,
  );
  return project;
}

async function measure(project: Project, server: Server, { modules, flagMs }: Figures): Promise<void> {
  const file = `modules/module${modules - 1}.js`;
  const before = project.read(file);
  const since = performance.now();
  project.write(file, `${before}// edited\n`);
  await server.snapshotWith(({ needsRestart }) => needsRestart.length > 0, 'the flag');
  flagMs.push(performance.now() - since);
  project.write(file, before);
  await server.snapshotWith(({ needsRestart }) => needsRestart.length === 0, 'no flag: the edit was undone');
}

function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return (user + system) * TICK_MS;
}
