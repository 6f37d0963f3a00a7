import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusOf, type StatusText } from '../../../src/extension/views/statusText.ts';
import { clock } from '../../../src/extension/views/format.ts';
import type { ReloadReport, Snapshot } from '../../../src/protocol/status.ts';
import { configChange, group, report, snapshot, syntaxError, T0, worker } from './snapshots.ts';

function status(...snapshots: Partial<Snapshot>[]): StatusText {
  return statusOf(snapshots.map((part, index) => ({ id: `S${index}`, snapshot: snapshot(part) })))!;
}
const brief = ({ text, severity }: StatusText): [string, string] => [text, severity];

test('nothing is shown without a server', () => {
  assert.equal(statusOf([]), undefined);
});

test('ready and wanted workers, with the port when there is one address', () => {
  assert.deepEqual(brief(status({})), ['$(server-process) 2/2 :3000', 'none']);
  assert.deepEqual(brief(status({ addresses: [] })), ['$(server-process) 2/2', 'none']);
});

test('spins while it reloads; an old worker that still serves counts once', () => {
  const groups = [group('web', [worker(1), worker(1, { pid: 7, state: 'starting', generation: 2 }), worker(2)])];
  assert.deepEqual(brief(status({ state: 'reloading', groups })), ['$(sync~spin) 2/2 :3000', 'none']);
});

test('a first start is no alarm', () => {
  const groups = [group('web', [worker(1, { state: 'starting' })])];
  assert.deepEqual(brief(status({ state: 'starting', groups, addresses: [] })), ['$(sync~spin) 0/1', 'none']);
  const unknown = status({ state: 'starting', groups: [], addresses: [] });
  assert.deepEqual(brief(unknown), ['$(sync~spin) starting', 'none']);
  assert.equal(unknown.spoken, 'shop is starting');
});

test('warns when a restart is needed, a reload was rejected or a worker is missing', () => {
  const rejected = report({ result: 'rejected', error: syntaxError });
  const missing = [group('web', [worker(1), worker(2, { state: 'backoff', pid: null })])];
  assert.deepEqual(brief(status({ needsRestart: [configChange] })), ['$(warning) 2/2 :3000', 'warning']);
  assert.deepEqual(brief(status({ lastReload: rejected, reloads: [rejected] })), [
    `$(warning) 2/2 :3000 rejected, running the code of ${clock(T0)}`,
    'warning',
  ]);
  assert.deepEqual(brief(status({ groups: missing })), ['$(warning) 1/2 :3000', 'warning']);
});

test('says since when the code that runs after a rejected save has been there', () => {
  const at = (minute: number): string => new Date(Date.parse(T0) + minute * 60_000).toISOString();
  const rejected = report({ id: 9, result: 'rejected', error: syntaxError, generation: 4, startedAt: at(9) });
  const done = report({ id: 8, generation: 3, startedAt: at(5) });
  const groups = [
    group('web', [worker(1, { generation: 3, startedAt: at(7) }), worker(2, { generation: 3, startedAt: at(6) })]),
  ];
  const after = (...reloads: ReloadReport[]): StatusText =>
    status({ generation: 3, groups, reloads, lastReload: rejected });
  const since = (minute: number): RegExp => new RegExp(`rejected, running the code of ${clock(at(minute))}`);
  assert.match(after(rejected, done).tooltip, since(5));
  assert.match(after(rejected, done).spoken, since(5));
  assert.match(after(rejected).tooltip, since(6), 'the list no longer has the reload');
  const nothing = [group('web', [worker(1, { state: 'backoff' })])];
  assert.doesNotMatch(
    status({ groups: nothing, reloads: [rejected], lastReload: rejected }).tooltip,
    /running the code/,
  );
});

test('a paused server says so, and what waits', () => {
  const pendingReload = ['a.ts', 'b.ts', 'c.ts'].map((file) => ({ file, groups: ['web'], since: T0 }));
  assert.deepEqual(brief(status({ paused: true })), ['$(debug-pause) 2/2 :3000 paused', 'none']);
  const { tooltip, spoken } = status({ paused: true, pendingReload });
  assert.match(tooltip, / paused · 3 changes wait: a\\\.ts and 2 more files · \[Resume\]/);
  assert.match(spoken, /ready, paused, 3 changes wait$/);
  assert.doesNotMatch(status({ pendingReload }).tooltip, /wait/, 'what is about to be reloaded waits for nobody');
});

test('warns of a file that each reload changes', () => {
  const flapping = [{ file: 'data/db.json', exclude: 'data/db.json', since: T0 }];
  assert.equal(status({ flapping }).severity, 'warning');
  assert.match(status({ flapping }).tooltip, /left alone: data\/db/);
});

test('a program that ended by itself is not missed', () => {
  const groups = [group('job', [worker(1, { state: 'stopped', pid: null })])];
  assert.equal(status({ groups, addresses: [] }).severity, 'none');
});

test('an error when nothing serves', () => {
  const groups = [group('web', [worker(1, { state: 'backoff', pid: null })])];
  assert.deepEqual(brief(status({ groups })), ['$(error) 0/1 :3000', 'error']);
  assert.equal(status({ state: 'failed', groups, error: syntaxError }).severity, 'error');
});

test('several servers: the sum, the worst state, a line each', () => {
  const api = { name: 'api', addresses: [{ protocol: 'tcp' as const, host: '127.0.0.1', port: 4000 }] };
  const both = status({ needsRestart: [configChange] }, api);
  assert.deepEqual(brief(both), ['$(warning) 4/4', 'warning']);
  assert.equal(both.tooltip.split('\n\n').length, 2);
  assert.match(both.spoken, /^shop is running, 2 of 2 workers ready, needs a restart; api is running/);
});

test('the tooltip names what needs a restart', () => {
  const tooltip = (...files: string[]): string =>
    status({ needsRestart: files.map((file) => ({ ...configChange, file })) }).tooltip;
  assert.match(tooltip('a'), /needs a restart for a ·/);
  assert.match(tooltip('a', 'b'), /needs a restart for a and b ·/);
  assert.match(tooltip('a', 'b', 'c'), /needs a restart for a and 2 more files ·/);
});

test('the tooltip has the facts and the actions, and cannot be written by a name', () => {
  const done = report({ durationMs: 430 });
  const { tooltip } = status({ name: '[x](command:evil)', lastReload: done, reloads: [done] });
  assert.match(tooltip, /last reload 430 ms/);
  assert.match(tooltip, /\[Restart\]\(command:gracefulReload\.restart\?%5B%22S0%22%5D\)/);
  assert.doesNotMatch(tooltip, /\]\(command:evil/);
});
