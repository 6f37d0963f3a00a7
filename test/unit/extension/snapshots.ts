/** Snapshots for the tests of what is shown: a running server with one group, and parts that replace its own. */
import type { GroupStatus, ReloadReport, Snapshot, WorkerStatus } from '../../../src/protocol/status.ts';

export const NOW = Date.parse('2026-05-04T12:00:30.000Z');
export const T0 = '2026-05-04T12:00:00.000Z';

export function worker(slot: number, part: Partial<WorkerStatus> = {}): WorkerStatus {
  return {
    slot,
    pid: 100 + slot,
    state: 'ready',
    generation: 1,
    startedAt: T0,
    crashes: 0,
    nextTryAt: null,
    killAt: null,
    unresponsiveSince: null,
    requests: 0,
    inFlight: 0,
    connections: 0,
    rss: 0,
    cpu: 0,
    eventLoopLagMs: 0,
    inspectPort: null,
    debugger: null,
    fallback: null,
    ...part,
  };
}

export function group(name: string, workers: WorkerStatus[], part: Partial<GroupStatus> = {}): GroupStatus {
  return {
    name,
    entry: `src/${name}.ts`,
    generation: 1,
    reloadable: true,
    order: 'start-first',
    wanted: new Set(workers.map(({ slot }) => slot)).size,
    spares: 1,
    loadedAhead: 0,
    addresses: [],
    workers,
    ...part,
  };
}

export function report(part: Partial<ReloadReport> = {}): ReloadReport {
  return {
    id: 1,
    result: 'done',
    trigger: { kind: 'save', files: ['src/web.ts'] },
    generation: 2,
    groups: ['web'],
    startedAt: T0,
    firstReadyMs: 41,
    durationMs: 430,
    phases: [],
    replaced: 2,
    movedConnections: 0,
    closedConnections: { tls: 0, http2: 0, websocket: 0, sse: 0, tcp: 0 },
    forcedConnections: 0,
    forcedKills: 0,
    error: null,
    ...part,
  };
}

export function snapshot(part: Partial<Snapshot> = {}): Snapshot {
  return {
    version: 1,
    name: 'shop',
    pid: 99,
    kind: 'node',
    state: 'running',
    generation: 1,
    startedAt: T0,
    cwd: '/home/me/shop',
    script: 'server.ts',
    task: null,
    bootstrap: true,
    paused: false,
    reloadOn: 'change',
    addresses: [{ protocol: 'tcp', host: '::', port: 3000 }],
    groups: [group('web', [worker(1), worker(2)])],
    needsRestart: [],
    pendingReload: [],
    flapping: [],
    builds: [],
    lastReload: null,
    reloads: [],
    error: null,
    ...part,
  };
}

export const configChange = {
  file: 'src/config.ts',
  reason: 'bootstrap-import' as const,
  since: T0,
  chain: ['server.ts:3', 'src/config.ts'],
  groups: [],
  digest: 'new',
  changed: [{ from: 2, to: 3 }],
  options: [],
};

/** Of the task that started the server. */
export const taskChange = {
  ...configChange,
  file: '.vscode/tasks.json',
  reason: 'options' as const,
  chain: ['.vscode/tasks.json'],
  changed: null,
  options: [
    { name: 'node', takes: 'start' as const, line: 12 },
    { name: 'workers', takes: 'restart' as const, line: 8 },
    { name: 'args', takes: 'restart' as const, line: 8 },
    { name: 'env', takes: 'restart' as const, line: null },
  ],
};

export const syntaxError = {
  code: 'rejected',
  message: 'SyntaxError: Unexpected token',
  file: 'src/web.ts',
  line: 12,
  column: 9,
  stack: null,
};
