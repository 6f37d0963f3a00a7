/** A soak run: everything that can happen to a server, at random from a seed, while strict clients ask all the time. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { seeded } from '../clients/random.ts';
import { startClients } from '../clients/strictClients.ts';
import { fixtures } from '../harness/paths.ts';
import { allGone } from '../harness/processes.ts';
import { Project } from '../harness/project.ts';
import type { Server } from '../harness/server.ts';
import { Stage } from './stage.ts';
import { edits, others, pick, type Step } from './steps.ts';
import { debugPortOf, growth, INSPECT, sample, type Growth, type Sample } from './vitals.ts';

export interface SoakOptions {
  readonly seed: number;
  readonly seconds: number;
  /** Samples of the master within that time. */
  readonly samples: number;
  /** Each client after an answer. */
  readonly pauseMs: number;
  readonly tell?: (text: string) => void;
}

export interface SoakResult {
  readonly seconds: number;
  readonly requests: number;
  /** Of those, the ones on connections that a crashed worker took with it. */
  readonly cut: number;
  readonly failures: readonly string[];
  /** How often each thing was done. */
  readonly counts: Readonly<Record<string, number>>;
  /** The last one. */
  readonly generation: number;
  readonly growth: Growth;
}

const BESIDE = 0.4;
/** Two steps that begin at the same time end up in any order. */
const LONGEST_OFFSET_MS = 100;
const TOLD_STEPS = 20;

/** @throws when something fails, with the steps that led to it */
export async function soak(options: SoakOptions, t: Pick<TestContext, 'after'>): Promise<SoakResult> {
  const project = Project.of('soak', t);
  project.write('app.cjs', readFileSync(join(fixtures, 'strict', 'app.cjs'), 'utf8'));
  const server = await project.ready(['server.cjs'], { masterFlags: [INSPECT] });
  const debugPort = await debugPortOf(server);
  const clients = startClients({ host: '127.0.0.1', port: server.port() }, options.seed, undefined, options.pauseMs);
  const stage = new Stage(project, server, clients);
  t.after(() => void clients.stop());
  const random = seeded(options.seed);
  const taken: string[] = [];
  const samples: Sample[] = [];
  const since = performance.now();
  const passed = (): number => (performance.now() - since) / 1000;
  try {
    while (passed() < options.seconds) {
      const beside = random() < BESIDE;
      const steps = beside ? [stepOf(random, edits), stepOf(random, others)] : [stepOf(random, [...edits, ...others])];
      taken.push(steps.map(({ name }) => name).join(' | '));
      await Promise.all(steps.map((step) => play(stage, step, seeded(random() * 2 ** 32), beside)));
      await stage.settle();
      if (passed() < (samples.length * options.seconds) / options.samples) continue;
      samples.push(await sample(stage, debugPort));
      options.tell?.(
        `${passed().toFixed(0)} s, ${taken.length} rounds, ${clients.asked()} requests: ${JSON.stringify(samples.at(-1))}`,
      );
    }
    const generation = server.snapshot.generation;
    const tallies = await clients.stop();
    await end(server, project, random);
    const sum = (of: (tally: (typeof tallies)[number]) => number): number =>
      tallies.reduce((all, each) => all + of(each), 0);
    return {
      seconds: passed(),
      requests: sum(({ asked }) => asked),
      cut: sum(({ cut }) => cut),
      failures: clients.failures(),
      counts: Object.fromEntries(stage.counts),
      generation,
      growth: growth(samples),
    };
  } catch (cause) {
    const steps = taken.slice(-TOLD_STEPS).join('\n  ');
    throw new Error(
      `seed ${options.seed}, round ${taken.length}, the last steps:\n  ${steps}\n${String(cause)}\n${JSON.stringify({ ...server.snapshot, reloads: undefined })}\n${server.facts()}`,
      { cause },
    );
  }
}

function stepOf(random: () => number, steps: readonly Step[]): Step {
  return pick(
    random,
    steps.flatMap((step) => Array.from({ length: step.weight }, () => step)),
  );
}

async function play(stage: Stage, step: Step, random: () => number, beside: boolean): Promise<void> {
  stage.count(step.name);
  if (beside) await delay(random() * LONGEST_OFFSET_MS);
  await step.play(stage, random);
}

/** In any of the ways in which servers are stopped: nothing is left. */
async function end(server: Server, project: Project, random: () => number): Promise<void> {
  const how = pick(random, ['SIGINT', 'SIGTERM', 'SIGHUP', 'stop'] as const);
  if (how === 'stop') await server.control.request('stop', {});
  else server.child.kill(how);
  assert.equal(await server.exit, 0, how);
  await allGone(project.mark);
  assert.deepEqual(readdirSync(project.runtimeFolder), []);
}
