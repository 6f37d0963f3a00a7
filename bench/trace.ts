/** Where the time of a reload goes: its phases, from the save to the first answer of the new code. */
import { poll } from '../test/process/harness/events.ts';
import { tell, type Options } from './options.ts';
import { places, type AppName } from './places.ts';
import { median, quantile, type Report } from './report.ts';
import { Running } from './running.ts';
import type { Tool } from './tools.ts';

const apps = ['small', 'express', 'fastify', 'heavy'] as const satisfies readonly AppName[];
const SAVES = 40;
const QUICK_SAVES = 5;
const ANSWER_LIMIT_MS = 30_000;
/** A spare that has got nothing to do for so long stands ready, also on a machine that does a lot else. */
const REST_MS = 500;

const traced: Tool = {
  id: 'traced',
  name: 'Graceful Reload',
  command: (file) => [process.execPath, '--require', places.traceMaster, places.cli, 'start', file],
};

/** On the clock that all processes of the machine share. */
interface Mark {
  readonly at: number;
  readonly pid: number;
  readonly what: 'event' | 'from' | 'to' | 'entry' | 'got' | 'listening';
  readonly detail?: string;
}

interface Save {
  readonly from: number;
  readonly until: number;
}

/** What one phase ends with; the first begins with the save. */
const steps = [
  'the file system tells the master',
  'the master tells a spare to go',
  'the program begins',
  'it listens',
  'the master knows that',
  'the program has settled',
  'it may take connections',
  'a client has its answer',
] as const;

type Times = readonly number[];
interface Figures {
  readonly app: AppName;
  /** By save: how long each phase took, in ms. */
  readonly phases: readonly Times[];
}

export async function trace({ isQuick, saves = isQuick ? QUICK_SAVES : SAVES }: Options): Promise<Report> {
  const figures: Figures[] = [];
  for (const app of apps) figures.push({ app, phases: await measure(app, saves) });
  const cell = (values: Times): string => `${median(values).toFixed(1)} / ${quantile(values, 0.95).toFixed(1)}`;
  return {
    title: 'Where the time of a reload goes',
    how:
      `Milliseconds from each step to the next, of one worker whose spare stands ready: p50 / p95 of ${saves} saves. ` +
      'The p50 of the whole is not the sum of those of the phases.',
    columns: [{ title: 'until', align: 'left' }, ...apps.map((title) => ({ title, align: 'right' as const }))],
    rows: [
      ...steps.map((step, index) => [
        step,
        ...figures.map(({ phases }) => cell(phases.map((times) => times[index] ?? Number.NaN))),
      ]),
      ['all', ...figures.map(({ phases }) => cell(phases.map(sum)))],
    ],
    figures,
    targets: [],
  };
}

async function measure(app: AppName, saves: number): Promise<Times[]> {
  tell(`trace: ${app} app`);
  const firstLine = app === 'fastify' ? `import '${places.traceWorker}';` : `require('${places.traceWorker}');`;
  const running = await Running.start(traced, app, { firstLine });
  try {
    const all: Save[] = [];
    // The first does not count; the last only makes the worker before it write its marks.
    for (let save = 0; save < saves + 2; save++) {
      await running.rest(REST_MS);
      const from = now();
      const { version } = running.save();
      if (!(await running.answers(version, ANSWER_LIMIT_MS))) throw new Error(`no answer\n${running.log()}`);
      all.push({ from, until: now() });
    }
    const counted = all.slice(1, -1);
    const phasesNow = (): (Times | undefined)[] => {
      const marks = marksOf(running);
      return counted.map((save) => phasesOf(save, marks));
    };
    const isWhole = (phases: readonly (Times | undefined)[]): phases is Times[] => !phases.includes(undefined);
    return await poll(
      () => {
        const phases = phasesNow();
        return isWhole(phases) && phases;
      },
      'the marks of all processes',
      () => `${phasesNow().filter((each) => !each).length} saves without all marks\n${running.log()}`,
    );
  } finally {
    await running.end();
  }
}

/** Undefined while marks are missing. */
function phasesOf({ from, until }: Save, marks: readonly Mark[]): Times | undefined {
  const meanwhile = marks.filter(({ at }) => at >= from && at <= until);
  const admit = meanwhile.find(({ what, detail }) => what === 'to' && detail?.endsWith(' admit'));
  const pid = Number(admit?.detail?.split(' ')[0]);
  const inMaster = (what: 'from' | 'to', message: string): number | undefined =>
    meanwhile.find((mark) => mark.what === what && mark.detail === `${pid} ${message}`)?.at;
  const inWorker = (what: 'entry' | 'listening'): number | undefined =>
    meanwhile.find((mark) => mark.what === what && mark.pid === pid)?.at;
  const times = [
    from,
    meanwhile.find(({ what }) => what === 'event')?.at,
    inMaster('to', 'go'),
    inWorker('entry'),
    inWorker('listening'),
    inMaster('from', 'listening'),
    inMaster('from', 'settled'),
    admit?.at,
    until,
  ];
  if (times.includes(undefined)) return undefined;
  return times.slice(1).map((time, index) => time! - times[index]!);
}

function marksOf(running: Running): Mark[] {
  // A line that is being written is whole the next time.
  const lines = running.trace().split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Mark).sort((one, other) => one.at - other.at);
}

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const sum = (times: Times): number => times.reduce((total, each) => total + each, 0);
