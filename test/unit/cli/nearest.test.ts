import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nearest } from '../../../src/cli/nearest.ts';

const options = [
  'workers',
  'drain-timeout',
  'boot-timeout',
  'env-file',
  'env-file-if-exists',
  'no-watch',
  'name',
  'node',
];

it('the option that was probably meant', () => {
  const table: [typed: string, meant: string | undefined][] = [
    ['worker', 'workers'],
    ['wrokers', 'workers'],
    ['drain-time', 'drain-timeout'],
    ['draintimeout', 'drain-timeout'],
    ['bot-timeout', 'boot-timeout'],
    ['envfile', 'env-file'],
    ['nowatch', 'no-watch'],
    ['nmae', 'name'],
    ['workers', 'workers'],
    ['frobnicate', undefined],
    ['', undefined],
  ];
  for (const [typed, meant] of table) assert.equal(nearest(typed, options), meant, typed);
  assert.equal(nearest('anything', []), undefined);
});
