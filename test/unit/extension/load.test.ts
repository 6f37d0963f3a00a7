/**
 * No flicker: with 64 workers and 20 changes a second the view is refreshed at most ten times a second, only where rows
 * changed, and the status bar is written only when it says something else.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Snapshot } from '../../../src/protocol/status.ts';
import { fake, treeView, writes } from './fakeVscode.ts';
import { group, NOW, snapshot, worker } from './snapshots.ts';

const { ServersView } = await import('../../../src/extension/views/serversView.ts');
const { StatusBar } = await import('../../../src/extension/views/statusBar.ts');
type Parts = ConstructorParameters<typeof ServersView>;

const SLOTS = 64;
const CHANGES = 20;
const SECONDS = 10;

/** All 64 workers are replaced, one with every change: the old one leaves, the new one is ready, figures move all the time. */
function busy(step: number): Snapshot {
  const workers = Array.from({ length: SLOTS }, (_, index) => {
    const generation = 1 + Math.floor((step + SLOTS - 1 - index) / SLOTS);
    return worker(index + 1, {
      generation,
      pid: 100 * generation + index,
      requests: step * 10 + index,
      cpu: (step % 7) / 10,
      connections: 3,
      rss: 48 * 1_048_576,
      startedAt: new Date(NOW - 60_000).toISOString(),
    });
  });
  return snapshot({ state: 'reloading', groups: [group('web', workers)] });
}

test('the view and the status bar stay calm under load', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: NOW });
  writes.clear();
  let current = busy(0);
  const changes = new fake.EventEmitter<void>();
  const came = new fake.EventEmitter<void>();
  const asked: boolean[] = [];
  const session = {
    id: 'shop',
    entry: { cwd: '/home/me/shop' },
    get snapshot() {
      return current;
    },
    showFigures: (isOn: boolean) => asked.push(isOn),
  };
  const servers = { sessions: [session], session: () => session, problem: undefined, onDidChange: came.event };
  const shown = {
    onDidChange: changes.event,
    get list() {
      return [{ session, snapshot: current }];
    },
  };
  const view = new ServersView(
    servers as unknown as Parts[0],
    shown as unknown as Parts[1],
    { current: [] } as unknown as Parts[2],
  );
  const statusBar = new StatusBar();
  const refreshes: number[] = [];
  view.onDidChangeTreeData((nodes) => refreshes.push(nodes?.length ?? Infinity));
  t.after(() => {
    view.dispose();
    statusBar.dispose();
  });

  came.fire();
  changes.fire();
  t.mock.timers.tick(1000);
  assert.deepEqual(refreshes, [Infinity], 'the server came: one look at everything');
  assert.deepEqual(asked, [true], 'figures, while the view is visible');
  refreshes.length = 0;
  for (let step = 1; step <= CHANGES * SECONDS; step++) {
    current = busy(step);
    changes.fire();
    statusBar.show([{ id: session.id, snapshot: current }]);
    t.mock.timers.tick(1000 / CHANGES);
  }
  assert.ok(refreshes.length <= 10 * SECONDS, `${refreshes.length} refreshes`);
  const most = Math.max(...refreshes);
  assert.ok(most <= 4, `${most} rows at once`);
  assert.deepEqual(Object.fromEntries([...writes].filter(([name]) => name.startsWith('status.'))), {
    'status.name': 1,
    'status.command': 1,
    'status.text': 1,
    'status.backgroundColor': 1,
    'status.accessibilityInformation': 1,
    'status.tooltip': 1,
  });
  const { 'view.badge': badges = 0, 'view.message': messages = 0 } = Object.fromEntries(writes);
  assert.deepEqual([badges, messages], [0, 0], 'what is the same is not written again');

  refreshes.length = 0;
  treeView.visible = false;
  for (let step = 1; step <= CHANGES; step++) {
    current = busy(step);
    changes.fire();
    t.mock.timers.tick(1000 / CHANGES);
  }
  assert.deepEqual(refreshes, [], 'nothing is drawn where nobody looks');
  treeView.visible = true;
});
