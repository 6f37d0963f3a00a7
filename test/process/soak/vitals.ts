/** Whether the master grows: its live memory, its descriptors, and the processes that are there for no reason. */
import assert from 'node:assert/strict';
import { Debugger } from '../clients/debugger.ts';
import { poll } from '../harness/events.ts';
import { descriptors, rssMb } from '../harness/processes.ts';
import type { Server } from '../harness/server.ts';
import type { Stage } from './stage.ts';

export interface Sample {
  /** Of the master, after a full collection. */
  readonly heapMb: number;
  readonly rssMb: number;
  readonly descriptors: number;
  /** All of the server, the master counted. */
  readonly processes: number;
}

export interface Growth {
  readonly samples: number;
  readonly before: Sample;
  readonly after: Sample;
}

/** As long as caches fill and code is compiled. */
const WARM_UP = 0.25;

/** Takes a sample once all spares stand ready, so that every sample is of the same state. */
export async function sample(stage: Stage, debugPort: number): Promise<Sample> {
  const { server } = stage;
  const spares = (): number => server.snapshot.groups.reduce((sum, group) => sum + group.spares, 0);
  const wanted = server.snapshot.groups.filter(({ reloadable }) => reloadable).length;
  // One that was killed comes back with the next change.
  if (spares() < wanted) await stage.done('reload');
  await server.settled();
  await server.until(() => spares() === wanted, 'all spares');
  const workers = server.snapshot.groups.flatMap((group) => group.workers.map(({ pid }) => pid));
  const extra = (): string[] =>
    [...stage.processes()].filter(([pid]) => !workers.includes(pid)).map(([pid, command]) => `${pid} ${command}`);
  // The spares and the reaper.
  await poll(
    () => extra().length === wanted + 1,
    'no process too many',
    () => extra().join('\n'),
  );
  const counted = {
    descriptors: descriptors(server.pid),
    processes: stage.processes().size + 1,
    rssMb: rssMb(server.pid),
  };
  return { heapMb: await liveMb(debugPort), ...counted };
}

/** Memory of the process with this debug port that lives after a full collection, buffers included. */
export async function liveMb(debugPort: number): Promise<number> {
  const client = await Debugger.connect(debugPort);
  await client.ask('HeapProfiler.collectGarbage');
  const { usedSize, backingStorageSize = 0 } = (await client.ask('Runtime.getHeapUsage')) as Record<string, number>;
  client.close();
  await client.closed;
  return (usedSize! + backingStorageSize) / 2 ** 20;
}

/** The debug port of a master that was started with `INSPECT`. */
export async function debugPortOf(server: Server): Promise<number> {
  return Number(/:(\d+)\//.exec(await server.line(/^Debugger listening on /))?.[1]);
}

export const INSPECT = '--inspect=127.0.0.1:0';

/** Medians of the first and of the last third of what came after the warm-up. */
export function growth(samples: readonly Sample[]): Growth {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP));
  const third = Math.max(1, Math.floor(warm.length / 3));
  return { samples: warm.length, before: medians(warm.slice(0, third)), after: medians(warm.slice(-third)) };
}

/** @param heapMb what live memory may differ by, since what the master remembers differs in size */
export function assertNoGrowth({ before, after }: Growth, heapMb: number): void {
  const facts = `before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`;
  assert.equal(after.processes, before.processes, facts);
  assert.ok(after.descriptors <= before.descriptors, facts);
  assert.ok(after.heapMb <= before.heapMb + heapMb, facts);
}

function medians(samples: readonly Sample[]): Sample {
  const of = (key: keyof Sample): number =>
    samples.map((one) => one[key]).sort((a, b) => a - b)[samples.length >> 1] ?? 0;
  return { heapMb: of('heapMb'), rssMb: of('rssMb'), descriptors: of('descriptors'), processes: of('processes') };
}
