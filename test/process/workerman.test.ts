/**
 * The three cases of Workerman's manual (faq/reload-principle) of what a reload picks up, as they are here: the same
 * answers, except that a save which changes nothing by itself says so, and that one restart without downtime mends it.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Explanation } from '../../src/protocol/status.ts';
import { Project } from './harness/project.ts';
import type { Server } from './harness/server.ts';

type Part = 'inline' | 'required' | 'loaded';

interface Running {
  readonly project: Project;
  readonly server: Server;
  /** What both workers answer with. */
  readonly says: (part: Part) => Promise<unknown>;
  readonly verdict: (file: string) => Promise<Explanation['verdict']>;
}

async function running(t: TestContext): Promise<Running> {
  const project = Project.of('reload-principle', t);
  const server = await project.ready(['start.cjs']);
  return {
    project,
    server,
    says: async (part) => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => server.ask()));
      const texts = new Set(answers.map(({ body }) => body[part]));
      assert.equal(texts.size, 1, `the workers differ: ${[...texts].join(', ')}`);
      return [...texts][0];
    },
    verdict: async (file) => (await server.control.request('explain', { file: project.path(file) })).verdict,
  };
}

test('inline code in the start script: a reload does not update it; the edit is flagged, a restart updates it', async (t) => {
  const { project, server, says, verdict } = await running(t);
  assert.equal(await verdict('start.cjs'), 'restart');
  project.replace('start.cjs', 'inline one', 'inline two');
  await notUpdatedByAReload(server, 'start.cjs', ['start.cjs']);
  assert.equal(await says('inline'), 'inline one');
  await updatedByARestart(server);
  assert.equal(await says('inline'), 'inline two');
});

test('required at the top level of the start script: a reload does not update it; the edit is flagged with the way to it, a restart updates it', async (t) => {
  const { project, server, says, verdict } = await running(t);
  assert.equal(await verdict('required.cjs'), 'restart');
  project.replace('required.cjs', 'one', 'two');
  await notUpdatedByAReload(server, 'required.cjs', ['start.cjs:1', 'required.cjs']);
  assert.equal(await says('required'), 'required one');
  await updatedByARestart(server);
  assert.equal(await says('required'), 'required two');
});

test('loaded when the worker starts: saving it reloads, and that updates it', async (t) => {
  const { project, server, says, verdict } = await running(t);
  assert.equal(await verdict('loaded.cjs'), 'reload');
  const report = await server.reloadBy(() => project.replace('loaded.cjs', 'one', 'two'));
  assert.deepEqual([report.result, report.replaced], ['done', 2]);
  assert.equal(await says('loaded'), 'loaded two');
  assert.deepEqual(server.snapshot.needsRestart, []);
});

/** Saving alone touches no worker; even a reload that is asked for, which replaces them all, leaves the flag where it is. */
async function notUpdatedByAReload(server: Server, file: string, chain: readonly string[]): Promise<void> {
  const before = server.pids('web');
  const isFlagged = ({ needsRestart }: Server['snapshot']): boolean =>
    needsRestart.length === 1 && needsRestart[0]!.file === file && needsRestart[0]!.chain.length === chain.length;
  const { needsRestart } = await server.snapshotWith(isFlagged, `the flag of ${file}`);
  assert.deepEqual(needsRestart[0]?.chain, chain);
  assert.deepEqual(server.pids('web'), before);
  assert.equal((await server.control.request('reload', {})).replaced, 2);
  await server.snapshotWith(({ lastReload }) => lastReload?.result === 'done', 'the end of the reload');
  assert.ok(isFlagged(server.snapshot));
}

async function updatedByARestart(server: Server): Promise<void> {
  const { result, replaced } = await server.control.request('restart', {});
  assert.deepEqual([result, replaced], ['done', 2]);
  await server.snapshotWith(({ needsRestart }) => needsRestart.length === 0, 'no flag');
}
