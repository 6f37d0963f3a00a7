import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findNode, isSupported, mixesLoadersBadly, stripsTypes } from '../../../src/master/nodeVersion.ts';

/** Version, whether it is supported, whether an async loader breaks beside our hooks, whether it runs TypeScript. */
const table: [version: string, supported: boolean, mixesBadly: boolean, strips: boolean][] = [
  ['18.20.8', false, true, false],
  ['20.19.0', false, true, false],
  ['22.14.0', false, true, false],
  ['22.15.0', true, true, false],
  ['22.17.1', true, true, false],
  ['22.18.0', true, true, true],
  ['22.22.2', true, true, true],
  ['22.22.3', true, false, true],
  ['22.23.0', true, false, true],
  ['23.0.0', false, true, false],
  ['23.4.0', false, true, false],
  ['23.5.0', true, true, false],
  ['23.6.0', true, true, true],
  ['23.11.1', true, true, true],
  ['24.0.0', true, true, true],
  ['24.10.0', true, true, true],
  ['24.11.0', true, true, true],
  ['24.11.1', true, false, true],
  ['24.21.0', true, false, true],
  ['25.0.0', true, false, true],
  ['26.1.0-nightly20260401', true, false, true],
  ['100.0.0', true, false, true],
];

describe('Node', () => {
  for (const [version, supported, mixesBadly, strips] of table) {
    it(version, () => {
      assert.equal(isSupported(version), supported, 'supported');
      assert.equal(mixesLoadersBadly(version), mixesBadly, 'mixes loaders badly');
      assert.equal(stripsTypes(version), strips, 'strips types');
    });
  }

  it('is the one that runs the master, unless another is asked for', async () => {
    assert.deepEqual(await findNode(undefined), { path: process.execPath, version: process.versions.node });
    assert.deepEqual(await findNode(process.execPath), { path: process.execPath, version: process.versions.node });
  });

  it('is a usage error when there is none', async () => {
    await assert.rejects(findNode('/nowhere/node'), {
      name: 'UserError',
      code: 'usage',
      message: /^\/nowhere\/node cannot be run as Node/,
    });
  });
});
