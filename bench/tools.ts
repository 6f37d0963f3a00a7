/** The tools that are compared: how each is started, and what a save needs beside the write. */
import { join } from 'node:path';
import { places } from './places.ts';

export interface Tool {
  readonly id: string;
  readonly name: string;
  /** Runs in the folder of the app until it is ended. */
  command(file: string, workers: number): readonly string[];
  /** Those that do not watch by themselves are told; over when the reload is. */
  readonly afterSave?: readonly string[];
  /** Takes so long for each save that fewer have to do. */
  readonly mostSaves?: number;
  /** Has as many workers as asked for; the others have one process. */
  readonly hasWorkers?: true;
}

const node = process.execPath;
const peer = (...path: string[]): string => join(places.peers, ...path);
const pm2 = peer('pm2', 'bin', 'pm2');
const bun = peer('bun', 'bin', 'bun.exe');
/** Of those that would look for another program to run TypeScript with. */
const withNode = (file: string, option: string): string[] => (file.endsWith('.ts') ? [option, 'node'] : []);
const pm2Start = (file: string): string[] => [
  ...[node, pm2, 'start', file, '--no-daemon', '--name', 'app'],
  ...withNode(file, '--interpreter'),
];

export const tools = {
  ours: {
    id: 'ours',
    name: 'Graceful Reload',
    command: (file, workers) => [node, places.cli, 'start', '--workers', String(workers), file],
    hasWorkers: true,
  },
  oursWithout: {
    id: 'ours-without',
    name: 'same, without spares',
    command: (file, workers) => [node, places.cli, 'start', '--workers', String(workers), '--spares', '0', file],
    hasWorkers: true,
  },
  plain: { id: 'plain', name: '`node app.js`', command: (file) => [node, file] },
  nodeWatch: { id: 'node-watch', name: '`node --watch`', command: (file) => [node, '--watch', file] },
  nodemon: {
    id: 'nodemon',
    name: 'nodemon',
    command: (file) => [node, peer('nodemon', 'bin', 'nodemon.js'), '--quiet', ...withNode(file, '--exec'), file],
  },
  tsx: { id: 'tsx', name: '`tsx watch`', command: (file) => [node, peer('tsx', 'dist', 'cli.mjs'), 'watch', file] },
  pm2Reload: {
    id: 'pm2-reload',
    name: '`pm2 reload`',
    command: (file, workers) => [...pm2Start(file), '-i', String(workers)],
    afterSave: [node, pm2, 'reload', 'app'],
    // A request that it loses is waited for.
    mostSaves: 10,
    hasWorkers: true,
  },
  pm2Watch: {
    id: 'pm2-watch',
    name: '`pm2 --watch`',
    command: (file) => [...pm2Start(file), '--watch'],
  },
  cluster: {
    id: 'cluster',
    name: 'node:cluster, `disconnect()`',
    command: (file, workers) => [node, places.clusterMaster, file, String(workers)],
    hasWorkers: true,
  },
  bunWatch: { id: 'bun-watch', name: '`bun --watch`', command: (file) => [bun, '--watch', '--no-clear-screen', file] },
  bunHot: { id: 'bun-hot', name: '`bun --hot`', command: (file) => [bun, '--hot', '--no-clear-screen', file] },
} as const satisfies Record<string, Tool>;
