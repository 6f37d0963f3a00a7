/** From a save to the first response of the new code, and what happens to requests meanwhile. */
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { ROUTES } from './appFolder.ts';
import { isChosen, tell, type Options } from './options.ts';
import type { AppName } from './places.ts';
import { count, median, quantile, type Report, type Target } from './report.ts';
import { Running } from './running.ts';
import { tools, type Tool } from './tools.ts';

const everyTool: readonly Tool[] = [
  tools.ours,
  tools.oursWithout,
  tools.nodeWatch,
  tools.nodemon,
  tools.tsx,
  tools.bunWatch,
  tools.bunHot,
  tools.pm2Reload,
  tools.pm2Watch,
];
const quickTools: readonly Tool[] = [tools.ours, tools.oursWithout, tools.nodeWatch, tools.nodemon, tools.bunWatch];
/** Saves that come so soon after each other that a spare may not stand ready; of these tools, each by itself. */
const HURRIES_MS = [1000, 300] as const;
const hurriedTools: readonly Tool[] = [tools.ours, tools.nodeWatch, tools.nodemon, tools.bunHot];
const HURRIED_SAVES = 10;
const apps = ['small', 'express', 'fastify', 'heavy', 'modules'] as const satisfies readonly AppName[];
/** Beside the four that stand for what people write: fewer saves have to do. */
const MODULES_SAVES = 20;

const SAVE_LIMIT_MS = 30_000;
const IDLE_MS = 3000;
/** How long the clients go on before a save, and after the new code has answered. */
const BEFORE_MS = 50;
const AFTER_MS = 150;
/** Of a client after each answer: somebody who develops looks at pages, and does not fill the cores that the new code is loaded on. */
const PAUSE_MS = 20;

interface Figures {
  readonly app: AppName;
  readonly tool: string;
  readonly milliseconds: number[];
  /** Saves that no response came from within the limit. */
  missed: number;
  /** By the time between two saves. */
  readonly hurried: Partial<Record<(typeof HURRIES_MS)[number], number[]>>;
  requests: number;
  failed: number;
  memoryMb: number;
  idleCpuPercent: number;
}

export async function speed(options: Options): Promise<Report> {
  const saves = options.saves ?? (options.isQuick ? 5 : 40);
  const chosen = (options.isQuick && !options.tools ? quickTools : everyTool).filter((tool) => isChosen(options, tool));
  const figures: Figures[] = [];
  for (const app of apps.filter((each) => options.apps?.includes(each) ?? true))
    figures.push(...(await measureApp(app, chosen, app === 'modules' ? Math.min(saves, MODULES_SAVES) : saves)));
  const of = (app: AppName, tool: Tool): Figures | undefined =>
    figures.find((each) => each.app === app && each.tool === tool.id);
  return {
    title: 'From save to new code',
    how:
      `Milliseconds from the write of a file to the first answer of the new code, on a new connection: p50 / p95 of ${saves} saves, and in brackets how many times that of Graceful Reload the p50 is. ` +
      `Failed: requests per save, on the app where it is least and where it is most, of 5 clients that ask, ${PAUSE_MS} ms after each answer, from shortly before it until shortly after the new code answered. ` +
      'All tools are up at once and take turns; the next one begins when the processes of the last one rest. So a spare has booted again by its next turn; it has loaded the packages of the program ahead; without spares that is part of every reload. ' +
      'In a hurry: saves 1 s and 300 ms apart, without other clients, p50 on the small / the heavy app. ' +
      'MB: memory of all processes (PSS), and CPU: of a core while nothing happens, both on the small app. ' +
      `Small: plain \`http\`. Express: nothing else. Fastify: TypeScript, ES modules. Heavy: Express and ten packages that take about a second to load. ` +
      `Modules: Express and ${ROUTES} files, of which one is saved.`,
    columns: [
      { title: '', align: 'left' },
      ...[...apps, 'failed', '1 s apart', '300 ms apart', 'MB', 'CPU'].map((title) => ({
        title,
        align: 'right' as const,
      })),
    ],
    rows: chosen.map((tool) => [
      tool.name,
      ...apps.map((app) => timesCell(of(app, tool), of(app, tools.ours))),
      failedCell(figures.filter((each) => each.tool === tool.id)),
      ...HURRIES_MS.map((gap) => `${hurriedMs(of('small', tool), gap)} / ${hurriedMs(of('heavy', tool), gap)}`),
      ...costs(of('small', tool)),
    ]),
    figures,
    targets: targets(of),
  };
}

function timesCell(figures: Figures | undefined, ours: Figures | undefined): string {
  if (!figures) return '-';
  const { milliseconds, missed } = figures;
  const p50 = median(milliseconds);
  return [
    `${count(p50)} / ${count(quantile(milliseconds, 0.95))}`,
    ...(ours && ours !== figures ? [`(${short(p50 / median(ours.milliseconds))})`] : []),
    ...(missed > 0 ? [`${missed} missed`] : []),
  ].join(' ');
}

function failedCell(all: readonly Figures[]): string {
  const perSave = all.map(({ failed, milliseconds, missed }) => failed / (milliseconds.length + missed));
  const [least, most] = [Math.min(...perSave), Math.max(...perSave)].map((value) => (value === 0 ? '0' : short(value)));
  return least === most ? least! : `${least} – ${most}`;
}

const hurriedMs = (figures: Figures | undefined, gap: (typeof HURRIES_MS)[number]): string =>
  count(median(figures?.hurried[gap] ?? []));

const costs = (figures: Figures | undefined): string[] =>
  figures ? [count(figures.memoryMb), `${figures.idleCpuPercent.toFixed(1)} %`] : ['-', '-'];

/** 1,234.5, or 0.012 */
const short = (value: number): string => {
  if (Number.isNaN(value)) return '-';
  const digits = value < 1 ? { maximumSignificantDigits: 2 } : { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return value.toLocaleString('en-US', digits);
};

function targets(of: (app: AppName, tool: Tool) => Figures | undefined): Target[] {
  const faster = (app: AppName, tool: Tool, wanted: number): Target[] => {
    const [ours, other] = [of(app, tools.ours), of(app, tool)];
    if (!ours || !other) return [];
    const measured = median(other.milliseconds) / median(ours.milliseconds);
    return [{ what: `${app} app: times faster than ${tool.name}`, measured, wanted, kind: 'at least' }];
  };
  const fasterInAHurry = (tool: Tool, wanted: number): Target[] => {
    const [ours, other] = [tools.ours, tool].map((each) => median(of('heavy', each)?.hurried[1000] ?? []));
    const measured = other! / ours!;
    return Number.isNaN(measured)
      ? []
      : [{ what: `heavy app, 1 s apart: times faster than ${tool.name}`, measured, wanted, kind: 'at least' }];
  };
  const ours = apps.flatMap((app) => of(app, tools.ours) ?? []);
  const [small, nodemon] = [of('small', tools.ours), of('small', tools.nodemon)];
  return [
    ...faster('small', tools.nodeWatch, 5),
    ...faster('small', tools.nodemon, 3),
    ...faster('small', tools.bunWatch, 1.3),
    ...faster('heavy', tools.nodeWatch, 20),
    ...faster('heavy', tools.bunHot, 5),
    ...fasterInAHurry(tools.nodeWatch, 3),
    ...fasterInAHurry(tools.bunHot, 1),
    ...ours.flatMap(({ app, failed, milliseconds }): Target[] => [
      {
        what: `${app} app: failed requests, with and without spares`,
        measured: failed + (of(app, tools.oursWithout)?.failed ?? 0),
        wanted: 0,
        kind: 'at most',
      },
      {
        what: `${app} app: p95, times the p50`,
        measured: quantile(milliseconds, 0.95) / median(milliseconds),
        wanted: 3,
        kind: 'at most',
      },
    ]),
    ...(small && nodemon
      ? [
          {
            what: 'small app: MB beyond those of nodemon',
            measured: small.memoryMb - nodemon.memoryMb,
            wanted: 40,
            kind: 'at most' as const,
          },
        ]
      : []),
  ];
}

/** All tools are up at once and take turns, so that whatever else the machine does hits them alike. */
async function measureApp(app: AppName, chosen: readonly Tool[], saves: number): Promise<Figures[]> {
  const all: { running: Running; figures: Figures }[] = [];
  try {
    for (const tool of chosen) {
      tell(`${app} app: starting ${tool.name}`);
      const running = await Running.start(tool, app);
      all.push({ running, figures: emptyFigures(app, tool) });
    }
    tell(`${app} app: a save that does not count`);
    for (const { running, figures } of all) await measureSave(running, { ...figures, milliseconds: [] });
    await measureIdle(all);
    for (let save = 0; save < saves; save++) {
      tell(`${app} app: save ${save + 1} of ${saves}`);
      // Nobody always comes first.
      const first = save % all.length;
      for (const { running, figures } of [...all.slice(first), ...all.slice(0, first)])
        if (save < (running.tool.mostSaves ?? saves)) await measureSave(running, figures);
    }
    for (const { running, figures } of all) figures.memoryMb = running.memoryMb();
    for (const { running, figures } of all)
      if ((app === 'small' || app === 'heavy') && hurriedTools.includes(running.tool))
        await measureHurry(running, figures, saves);
  } finally {
    await Promise.all(all.map(({ running }) => running.end()));
  }
  return all.map(({ figures }) => figures);
}

const emptyFigures = (app: AppName, tool: Tool): Figures => ({
  app,
  tool: tool.id,
  milliseconds: [],
  missed: 0,
  hurried: {},
  requests: 0,
  failed: 0,
  memoryMb: 0,
  idleCpuPercent: 0,
});

async function measureIdle(all: readonly { running: Running; figures: Figures }[]): Promise<void> {
  await delay(1000);
  const before = all.map(({ running }) => running.cpuMs());
  await delay(IDLE_MS);
  all.forEach(({ running, figures }, index) => {
    figures.idleCpuPercent = ((running.cpuMs() - before[index]!) / IDLE_MS) * 100;
  });
}

async function measureSave(running: Running, figures: Figures): Promise<void> {
  const load = startLoad(running);
  await delay(BEFORE_MS);
  const since = performance.now();
  const { version, told } = running.save();
  if (await running.answers(version, SAVE_LIMIT_MS)) figures.milliseconds.push(performance.now() - since);
  else figures.missed += 1;
  await told;
  await delay(AFTER_MS);
  const { requests, failed } = await load.stop();
  figures.requests += requests;
  figures.failed += failed;
  // What it still does shall not take the cores from the one whose turn is next.
  await running.rest();
}

async function measureHurry(running: Running, { hurried }: Figures, saves: number): Promise<void> {
  for (const gap of HURRIES_MS) {
    tell(`${running.tool.name}: saves ${gap} ms apart`);
    await delay(IDLE_MS);
    const milliseconds: number[] = (hurried[gap] = []);
    for (let save = 0; save < Math.min(saves, HURRIED_SAVES); save++) {
      const since = performance.now();
      const { version } = running.save();
      if (await running.answers(version, SAVE_LIMIT_MS)) milliseconds.push(performance.now() - since);
      await delay(Math.max(0, since + gap - performance.now()));
    }
  }
}

/** Three clients that keep their connection and two that do not, each at a pace that leaves time for the server. */
function startLoad(running: Running): { stop: () => Promise<{ requests: number; failed: number }> } {
  const result = { requests: 0, failed: 0 };
  let isOver = false;
  const loop = async (agent: Agent | false): Promise<void> => {
    while (!isOver) {
      result.requests += 1;
      await running.ask(agent).catch(() => (result.failed += 1));
      await delay(PAUSE_MS);
    }
    if (agent) agent.destroy();
  };
  const loops = Array.from({ length: 5 }, (_, index) =>
    loop(index < 3 ? new Agent({ keepAlive: true, maxSockets: 1 }) : false),
  );
  return {
    stop: async () => {
      isOver = true;
      await Promise.all(loops);
      return result;
    },
  };
}
