import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timelineOf } from '../../../src/extension/history/timeline.ts';
import type { WorkerLife } from '../../../src/protocol/status.ts';
import { group, NOW, report, snapshot, syntaxError, T0, worker } from './snapshots.ts';

const at = (seconds: number): string => new Date(Date.parse(T0) + seconds * 1000).toISOString();

function life(slot: number, generation: number, part: Partial<WorkerLife> = {}): WorkerLife {
  return {
    ...{ group: 'web', slot, generation, pid: 100 * generation + slot },
    ...{ startedAt: at(generation), servedAt: at(generation + 1), drainingAt: null, endedAt: null, end: null },
    ...part,
  };
}

test('each slot is a lane with its processes in their order, whenever they ended', () => {
  const lives = [
    life(2, 1, { endedAt: at(5), drainingAt: at(4), end: 'left' }),
    life(1, 2),
    life(1, 1, { endedAt: at(9), drainingAt: at(3), end: 'killed' }),
    life(2, 2),
    life(1, 1, { group: 'gone', endedAt: at(2), end: 'left' }),
  ];
  const { lanes, from, now } = timelineOf(snapshot(), lives, true, NOW);
  assert.deepEqual(
    lanes.map((lane) => [lane.group, lane.slot, lane.bars.map(({ generation }) => generation)]),
    [
      ['web', 1, [1, 2]],
      ['web', 2, [1, 2]],
      ['gone', 1, [1]],
    ],
  );
  assert.deepEqual([from, now], [Date.parse(T0), NOW]);
  const ids = lanes.flatMap(({ bars }) => bars.map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length);
});

test('a bar says in words what its shape shows', () => {
  const states = [
    life(1, 1, { servedAt: null }),
    life(1, 2),
    life(1, 3, { drainingAt: at(6) }),
    life(1, 4, { endedAt: at(8), end: 'crashed' }),
    life(1, 5, { servedAt: null, endedAt: at(8), end: 'unready' }),
  ];
  const [lane] = timelineOf(snapshot(), states, true, NOW).lanes;
  assert.deepEqual(
    lane?.bars.map(({ title }) => title),
    [
      'Worker 1 of web, generation 1, starting',
      'Worker 1 of web, generation 2, serving',
      'Worker 1 of web, generation 3, finishing its work',
      'Worker 1 of web, generation 4, crashed',
      'Worker 1 of web, generation 5, ended before it served',
    ],
  );
  assert.deepEqual(Object.fromEntries(lane?.bars[2]?.facts ?? []), {
    State: 'finishing its work',
    Process: 'pid 301',
    Started: lane?.bars[2]?.facts[2]?.[1],
    Boot: '1.0 s',
    Served: '2.0 s',
    Drained: `${(NOW - Date.parse(at(6))) / 1000}.0 s`,
  });
});

test('a reload is a line of the table: what triggered it, what came of it, how long its phases took', () => {
  const reloads = [
    report({ id: 2, result: 'rejected', error: { ...syntaxError, stack: 'at web.ts' } }),
    report({
      phases: [
        { name: 'canary', ms: 41 },
        { name: 'roll', ms: 389 },
      ],
      movedConnections: 6,
      closedConnections: { tls: 0, http2: 0, websocket: 2, sse: 0, tcp: 0 },
      forcedKills: 1,
    }),
  ];
  const { marks, columns, subtitle } = timelineOf(snapshot({ reloads }), [], false, NOW);
  assert.deepEqual(marks[1]?.cells.slice(2), [
    'web.ts saved',
    '2 replaced · 430 ms · 6 connections moved · 1 killed',
    'first workers 41 ms · the others 389 ms',
    '6 moved · 2 websocket ended · 1 worker killed',
  ]);
  assert.equal(marks[0]?.error, 'at web.ts');
  assert.ok(marks.every(({ cells }) => cells.length === columns.length));
  assert.match(subtitle, /stopped/);
});

test('64 workers over 20 reloads are a page, not a flood', () => {
  const workers = Array.from({ length: 64 }, (_, index) => worker(index + 1));
  const lives = workers.flatMap(({ slot }) => [1, 2, 3, 4, 5].map((generation) => life(slot, generation)));
  const timeline = timelineOf(snapshot({ groups: [group('web', workers)] }), lives, true, NOW);
  assert.equal(timeline.lanes.length, 64);
  assert.ok(JSON.stringify(timeline).length < 300_000);
});
