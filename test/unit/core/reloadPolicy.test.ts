import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counts } from '../../../src/core/reloadPolicy.ts';

const byHand = { kind: 'save', isManual: true } as const;
const autoSave = { kind: 'save', isManual: false } as const;
const elsewhere = { kind: 'change', isManual: false } as const;

/** Which of the four act: saved by hand, auto saved, changed elsewhere while an editor shows it, and while none does. */
const act = (policy: Parameters<typeof counts>[1]): boolean[] => [
  counts(byHand, policy, true),
  counts(autoSave, policy, true),
  counts(elsewhere, policy, true),
  counts(elsewhere, policy, false),
];

test('reloadOn says which changes act by themselves', () => {
  assert.deepEqual(act({ reloadOn: 'change', isPaused: false }), [true, true, true, true]);
  assert.deepEqual(act({ reloadOn: 'manualSave', isPaused: false }), [true, false, false, true]);
  assert.deepEqual(act({ reloadOn: 'never', isPaused: false }), [false, false, false, false]);
});

test('while paused none does', () => {
  for (const reloadOn of ['change', 'manualSave', 'never'] as const)
    assert.deepEqual(act({ reloadOn, isPaused: true }), [false, false, false, false]);
});
