import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onlyLoads } from '../../../src/detect/loaders.ts';

test('loaders are told from other code that runs before the program', () => {
  for (const flags of [
    [],
    ['--no-warnings'],
    ['--import', 'tsx'],
    ['--import=tsx/esm', '--require', 'ts-node/register'],
    ['--import=file:///app/node_modules/tsx/dist/loader.mjs'],
    ['--require', 'C:\\app\\node_modules\\@swc-node\\register\\index.js'],
  ])
    assert.equal(onlyLoads(flags), true, flags.join(' '));
  for (const flags of [
    ['--import', 'tsx', '--import', './telemetry.mjs'],
    ['-r', 'dd-trace/init'],
    ['--require', '/home/me/tsx/spy.cjs'],
    ['--import=tsx-extra'],
  ])
    assert.equal(onlyLoads(flags), false, flags.join(' '));
});
