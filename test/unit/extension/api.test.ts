import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Snapshot } from '../../../src/protocol/status.ts';
import { fake } from './fakeVscode.ts';
import { report, snapshot } from './snapshots.ts';

const { createApi } = await import('../../../src/extension/api.ts');
type Servers = Parameters<typeof createApi>[0];

test('other extensions are told of each reload once, and of no server that has not told its state', () => {
  const changes = new fake.EventEmitter<{ session: object; before: Snapshot | undefined }>();
  const session = {
    id: 'shop',
    entry: { name: 'shop', pid: 99 },
    snapshot: undefined as Snapshot | undefined,
  };
  const servers = {
    sessions: [session],
    onDidChange: new fake.EventEmitter<void>().event,
    onDidChangeSnapshot: changes.event,
  };
  const api = createApi(servers as unknown as Servers, []);
  const told: string[] = [];
  api.onDidReload(({ server, report: { id, result } }) => told.push(`${server.name} #${id} ${result}`));
  const tell = (next: Snapshot): void => {
    const before = session.snapshot;
    session.snapshot = next;
    changes.fire({ session, before });
  };

  assert.deepEqual(api.servers, []);
  // What came to its end before the window opened is no news.
  tell(snapshot({ lastReload: report({ id: 1 }) }));
  assert.deepEqual(
    api.servers.map(({ name, snapshot: { pid } }) => [name, pid]),
    [['shop', 99]],
  );
  tell(snapshot({ state: 'reloading', lastReload: report({ id: 1 }) }));
  tell(snapshot({ lastReload: report({ id: 2, result: 'rejected' }) }));
  tell(snapshot({ lastReload: report({ id: 2, result: 'rejected' }), paused: true }));
  tell(snapshot({ lastReload: report({ id: 3 }) }));
  assert.deepEqual(told, ['shop #2 rejected', 'shop #3 done']);
});
