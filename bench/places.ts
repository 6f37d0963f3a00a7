/** Where things are: scripts/bench.mjs has installed and created them, and removes the folder afterwards. */
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const given = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: start the bench with npm run bench`);
  return value;
};

export const places = {
  root,
  cli: join(root, 'dist', 'cli.js'),
  /** Everything that the bench writes. */
  folder: given('BENCH_FOLDER'),
  /** `node_modules` of the tools, and of the apps. */
  peers: given('BENCH_PEERS'),
  appModules: given('BENCH_APPS'),
  wrk: given('BENCH_WRK'),
  clusterMaster: join(import.meta.dirname, 'apps', 'cluster', 'master.cjs'),
  /** Of which the app `modules` has many. */
  route: join(import.meta.dirname, 'apps', 'modules', 'route.cjs'),
  apps: {
    small: join(import.meta.dirname, 'apps', 'small', 'app.cjs'),
    cases: join(import.meta.dirname, 'apps', 'cases', 'app.cjs'),
    modules: join(import.meta.dirname, 'apps', 'modules', 'app.cjs'),
    heavy: join(import.meta.dirname, 'apps', 'heavy', 'app.cjs'),
    /** That of the process tests, which the strict clients are made for. */
    strict: join(root, 'test', 'process', 'fixtures', 'strict', 'app.cjs'),
  },
};

export type AppName = keyof typeof places.apps;
