import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { age, clock } from '../../../src/extension/views/format.ts';
import type { Row, RowKind } from '../../../src/extension/views/row.ts';
import { serverRow } from '../../../src/extension/views/serverRows.ts';
import { RowTree } from '../../../src/extension/views/rowTree.ts';
import type { Snapshot } from '../../../src/protocol/status.ts';
import { configChange, taskChange, group, NOW, report, snapshot, syntaxError, T0, worker } from './snapshots.ts';

const rowOf = (value: Snapshot, now = NOW): Row => serverRow('S', value, now);
const workersOf = (value: Snapshot): readonly Row[] => rowOf(value).children[0]!.children;
const lines = (rows: readonly Row[]): string[] => rows.map((row) => `${row.label}: ${row.description}`);

const failedBuild: Snapshot['builds'][number] = {
  command: 'tsc --watch',
  groups: ['web'],
  pid: 7,
  state: 'failed',
  since: T0,
  error: syntaxError,
  end: null,
};

describe('row of a builder', () => {
  const rowFor = (part: Partial<typeof failedBuild>): Row =>
    rowOf(snapshot({ builds: [{ ...failedBuild, error: null, ...part }] })).children[1]!;

  test('tells how far it is, each state with an icon of its own', () => {
    assert.deepEqual(
      (['running', 'building', 'built', 'failed', 'ended'] as const).map((state) => rowFor({ state }).description),
      [
        'running',
        'building',
        `built ${clock(T0)}`,
        `build failed ${clock(T0)}`,
        `ended ${clock(T0)}, a restart runs it again`,
      ],
    );
    assert.equal(rowFor({ state: 'built', error: syntaxError }).icon.id, 'warning');
  });

  test('its log is that of its command', () => {
    assert.equal(rowFor({}).target.build, 'tsc --watch');
  });

  test('leads to what is wrong, and a failed build asks for attention', () => {
    const failed = rowFor({ error: syntaxError });
    assert.deepEqual(failed.place, { file: 'src/web.ts', line: 12, column: 9 });
    assert.equal(failed.description, `build failed ${clock(T0)} · SyntaxError: Unexpected token`);
    assert.equal(rowOf(snapshot({ builds: [failedBuild] })).icon.id, 'warning');
  });
});

describe('server row', () => {
  test('says what runs, where, and since when', () => {
    const row = rowOf(snapshot({ generation: 7 }));
    assert.equal(row.label, 'shop');
    assert.equal(row.description, `server.ts · :3000 · generation 7 · running since ${clock(T0)}`);
    assert.equal(row.contextValue, 'server running controllable pausable browsable');
    assert.deepEqual(
      row.children.map(({ label }) => label),
      ['web'],
    );
  });

  test('has an error row that leads to the place, while the start has failed', () => {
    const [error] = rowOf(snapshot({ state: 'failed', error: syntaxError })).children;
    assert.equal(error?.label, 'SyntaxError: Unexpected token');
    assert.equal(error?.description, 'src/web.ts:12');
    assert.deepEqual(error?.place, { file: 'src/web.ts', line: 12, column: 9 });
  });

  test('is open from the start, before it has any group', () => {
    assert.equal(rowOf(snapshot({ state: 'starting', groups: [] })).fold, 'open');
  });

  test('says plainly that it is paused, whatever else it does', () => {
    const state = (part: Partial<Snapshot>): string => rowOf(snapshot({ paused: true, ...part })).description;
    assert.equal(state({}), 'paused · server.ts · :3000 · generation 1');
    assert.equal(state({ state: 'reloading' }), 'reloading · paused · server.ts · :3000 · generation 1');
    assert.match(rowOf(snapshot({ paused: true })).contextValue, /\bcontrollable paused\b/);
    assert.equal(
      rowOf(snapshot({ paused: true, state: 'reloading' })).spoken,
      'Server shop, reloading, paused, server.ts, port 3000, generation 1',
    );
  });

  test('says after a rejected save which code runs', () => {
    const rejected = report({ result: 'rejected', error: syntaxError });
    const row = rowOf(snapshot({ lastReload: rejected, reloads: [rejected] }));
    assert.equal(row.description, `rejected, running the code of ${clock(T0)} · server.ts · :3000 · generation 1`);
  });

  test('cannot be asked for anything once it stops', () => {
    assert.doesNotMatch(rowOf(snapshot({ state: 'stopping' })).contextValue, /controllable/);
  });
});

describe('group row', () => {
  test('counts its workers, or what is missing', () => {
    const groups = [
      group('web', [worker(1), worker(2, { state: 'backoff' })]),
      group('gateway', [worker(1)], { reloadable: false }),
    ];
    assert.deepEqual(lines(rowOf(snapshot({ groups })).children), [
      'web: 1 of 2 ready',
      'gateway: 1 worker · does not reload',
    ]);
  });

  test('tells by its tags whether it reloads', () => {
    const [row] = rowOf(snapshot({ groups: [group('gateway', [worker(1)], { reloadable: false })] })).children;
    assert.equal(row?.contextValue, 'group fixed');
    assert.equal(row?.children[0]?.contextValue, 'worker ready fixed debuggable');
  });
});

describe('worker rows', () => {
  test('say state, generation, age, process and figures', () => {
    const [row] = workersOf(snapshot({ groups: [group('web', [worker(1, { connections: 3, rss: 48 * 1_048_576 })])] }));
    assert.equal(row?.description, 'ready · g1 · 30 s · pid 101 · 3 conn · 48 MB');
    assert.equal(row?.spoken, 'Worker 1 of web, ready, g1, 30 s, pid 101, 3 conn, 48 MB');
  });

  test('keep the id of the slot for the worker that serves, with its successor above it', () => {
    const before = workersOf(snapshot());
    const groups = [
      group('web', [worker(1, { pid: 101 }), worker(1, { pid: 201, generation: 2, state: 'starting' }), worker(2)]),
    ];
    const during = workersOf(snapshot({ groups }));
    assert.deepEqual(
      during.map(({ id }) => id),
      ['S/web/1:g2', 'S/web/1', 'S/web/2'],
    );
    assert.deepEqual(
      before.map(({ id }) => id),
      ['S/web/1', 'S/web/2'],
    );
    assert.equal(during[0]?.description, 'starting · g2');
    assert.match(during[1]!.description, /serves until its successor is ready$/);
  });

  test('tell what a draining worker still does and how long it may', () => {
    const killAt = new Date(NOW + 8000).toISOString();
    const groups = [
      group('web', [worker(1, { pid: 201, generation: 2 }), worker(1, { state: 'draining', inFlight: 2, killAt })]),
    ];
    const rows = workersOf(snapshot({ groups }));
    assert.deepEqual(
      rows.map(({ id }) => id),
      ['S/web/1', 'S/web/1:101'],
    );
    assert.equal(rows[1]?.description, 'draining 2 requests · g1 · 8 s left · pid 101');
  });

  test('tell when a failed worker is tried again', () => {
    const nextTryAt = new Date(NOW + 3000).toISOString();
    const groups = [
      group('web', [worker(1, { state: 'backoff', pid: null, nextTryAt }), worker(2, { state: 'backoff', pid: null })]),
    ];
    assert.deepEqual(lines(workersOf(snapshot({ groups }))), [
      '1: failed, next try in 3 s · g1',
      '2: failed, waits for the next save · g1',
    ]);
  });

  test('tell since when a worker is unresponsive, which stays in its place while a successor starts', () => {
    const hung = worker(1, { state: 'unresponsive', unresponsiveSince: T0 });
    const groups = [group('web', [hung, worker(1, { state: 'starting', generation: 2, pid: 201 })])];
    assert.deepEqual(lines(workersOf(snapshot({ groups: [group('web', [hung])] }))), [
      `1: unresponsive since ${clock(T0)} · g1 · pid 101`,
    ]);
    const rows = workersOf(snapshot({ groups }));
    assert.deepEqual(rows.map(({ id }) => id).sort(), ['S/web/1', 'S/web/1:g2']);
    assert.equal(rows.find(({ id }) => id === 'S/web/1')?.description.startsWith('unresponsive'), true);
  });

  test('tell where a debugger finds a worker, and that one holds it', () => {
    const killAt = null;
    const groups = [
      group('web', [worker(1, { inspectPort: 9229 }), worker(1, { state: 'draining', debugger: 'paused', killAt })]),
    ];
    const rows = workersOf(snapshot({ groups }));
    assert.equal(rows[0]?.description, 'ready · g1 · 30 s · pid 101 · debug port 9229');
    assert.equal(rows[1]?.description, 'draining · g1 · paused in the debugger · pid 101');
    assert.deepEqual(
      rows.map(({ contextValue }) => contextValue),
      ['worker ready reloadable debuggable', 'worker draining fixed'],
    );
  });
});

describe('notes', () => {
  test('list the files that need a restart, with the reason', () => {
    const script = { ...configChange, file: 'server.ts', reason: 'bootstrap' as const, chain: ['server.ts'] };
    const note = rowOf(snapshot({ needsRestart: [script, configChange] })).children.at(-1);
    assert.equal(note?.label, 'Needs restart (2)');
    assert.deepEqual(lines(note?.children ?? []), [
      `server.ts: changed ${clock(T0)} · bootstrap script`,
      `src/config.ts: changed ${clock(T0)} · imported by server.ts:3`,
    ]);
  });

  test('a file that differs leads to its first changed line; one that is gone only to the comparison', () => {
    const gone = { ...configChange, file: 'src/gone.ts', digest: null, changed: [] };
    const unknown = { ...configChange, file: 'src/unknown.ts', changed: null };
    const rows = rowOf(snapshot({ needsRestart: [configChange, gone, unknown] })).children.at(-1)!.children;
    assert.deepEqual(
      rows.map(({ place, contextValue }) => [place?.line, contextValue]),
      [
        [2, 'changedFile bootstrap-import comparable'],
        [undefined, 'changedFile bootstrap-import comparable'],
        [1, 'changedFile bootstrap-import'],
      ],
    );
    assert.match(rows[1]!.description, /^deleted /);
    assert.deepEqual(rows[1]!.target, { server: 'S', file: 'src/gone.ts' });
  });

  test('an edited task names its options, and leads to the first of them', () => {
    const [row] = rowOf(snapshot({ needsRestart: [taskChange] })).children.at(-1)!.children;
    assert.match(row!.description, /· start options: workers, args, env · with a stop and a start: node$/);
    assert.deepEqual([row!.place?.line, row!.contextValue], [12, 'changedFile options']);
  });

  test('list the changes that wait for a person, and what for', () => {
    const pendingReload = [
      { file: 'src/web.ts', groups: ['web'], since: T0 },
      { file: 'src/db.ts', groups: ['web', 'job'], since: T0 },
    ];
    const note = (part: Partial<Snapshot>): Row | undefined =>
      rowOf(snapshot({ pendingReload, ...part })).children.find(({ kind }) => kind === 'held');
    const [paused, manual, never] = [
      { paused: true },
      { reloadOn: 'manualSave' as const },
      { reloadOn: 'never' as const, pendingReload: pendingReload.slice(1) },
    ].map(note);
    assert.deepEqual(lines([paused!, manual!, never!]), [
      '2 changes wait: until the server is resumed',
      '2 changes wait: until saved by hand',
      '1 change waits: until a reload is asked for',
    ]);
    assert.deepEqual([paused?.contextValue, manual?.contextValue], ['held paused', 'held']);
    assert.deepEqual(lines(paused!.children), [
      `src/web.ts: changed ${clock(T0)} · web`,
      `src/db.ts: changed ${clock(T0)} · web, job`,
    ]);
    assert.equal(note({}), undefined, 'what comes by itself waits for nobody');
    assert.equal(note({ reloadOn: 'manualSave', state: 'reloading' }), undefined);
  });

  test('name a file that each reload changes, and the pattern that ends it', () => {
    const flapping = [{ file: 'data/db.json', exclude: 'data/db.json', since: T0 }];
    const row = rowOf(snapshot({ flapping })).children.at(-1);
    assert.equal(row?.label, 'data/db.json');
    assert.match(row.description, /exclude data\/db\.json$/);
    assert.deepEqual([row.contextValue, row.place?.file], ['flapping', 'data/db.json']);
  });

  test('list the reloads, the last one on the closed row', () => {
    const last = report({ id: 12, replaced: 4, movedConnections: 6 });
    const rejected = report({ id: 11, result: 'rejected', error: syntaxError });
    const note = rowOf(snapshot({ lastReload: last, reloads: [last, rejected] })).children.at(-1);
    assert.match(note!.description, /^#12 \d\d:\d\d:00 web\.ts saved · 4 replaced · 430 ms · 6 connections moved$/);
    assert.match(note!.children[1]!.description, /rejected: SyntaxError: Unexpected token$/);
    assert.deepEqual(note!.children[1]!.place, { file: 'src/web.ts', line: 12, column: 9 });
  });
});

describe('row tree', () => {
  const treeWith = (value: Snapshot): RowTree => {
    const tree = new RowTree();
    tree.update([rowOf(value)]);
    return tree;
  };
  const idsOf = (refresh: ReturnType<RowTree['update']>): string[] =>
    refresh === 'all' ? ['all'] : refresh.map(({ row }) => row.id);

  test('refreshes nothing when nothing that is shown has changed', () => {
    const groups = [group('web', [worker(1, { requests: 500, cpu: 0.4 }), worker(2)])];
    assert.deepEqual(idsOf(treeWith(snapshot()).update([rowOf(snapshot({ groups }))])), []);
  });

  test('refreshes the one row whose text changed, and keeps its object', () => {
    const tree = treeWith(snapshot());
    const node = tree.find('S/web/2');
    const groups = [group('web', [worker(1), worker(2, { connections: 1 })])];
    assert.deepEqual(idsOf(tree.update([rowOf(snapshot({ groups }))])), ['S/web/2']);
    assert.equal(tree.find('S/web/2'), node);
  });

  test('refreshes the parent when rows come or go, and only that', () => {
    const groups = [group('web', [worker(1), worker(1, { pid: 7, generation: 2 }), worker(2, { connections: 1 })])];
    assert.deepEqual(idsOf(treeWith(snapshot()).update([rowOf(snapshot({ groups }))])), ['S/web']);
  });

  test('refreshes all when a server comes or goes', () => {
    const tree = treeWith(snapshot());
    assert.equal(tree.update([]), 'all');
    assert.equal(tree.update([rowOf(snapshot())]), 'all');
  });
});

describe('what a screen reader says', () => {
  const rejected = report({
    ...{ id: 3, result: 'rejected', error: syntaxError, forcedKills: 1, movedConnections: 2 },
    phases: [{ name: 'canary', ms: 41 }],
    closedConnections: { tls: 1, http2: 0, websocket: 2, sse: 0, tcp: 0 },
  });
  const busy = snapshot({
    paused: true,
    error: syntaxError,
    groups: [
      group('web', [worker(1), worker(2, { state: 'draining' }), worker(2, { pid: 7, state: 'starting' })]),
      group('jobs', [worker(1, { state: 'backoff', pid: null, nextTryAt: T0 })], { reloadable: false }),
    ],
    needsRestart: [configChange],
    pendingReload: [{ file: 'src/web.ts', groups: ['web'], since: T0 }],
    flapping: [{ file: 'data/state.json', exclude: 'data/state.json', since: T0 }],
    builds: [failedBuild],
    lastReload: rejected,
    reloads: [rejected, report()],
  });
  const all = (row: Row): Row[] => [row, ...row.children.flatMap(all)];
  // An error stands in a row of its own only while nothing serves.
  const rows = [...all(rowOf(busy)), ...all(rowOf({ ...busy, state: 'failed' }))];

  test('every kind of row has words of its own, that are spoken as words', () => {
    const kinds: Record<RowKind, true> = {
      ...{ server: true, error: true, group: true, worker: true, needsRestart: true, changedFile: true, held: true },
      ...{ heldFile: true, flapping: true, build: true, reloads: true, reload: true, fact: true },
    };
    assert.deepEqual([...new Set(rows.map(({ kind }) => kind))].sort(), Object.keys(kinds).sort());
    for (const { id, kind, spoken } of rows) {
      assert.match(spoken, /\p{L}{2}/u, id);
      assert.doesNotMatch(spoken, /·|→|\$\(|undefined|null|NaN|, ,|, *$/, `${kind} ${id}: ${spoken}`);
    }
  });

  test('nothing that is seen is kept from it: the label, and the state that the icon shows', () => {
    const seen = rows.filter(({ kind }) => kind !== 'reloads');
    for (const { label, description, spoken } of seen) {
      const parts = [
        ...description.split(' · ').map((part) => part.replace(/^:/, '')),
        /[\p{L}\d][^()#]*[\p{L}\d]|\d/u.exec(label)![0],
      ];
      for (const part of parts) assert.ok(spoken.includes(part), `${label} ${description}: ${spoken}`);
    }
    const states = (['ready', 'starting', 'draining', 'unresponsive'] as const).map(
      (state) => workersOf(snapshot({ groups: [group('web', [worker(1, { state })])] }))[0]!.spoken,
    );
    assert.equal(new Set(states).size, states.length, states.join('; '));
  });

  test('siblings can be told from each other', () => {
    const check = (siblings: readonly Row[]): void => {
      const spoken = siblings.map((row) => row.spoken);
      assert.equal(new Set(spoken).size, spoken.length, spoken.join('; '));
      for (const row of siblings) check(row.children);
    };
    check(rowOf(busy).children);
  });
});

test('ages are exact at first, then coarse', () => {
  const ago = (seconds: number): string => age(new Date(NOW - seconds * 1000).toISOString(), NOW);
  assert.deepEqual([0, 9, 19, 59, 60, 3599, 7200, 200_000].map(ago), [
    '0 s',
    '9 s',
    '10 s',
    '50 s',
    '1 min',
    '59 min',
    '2 h',
    '2 d',
  ]);
});
