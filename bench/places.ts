/** Where things are: scripts/bench.mjs has installed and created them, and removes the folder afterwards. */
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const given = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: start the bench with npm run bench`);
  return value;
};
const app = (...path: string[]): string => join(import.meta.dirname, 'apps', ...path);

export const places = {
  root,
  cli: join(root, 'dist', 'cli.js'),
  /** Everything that the bench writes. */
  folder: given('BENCH_FOLDER'),
  /** `node_modules` of the tools, and of the apps. */
  peers: given('BENCH_PEERS'),
  appModules: given('BENCH_APPS'),
  wrk: given('BENCH_WRK'),
  clusterMaster: app('cluster', 'master.cjs'),
  /** What marks the phases of a reload, in the master and in the worker. */
  traceMaster: app('trace', 'master.cjs'),
  traceWorker: app('trace', 'worker.cjs'),
  /** Of which the app `modules` has many. */
  route: app('modules', 'route.cjs'),
  apps: {
    small: app('small', 'app.cjs'),
    express: app('express', 'app.cjs'),
    fastify: app('fastify', 'app.ts'),
    modules: app('modules', 'app.cjs'),
    heavy: app('heavy', 'app.cjs'),
    cases: app('cases', 'app.cjs'),
    /** That of the process tests, which the strict clients are made for. */
    strict: join(root, 'test', 'process', 'fixtures', 'strict', 'app.cjs'),
  },
};

export type AppName = keyof typeof places.apps;
