/** How long the editor waits for the extension: loading its bundle and `activate`, each time in a new process. */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tell, type Options } from './options.ts';
import { places } from './places.ts';
import { quantile, type Report } from './report.ts';

const run = promisify(execFile);
const ROUNDS = 40;
const QUICK_ROUNDS = 10;
/** Room for a slow machine; a person notices nothing below 100 ms. */
const MOST_MS = 100;

interface Activation {
  readonly loadMs: number;
  readonly activateMs: number;
  readonly fileCalls: number;
}

export async function activation({ isQuick }: Options): Promise<Report> {
  const rounds: Activation[] = [];
  for (let round = 0; round < (isQuick ? QUICK_ROUNDS : ROUNDS); round++) {
    const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'activationProbe.ts')]);
    rounds.push(JSON.parse(stdout) as Activation);
  }
  tell(`activation: ${rounds.length} rounds`);
  const row = (name: string, of: (one: Activation) => number): string[] => {
    const values = rounds.map(of);
    return [name, ...[0.5, 0.95].map((share) => `${quantile(values, share).toFixed(1)} ms`)];
  };
  const both = ({ loadMs, activateMs }: Activation): number => loadMs + activateMs;
  const kilobytes = Math.round(statSync(join(places.root, 'dist', 'extension.js')).size / 1024);
  return {
    title: 'Activation of the extension',
    how: `Its bundle (${kilobytes} KB) is loaded and activated ${rounds.length} times, each time in a new process, with an editor that answers at once.`,
    columns: [
      { title: 'step', align: 'left' },
      { title: 'p50', align: 'right' },
      { title: 'p95', align: 'right' },
    ],
    rows: [
      row('load the bundle', ({ loadMs }) => loadMs),
      row('`activate` returns', ({ activateMs }) => activateMs),
      row('both', both),
    ],
    figures: rounds,
    targets: [
      {
        what: 'files touched before `activate` returns',
        measured: Math.max(...rounds.map(({ fileCalls }) => fileCalls)),
        wanted: 0,
        kind: 'at most',
      },
      { what: 'p50 of both, ms', measured: quantile(rounds.map(both), 0.5), wanted: MOST_MS, kind: 'at most' },
    ],
  };
}
