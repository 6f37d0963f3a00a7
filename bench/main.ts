/** Runs the parts that were asked for; see scripts/bench.mjs for the command line. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { activation } from './activation.ts';
import { casesPart } from './cases.ts';
import { flags } from './flags.ts';
import { tell, type Options } from './options.ts';
import { places } from './places.ts';
import { checkReadme, intoReadme } from './readme.ts';
import { reload } from './reload.ts';
import { fuzzPart, soakPart } from './reliability.ts';
import { isMet, markdown, type Report } from './report.ts';
import { scale } from './scale.ts';
import { speed } from './speed.ts';
import { throughput } from './throughput.ts';
import { trace } from './trace.ts';

type Part = (options: Options) => Promise<Report>;
const compared: Record<string, Part> = { speed, reload, throughput, cases: casesPart, flags, activation };
/** They compare with nobody, and some take an hour. */
const parts: Record<string, Part> = { ...compared, trace, scale, soak: soakPart, fuzz: fuzzPart };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    saves: { type: 'string' },
    seconds: { type: 'string' },
    messages: { type: 'string' },
    seed: { type: 'string' },
    tools: { type: 'string' },
    apps: { type: 'string' },
    json: { type: 'string' },
    readme: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
});
const asked = positionals.includes('all') ? Object.keys(compared) : positionals.length > 0 ? positionals : ['speed'];
const unknown = asked.find((name) => !(name in parts));
if (unknown !== undefined)
  throw new Error(`there is no ${unknown}; there are ${Object.keys(parts).join(', ')} and all`);

// All our servers register here, and not where those of the person at this machine do.
process.env['GRACEFUL_RELOAD_RUNTIME_DIR'] = join(places.folder, 'run');
const numberOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
const options: Options = {
  isQuick: values.quick,
  saves: numberOf(values.saves),
  seconds: numberOf(values.seconds),
  messages: numberOf(values.messages),
  seed: numberOf(values.seed),
  tools: values.tools?.split(','),
  apps: values.apps?.split(','),
};
const machine = {
  date: new Date().toISOString().slice(0, 10),
  cpu: cpus()[0]?.model ?? 'unknown CPU',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  system: `${process.platform} ${release()}`,
  node: process.version,
  peers: Object.fromEntries(
    ['nodemon', 'tsx', 'pm2', 'bun'].map((name) => [
      name,
      (JSON.parse(readFileSync(join(places.peers, name, 'package.json'), 'utf8')) as { version: string }).version,
    ]),
  ),
};
const peers = Object.entries(machine.peers)
  .map((pair) => pair.join(' '))
  .join(', ');
/** Without the date, which stands with the figures: two runs on one machine differ only in what was measured. */
const lineOf = (part: string): string =>
  `${machine.cores} cores (${machine.cpu}), ${machine.system}, Node ${machine.node.slice(1)}` +
  `${part in compared ? `, ${peers}` : ''}.${values.quick ? ' Quick form: few rounds.' : ''}`;

if (values.readme) checkReadme(asked);
const reports: Record<string, Report> = {};
let missed = 0;
for (const name of asked) {
  const report = await parts[name]!(options);
  reports[name] = report;
  console.log(`\n## ${report.title}\n\n${report.how}\n\n${markdown(report)}\n\n${lineOf(name)}`);
  for (const target of report.targets) {
    if (!isMet(target)) missed += 1;
    const { what, measured, kind, wanted } = target;
    tell(`${isMet(target) ? '✔' : '✖'} ${what}: ${Number(measured.toFixed(3))} (${kind} ${wanted})`);
  }
}

const figures = Object.fromEntries(
  Object.entries(reports).map(([name, report]) => [
    name,
    { machine, quick: values.quick, figures: report.figures, targets: report.targets },
  ]),
);
const writeFigures = (file: string, content: unknown): void =>
  writeFileSync(file, `${JSON.stringify(content, undefined, 2)}\n`);
if (values.json !== undefined) writeFigures(resolve(values.json), figures);
if (values.readme) {
  intoReadme(reports, lineOf);
  const file = join(places.root, 'bench', 'results', 'latest.json');
  mkdirSync(join(file, '..'), { recursive: true });
  writeFigures(file, { ...readFigures(file), ...figures });
}
if (values.check && missed > 0) process.exitCode = 1;

/** Parts that were measured in other runs stay. */
function readFigures(file: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}
