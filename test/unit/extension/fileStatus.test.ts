import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileStatus, type FileMeaning } from '../../../src/extension/views/fileStatus.ts';
import type { Explanation } from '../../../src/protocol/status.ts';

const meaning = (
  verdict: Explanation['verdict'],
  part: Partial<FileMeaning> = {},
  chain: string[] = [],
): FileMeaning => ({
  ...{ serverId: 'S', server: 'shop', needsRestart: false },
  explanation: {
    file: 'src/web.ts',
    verdict,
    groups: ['web', 'admin'],
    reason: `because it is ${verdict}.`,
    chain,
  },
  ...part,
});
const textOf = (...meanings: FileMeaning[]): string | undefined => fileStatus(meanings)?.text;

test('a file that no server has to do with has no status', () => {
  assert.equal(fileStatus([]), undefined);
});

test('what saving would do', () => {
  assert.equal(textOf(meaning('reload')), '$(sync) Saving reloads web, admin');
  assert.equal(textOf(meaning('restart')), '$(debug-restart) Saving needs a restart');
  assert.equal(textOf(meaning('partial')), '$(sync) Saving reloads web, admin, and needs a restart');
  assert.equal(textOf(meaning('none')), '$(circle-slash) Saving reloads nothing');
});

test('what a save waits for, while the server is paused or reloads only when asked to', () => {
  assert.equal(
    textOf(meaning('reload', { waitsFor: 'resume' })),
    '$(debug-pause) Saving reloads web, admin once resumed',
  );
  assert.equal(
    textOf(meaning('partial', { waitsFor: 'request' })),
    '$(watch) Saving reloads web, admin once asked to, and needs a restart',
  );
  assert.equal(textOf(meaning('none', { waitsFor: 'resume' })), '$(circle-slash) Saving reloads nothing');
});

test('a source tells the output that is built from it', () => {
  const status = fileStatus([meaning('built', {}, ['dist/main.js:4', 'dist/web.js'])]);
  assert.equal(status?.text, '$(sync) Saving reloads web, admin');
  assert.equal(status?.detail, 'through dist/web.js');
});

test('what differs already is a warning with the restart at hand', () => {
  const status = fileStatus([meaning('partial', { needsRestart: true }, ['server.ts:2', 'src/web.ts'])]);
  assert.deepEqual([status?.text, status?.isWarning, status?.restart], ['$(warning) Needs a restart', true, 'S']);
  assert.equal(status?.detail, 'through server.ts:2');
  assert.equal(status?.spoken, 'Needs a restart. because it is partial.');
});

test('of several servers those count that run it, each by its name', () => {
  const api = meaning('restart', { serverId: 'T', server: 'api' });
  const status = fileStatus([meaning('none'), api]);
  assert.equal(status?.text, '$(debug-restart) Saving needs a restart');
  assert.equal(status?.detail, 'api');
  assert.equal(
    fileStatus([meaning('reload'), api])?.text,
    '$(sync) Saving reloads web, admin; $(debug-restart) Saving needs a restart',
  );
});
