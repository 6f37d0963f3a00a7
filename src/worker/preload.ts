/**
 * `--require`d in front of the user's program. It hides itself, reports what the program loads, holds it at a gate before
 * its entry, gives it the listening handles and takes it through admission and drain. The same preload runs the bootstrap
 * script, whose export is then read (src/bootstrap).
 */
import Module from 'node:module';
import { join } from 'node:path';
import { getEnvironmentData, isInternalThread, isMainThread, setEnvironmentData } from 'node:worker_threads';
import type * as Bootstrap from '../bootstrap/host.ts';
import type { ClusterChildConfig } from '../protocol/clusterChild.ts';
import { CONFIG_VARIABLE, REPORT_FD, type PreloadConfig } from '../protocol/worker.ts';
import { ReportPipe } from '../tracking/reportPipe.ts';
import { track, trackReads } from '../tracking/track.ts';
import type { Report } from '../protocol/workerMessages.ts';
import { Channel } from './channel.ts';
import { compileFiles } from './compileFiles.ts';
import { runClusterChild } from './clusterChild.ts';
import { Connections } from './connections.ts';
import { Datagrams } from './datagrams.ts';
import { Dependencies } from './dependencies.ts';
import { Drain, endProgram } from './drain.ts';
import { installFigures } from './figures.ts';
import { installGate, type MainModule } from './gate.ts';
import { importAhead } from './imports.ts';
import { hideHooks } from './hideHooks.ts';
import { Inspector } from './inspector.ts';
import { canMoveConnections, type DatagramHandle } from './internals.ts';
import { Listeners } from './listeners.ts';
import { OwnCluster } from './ownCluster.ts';
import { Settling } from './settling.ts';
import { WarmUp } from './warmUp.ts';

const THREAD_KEY = 'graceful-reload';
/** What the threads of the process are told. */
interface ThreadData {
  readonly indexFile: string;
  readonly root: string | null;
  /** Shared: 1 once the program is ready. */
  readonly readyFlag: Uint8Array;
}
/** What a worker is told of itself; the workers that a bootstrap script declares are others. */
const OF_A_WORKER = /^GRACEFUL_RELOAD_(SERVER|GROUP|SLOT|GENERATION)$/;
const configText = process.env[CONFIG_VARIABLE];

if (isMainThread && configText !== undefined && process.send) {
  delete process.env[CONFIG_VARIABLE];
  const config = JSON.parse(configText) as PreloadConfig | ClusterChildConfig;
  if (config.role === 'cluster-child') runClusterChild(config);
  else runWorker(config);
} else if (!isMainThread) {
  trackThread();
}

function runWorker(config: PreloadConfig): void {
  process.execArgv.splice(0, config.ownExecArgv);
  const channel = new Channel({ keepSend: config.readyMessage, isOurs: true });
  const reports = new ReportPipe(REPORT_FD);
  const { indexFile, asyncLoader, root } = config;
  const readyFlag = new Uint8Array(new SharedArrayBuffer(1));
  const isReady = (): boolean => readyFlag[0] === 1;
  const runsProgram = config.role === 'worker' || config.role === 'probe';
  const seesModules = typeof Module.registerHooks === 'function' && !asyncLoader;
  const warmUp = new WarmUp(
    (server) => {
      listeners.passOver(server);
      connections.watch(server);
    },
    () => connections.forgetRequests(),
  );
  const dependencies = new Dependencies(
    channel,
    reports,
    runsProgram && seesModules && !keepsSymlinks(),
    () => warmUp.over,
  );
  dependencies.install();
  const report = (one: Report): void => {
    dependencies.onReport(one);
    dependencies.aside(() => reports.write(one));
    // The master has to know before the file system tells it of the change.
    if (one.r === 'write') reports.flush();
  };
  const tracking = track({ report, indexFile, asyncLoader, root, isReady, onResolved: dependencies.onResolved });
  setEnvironmentData(THREAD_KEY, { indexFile, root, readyFlag } satisfies ThreadData);
  reportUncaught(reports);

  /** The program is about to be ready; answers with the number of reports written so far. */
  const settle = (): number => {
    dependencies.settle();
    return reports.flush();
  };
  if (config.readyMessage) beforeReadyMessage(settle);

  const connections = new Connections();
  const ownCluster = new OwnCluster(channel, config);
  ownCluster.install();
  const settling = new Settling(() => channel.send({ t: 'settled' }));
  const listeners = new Listeners(
    channel,
    config.acceptsInMaster,
    (server) => connections.watch(server),
    (connection) => ownCluster.passOn(connection),
    settle,
    settling,
  );
  listeners.install();
  const datagrams = new Datagrams(channel, settle, settling);
  datagrams.install();
  const canMove = canMoveConnections();
  const drain = new Drain(channel, connections, listeners, canMove, endProgram);

  channel.on('handle', ({ key }, handle) => {
    if (handle && key.startsWith('udp|')) datagrams.give(key, handle as unknown as DatagramHandle);
    else if (handle) listeners.give(key, handle);
  });
  channel.on('accepted', ({ key, address }) => listeners.giveAddress(key, address));
  channel.on('forget', ({ key }) => {
    listeners.forget(key);
    datagrams.forget(key);
  });
  channel.on('admit', () => {
    readyFlag[0] = 1;
    tracking.onReady();
    listeners.admit();
    datagrams.admit();
  });
  channel.on('drain', ({ deadlineMs }) => {
    datagrams.stopReceiving();
    if (listeners.servers().length === 0 && !datagrams.isBound) endProgram();
    else if (ownCluster.isRunning) {
      drain.start(deadlineMs, false);
      ownCluster.drain(deadlineMs, (children) => drain.mayFinish(children));
    } else drain.start(deadlineMs);
  });
  channel.on('connection', ({ id, key, remainingMs }, handle) => {
    if (!handle) return;
    const socket = listeners.adopt(key, handle);
    if (!socket && ownCluster.adopt(id, key, remainingMs, handle)) return;
    if (!socket) handle.close();
    else if (remainingMs !== null) connections.keepFor(socket, remainingMs);
    channel.send({ t: 'adopted', id, isAdopted: socket !== undefined });
  });
  installFigures(channel, connections);
  channel.on('warm-up', (what) => warmUp.start(what));
  channel.on('turns', () => channel.send({ t: 'turned' }));
  const inspector = new Inspector(channel, reports);
  const tellEvaluated = (): void => listeners.whenSettled(() => channel.send({ t: 'evaluated', reports: settle() }));

  installGate({
    onBooted: async () => {
      const release = channel.hold();
      if (config.role === 'worker') await importAhead();
      dependencies.onBooted();
      await new Promise<void>((go) => {
        channel.on('go', ({ env }) => void warmUp.stop().then(() => dependencies.onGo(env).then(go)));
        channel.send({
          t: 'booted',
          reports: reports.flush(),
          fallback: canMove ? null : 'connection-close',
          inspector: inspector.foreign,
        });
      });
      release();
      inspector.beforeEntry();
    },
    onEvaluated: (main) => {
      if (config.role === 'check') void compileFiles(config.check ?? []).then(() => process.exit(0));
      else if (config.role === 'worker') tellEvaluated();
      else void declare(config, channel, reports, main, listeners.servers().length > 0, tellEvaluated);
    },
  });
}

/** A package of the workspace, which people edit, then looks like one that was installed. */
function keepsSymlinks(): boolean {
  const flags = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  return flags.includes('--preserve-symlinks') || process.env['NODE_PRESERVE_SYMLINKS'] === '1';
}

function beforeReadyMessage(act: () => void): void {
  const send = process.send as (...args: unknown[]) => boolean;
  process.send = (...args: unknown[]): boolean => {
    if (args[0] === 'ready') act();
    return send.apply(process, args);
  };
}

/** A bootstrap script's process tells what it declares and ends; an ordinary program goes on as the first worker. */
async function declare(
  config: PreloadConfig,
  channel: Channel,
  reports: ReportPipe,
  main: MainModule,
  listens: boolean,
  goOn: () => void,
): Promise<void> {
  const release = channel.hold();
  const host = require(join(__dirname, 'bootstrap.js')) as typeof Bootstrap;
  const declaration = await host.readDefinition(main.path, main.url, listens);
  if (!declaration && config.role === 'probe') {
    goOn();
    release();
    return;
  }
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      (item): item is [string, string] => item[1] !== undefined && !OF_A_WORKER.test(item[0]),
    ),
  );
  const message = {
    t: 'declared',
    definition: declaration?.definition,
    env,
    cwd: process.cwd(),
    reports: reports.flush(),
  } as const;
  channel.send(message, undefined, () => process.exit(0));
}

function reportUncaught(reports: ReportPipe): void {
  process.on('uncaughtExceptionMonitor', (error: unknown) => {
    hideHooks(error);
    const { message, stack, code }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error));
    reports.write({ r: 'error', message, stack: stack ?? null, code: code ?? null });
    reports.flush();
  });
}

/** Worker threads inherit `--require`: what they load belongs to the process. */
function trackThread(): void {
  const data = getEnvironmentData(THREAD_KEY) as ThreadData | undefined;
  if (!data) return;
  const { indexFile, root, readyFlag } = data;
  const reports = new ReportPipe(REPORT_FD);
  const report = (text: Report): void => {
    reports.write({ ...text, thread: true });
    reports.flush();
  };
  const isReady = (): boolean => readyFlag[0] === 1;
  // Node's thread for the hooks of loaders, where it is given preloads at all: hooks of ours break it (22.22.3 to 22.x).
  if (isInternalThread) trackReads({ report, root, isReady, isModule: () => false });
  else track({ report, indexFile, asyncLoader: false, root, isReady });
}
