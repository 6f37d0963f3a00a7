import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutByRestart, editsKey, restartNotice } from '../../../src/extension/restart/restartText.ts';
import { configChange, group, snapshot, taskChange, worker } from './snapshots.ts';

const gateway = (connections: number) => group('gateway', [worker(1, { connections })], { reloadable: false });
const web = group('web', [worker(1, { connections: 9 })]);

test('a restart cuts what is connected to groups that do not reload', () => {
  assert.equal(cutByRestart(snapshot({ groups: [web, gateway(0)] })), undefined);
  assert.equal(cutByRestart(snapshot({ groups: [web, gateway(3)] })), '3 connections of gateway');
});

test('the notice says what changed, and what a restart would cut', () => {
  const one = snapshot({ needsRestart: [configChange], groups: [gateway(1)] });
  assert.equal(
    restartNotice(one),
    'src/config.ts has changed: shop runs on as it was started, until it is restarted. A restart cuts 1 connection of gateway.',
  );
  const gone = { ...configChange, digest: null };
  assert.match(restartNotice(snapshot({ needsRestart: [gone] })), /^src\/config\.ts was deleted: /);
  assert.match(restartNotice(snapshot({ needsRestart: [gone, configChange] })), /and 1 more file have changed: /);
});

test('what a setting says of a detected server is no edit of the file that it is shown at', () => {
  const options = [{ name: 'exclude', takes: 'restart' as const, line: null }];
  const change = { ...taskChange, file: 'package.json', options };
  assert.equal(
    restartNotice(snapshot({ needsRestart: [change] })),
    'Start options have changed (exclude): shop runs on as it was started, until it is restarted.',
  );
  assert.match(restartNotice(snapshot({ needsRestart: [taskChange] })), /^\.vscode\/tasks\.json has changed: /);
});

test('the key of the edits is their content, in any order', () => {
  const other = { ...configChange, file: 'a.ts' };
  assert.equal(editsKey([configChange, other]), editsKey([other, { ...configChange, since: 'later' }]));
  assert.notEqual(editsKey([configChange]), editsKey([{ ...configChange, digest: 'newer' }]));
});
