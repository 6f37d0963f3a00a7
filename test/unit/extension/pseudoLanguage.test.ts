/**
 * Everything that is shown, in a language whose every text stands in brackets: what is left outside of them must be
 * names, numbers and units, since no translator will ever see it.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as l10n from '@vscode/l10n';
import { timelineOf } from '../../../src/extension/history/timeline.ts';
import { fileStatus } from '../../../src/extension/views/fileStatus.ts';
import type { Row } from '../../../src/extension/views/row.ts';
import { serverRow } from '../../../src/extension/views/serverRows.ts';
import { statusOf } from '../../../src/extension/views/statusText.ts';
import { rowTooltip } from '../../../src/extension/views/tooltips.ts';
import type { WorkerLife } from '../../../src/protocol/status.ts';
import { configChange, group, NOW, report, snapshot, syntaxError, T0, worker } from './snapshots.ts';

const root = join(import.meta.dirname, '../../..');
const [bundle] = globSync('l10n/bundle.l10n.*.json', { cwd: root });
const texts = Object.keys(JSON.parse(readFileSync(join(root, bundle!), 'utf8')) as object);
l10n.config({ contents: Object.fromEntries(texts.map((text) => [text, `⟦${text}⟧`])) });

const web = [
  worker(1, { rss: 48 * 1_048_576, cpu: 0.4, connections: 3, requests: 12, eventLoopLagMs: 2, inspectPort: 9229 }),
  worker(2, { state: 'draining', pid: 11, inFlight: 2, debugger: 'paused', killAt: T0, fallback: 'connection-close' }),
  worker(2, { state: 'starting', pid: 12, generation: 2, debugger: 'awaited' }),
  worker(3, { state: 'unresponsive', unresponsiveSince: T0, debugger: 'connected' }),
  worker(4, { state: 'stopped', pid: null }),
  worker(5, { state: 'backoff', pid: null }),
];
const rejected = report({
  ...{ id: 3, result: 'rejected' as const, error: syntaxError, forcedKills: 2, forcedConnections: 1 },
  movedConnections: 2,
  phases: (['evaluate', 'check', 'canary', 'roll'] as const).map((name) => ({ name, ms: 41 })),
  closedConnections: { tls: 1, http2: 1, websocket: 2, sse: 1, tcp: 1 },
});
const reloads = [
  rejected,
  report({ id: 2, result: 'superseded', trigger: { kind: 'change', files: ['a.ts', 'b.ts'] } }),
  report({ id: 1, result: 'done', trigger: { kind: 'crash', files: [] }, phases: rejected.phases }),
  report({ id: 0, result: 'stopped', trigger: { kind: 'restart', files: [] } }),
];
const change = (reason: 'bootstrap' | 'env-file' | 'non-reloadable' | 'options', file: string) => ({
  ...{ ...configChange, reason, file, chain: [file] },
});
const full = snapshot({
  paused: true,
  error: { ...syntaxError, stack: 'Error' },
  groups: [group('web', web), group('jobs', [worker(1)], { reloadable: false, order: 'auto' })],
  needsRestart: [
    configChange,
    change('bootstrap', 'server.ts'),
    change('env-file', '.env'),
    { ...change('non-reloadable', 'jobs.ts'), digest: null },
    change('options', 'tasks.json'),
  ],
  pendingReload: [{ file: 'src/web.ts', groups: ['web'], since: T0 }],
  flapping: [{ file: 'data.json', exclude: 'data.json', since: T0 }],
  lastReload: rejected,
  reloads,
});
const lives: WorkerLife[] = (['left', 'killed', 'crashed', 'unready', null] as const).map((end, slot) => ({
  ...{ group: 'web', slot, generation: 1, pid: 7, startedAt: T0, servedAt: T0, drainingAt: end ? T0 : null },
  ...{ endedAt: end ? T0 : null, end },
}));

/** Names, units, and what is code in every language. */
const data =
  /\b(shop|web|jobs|server|src|config|catalog|tasks|data|home|me|ts|json|env|pid|ms|MB|min|CPU|SyntaxError|Unexpected token|Error|http|localhost|tcp|tls|http2|websocket|sse|auto|start-first|true|false|g\d+|s|h|d|a|b)\b/g;

function check(shown: Iterable<string | undefined>): number {
  let count = 0;
  for (const text of shown) {
    if (text === undefined || text === '') continue;
    count++;
    let rest = text;
    for (let before = ''; before !== rest;) [before, rest] = [rest, rest.replace(/⟦[^⟦⟧]*⟧/g, '')];
    rest = rest
      .replace(/\]\(command:[^)]*\)/g, '')
      .replace(/````text[^]*?````/g, '')
      .replace(/\$\([\w~-]+\)/g, '')
      .replace(/\\([^\w\s])/g, '$1')
      .replace(data, '');
    assert.doesNotMatch(rest, /\p{L}{2}/u, `nobody can translate what stands outside of the brackets in: ${text}`);
  }
  return count;
}

const snapshots = [
  full,
  { ...full, paused: false, reloadOn: 'never' as const, state: 'failed' as const },
  { ...full, paused: false, reloadOn: 'manualSave' as const },
  snapshot({ state: 'stopping', reloads: [report()], lastReload: report() }),
];

test('the rows of the view, with their tooltips', () => {
  const all = (row: Row): Row[] => [row, ...row.children.flatMap(all)];
  const texts = snapshots.flatMap((one) =>
    all(serverRow('S', one, NOW)).flatMap((row) => [row.label, row.description, row.spoken, rowTooltip(row, one)]),
  );
  assert.ok(check(texts) > 100);
});

test('the status bar', () => {
  for (const one of snapshots) {
    const { text, tooltip, spoken } = statusOf([{ id: 'S', snapshot: one }])!;
    check([text, tooltip, spoken]);
  }
});

test('the history page', () => {
  const { subtitle, lanes, marks, columns, texts } = timelineOf(full, lives, true, NOW);
  check([subtitle, ...columns, ...Object.values(texts)]);
  check(lanes.flatMap(({ title, bars }) => [title, ...bars.flatMap((bar) => [bar.title, ...bar.facts.flat()])]));
  check(marks.flatMap(({ cells }) => cells));
});

test('the language status', () => {
  const reason = '';
  for (const verdict of ['reload', 'restart', 'partial', 'built', 'none'] as const) {
    const explanation = { file: 'src/web.ts', verdict, groups: ['web'], reason, chain: ['server.ts:3', 'src/web.ts'] };
    for (const needsRestart of [true, false]) {
      const { text, detail, spoken } = fileStatus([{ serverId: 'S', server: 'shop', explanation, needsRestart }])!;
      check([text, detail, spoken]);
    }
  }
});
