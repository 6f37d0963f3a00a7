import assert from 'node:assert/strict';
import { it } from 'node:test';
import { transition, type WorkerState, type WorkerStep } from '../../../src/core/workerState.ts';

const states: WorkerState[] = [
  { kind: 'starting', readyBy: 5 },
  { kind: 'standby' },
  { kind: 'ready', since: 1 },
  { kind: 'unresponsive', since: 1, silentSince: 3, killed: false },
  { kind: 'unresponsive', since: 1, silentSince: 3, killed: true },
  { kind: 'draining', killAt: 9, reason: 'reload', killed: false },
  { kind: 'draining', killAt: 9, reason: 'reload', killed: true },
  { kind: 'ending' },
];
const steps: WorkerStep[] = [
  { to: 'standby' },
  { to: 'ready', now: 1 },
  { to: 'unresponsive', silentSince: 3 },
  { to: 'responsive' },
  { to: 'draining', killAt: 9, reason: 'stop' },
  { to: 'killed' },
  { to: 'renewed', until: 20 },
];

it('a worker goes one way, and steps that come too late do not count', () => {
  const table = states.map((state) => steps.map((step) => transition(state, step)?.kind ?? '-').join(' '));
  assert.deepEqual(table, [
    'standby ready - - - ending starting',
    '- ready - - - ending -',
    '- - unresponsive - draining ending -',
    '- - - ready draining unresponsive -',
    '- - - - draining - -',
    '- - - - - draining draining',
    '- - - - - - -',
    '- - - - - - -',
  ]);
});

it('a worker that is killed keeps why it was asked to go', () => {
  const killed = transition({ kind: 'draining', killAt: 9, reason: 'restart', killed: false }, { to: 'killed' });
  assert.deepEqual(killed, { kind: 'draining', killAt: 9, reason: 'restart', killed: true });
});
