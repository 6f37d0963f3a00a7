/** Live figures of the workers: only while somebody looks at them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Snapshot } from '../../src/protocol/status.ts';
import { Project } from './harness/project.ts';

const requestsIn = ({ groups }: Snapshot): number =>
  groups.flatMap(({ workers }) => workers).reduce((sum, { requests }) => sum + requests, 0);

test('figures flow while a subscriber wants them, and no longer', async (t) => {
  const project = Project.of('cjs', t);
  const server = await project.ready(['--workers', '2', 'app.cjs']);
  await server.control.request('subscribe', { figures: false });
  await server.control.request('reload', {});
  for (let n = 0; n < 5; n++) await server.ask();
  // Something that happens is told with all that is known.
  await server.control.request('reload', { group: 'main', slot: 2 });
  await server.settled();
  assert.equal(requestsIn(server.snapshot), 0);
  await server.control.request('subscribe', { figures: true });
  for (let n = 0; n < 5; n++) await server.ask();
  await server.snapshotWith((snapshot) => requestsIn(snapshot) >= 5, 'the requests in the figures');
});
