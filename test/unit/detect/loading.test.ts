/** Which loader a TypeScript entry gets when no flag names one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadingOf } from '../../../src/detect/loading.ts';
import { folderOf } from './folderOf.ts';

interface Row {
  readonly name: string;
  readonly manifest: object;
  readonly files?: Readonly<Record<string, string>>;
  readonly entry?: string;
  /** As on the command line; undefined where Node itself takes the types away. */
  readonly is: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

const METADATA = { 'tsconfig.json': '{ "compilerOptions": { "emitDecoratorMetadata": true } } // as Nest has it' };

const rows: readonly Row[] = [
  { name: 'nothing installed', manifest: {}, is: undefined },
  { name: 'tsx installed', manifest: { devDependencies: { tsx: '4' } }, is: '--import tsx' },
  {
    name: 'the script uses another one',
    manifest: { scripts: { dev: 'ts-node server.ts' }, devDependencies: { tsx: '4', 'ts-node': '10' } },
    is: '-r ts-node/register',
  },
  {
    name: 'the script uses swc-node',
    manifest: { scripts: { start: 'node -r @swc-node/register server.ts' }, devDependencies: { tsx: '4' } },
    is: '-r @swc-node/register',
  },
  {
    name: 'the script leaves it to Node',
    manifest: { scripts: { dev: 'node --watch server.ts' }, devDependencies: { tsx: '4' } },
    is: undefined,
  },
  {
    name: 'what the script says to the loader',
    manifest: { scripts: { dev: 'cross-env TS_NODE_TRANSPILE_ONLY=1 PORT=1 ts-node server.ts' } },
    is: '-r ts-node/register',
    env: { TS_NODE_TRANSPILE_ONLY: '1' },
  },
  {
    name: 'decorators that need types',
    manifest: { devDependencies: { tsx: '4', '@swc-node/register': '1' } },
    files: METADATA,
    is: '--require @swc-node/register',
  },
  {
    name: 'decorators that need types, in ES modules',
    manifest: { type: 'module', devDependencies: { '@swc-node/register': '1' } },
    files: METADATA,
    is: '--import @swc-node/register/esm-register',
  },
  {
    name: 'decorators that need types, inherited',
    manifest: { devDependencies: { 'ts-node': '10' } },
    files: {
      'tsconfig.json': '{ "extends": "./base" }',
      'base.json': '{ "compilerOptions": { "emitDecoratorMetadata": true, }, }',
    },
    is: '--require ts-node/register',
  },
  {
    name: 'a package of a workspace takes what the root has',
    manifest: { devDependencies: { tsx: '4' } },
    files: { 'apps/web/package.json': '{}', 'apps/web/server.ts': '' },
    entry: '/project/apps/web/server.ts',
    is: '--import tsx',
  },
];

for (const { name, manifest, files = {}, entry = '/project/server.ts', is, env = {} } of rows)
  test(name, () => {
    const all = { 'package.json': JSON.stringify(manifest), 'server.ts': '', ...files };
    const folder = folderOf(Object.fromEntries(Object.entries(all).map(([path, text]) => [`/project/${path}`, text])));
    const loading = loadingOf(folder, entry);
    const flags = loading?.preloads.map(({ flag, specifier }) => `${flag} ${specifier}`).join(' ');
    assert.equal(flags, is);
    if (loading) assert.deepEqual(loading.env, env);
  });
