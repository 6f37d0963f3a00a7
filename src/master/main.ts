/** The supervisor process: builds the parts of a server and runs it until it is stopped. */
import { basename, dirname, sep } from 'node:path';
import { readFileSync } from 'node:fs';
import { nearestManifest, readEnvironment } from './launch.ts';
import { Interrupts } from '../core/interrupts.ts';
import { Keys, KEYS_HINT } from './keys.ts';
import type { Logger } from './logger.ts';
import type { MasterParts } from './loop.ts';
import { Master } from './master.ts';
import { findNode } from './nodeVersion.ts';
import { isServerName } from '../protocol/bootstrap.ts';
import type { StartOptions } from '../protocol/startOptions.ts';
import { Output } from './output.ts';
import { register } from './registryEntry.ts';
import { Terminal } from './terminal.ts';

export type { StartOptions } from '../protocol/startOptions.ts';

/**
 * @param from what the one who starts it knows beside the options
 * @throws UserError when the server cannot be started as asked
 */
export async function start(
  options: StartOptions,
  from: Pick<MasterParts, 'task' | 'script' | 'readWords'>,
): Promise<number> {
  const node = await findNode(options.node);
  const name = options.name ?? nameOf(options.script, options.cwd);
  // One that is missing is told before anything is said to start.
  readEnvironment(options.envFiles, process.env);
  const registry = await register({ name, cwd: options.cwd, script: options.script });
  const errorOutput = new Output(process.stderr);
  const log: Logger = { error: (text) => errorOutput.line(`graceful-reload  ${text}`) };
  const output = new Output(process.stdout, ({ message }) =>
    log.error(
      `standard output cannot be written: ${message}. Lines are lost until it can; the last ones of the workers: graceful-reload logs`,
    ),
  );
  const hasColour = process.stdout.isTTY && (process.stdout.getColorDepth?.() ?? 1) > 1;
  const extraEnv = hasColour && process.env['FORCE_COLOR'] === undefined ? { FORCE_COLOR: '1' } : {};
  const terminal = new Terminal(output, hasColour, process.stdin.isTTY ? KEYS_HINT : '');
  const master = new Master({
    options,
    ...from,
    name,
    node,
    registry,
    output,
    errorOutput,
    terminal,
    log,
    extraEnv,
  });
  stopOnSignals(master, terminal);
  const keys = process.stdin.isTTY
    ? new Keys(process.stdin, master.keyActions(), (text) => terminal.note(text))
    : undefined;
  try {
    return await master.run();
  } finally {
    keys?.dispose();
    registry.remove();
  }
}

/**
 * Ctrl+C, Terminate Task and a closed terminal stop gracefully; a second Ctrl+C does not wait. The first one waits also
 * when somebody else has asked for the stop: who pressed once has not said that work under way may be lost.
 */
function stopOnSignals(master: Master, terminal: Terminal): void {
  const interrupts = new Interrupts(process.env['npm_lifecycle_event'] !== undefined);
  process.on('SIGINT', () => {
    const press = interrupts.press(performance.now());
    if (press === 'first' && master.isStopping) terminal.note('is stopping already; Ctrl+C again does not wait');
    if (press !== 'echo') master.requestStop(press === 'second');
  });
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => master.requestStop(false));
}

/** The name of the nearest package, else that of its folder, else that of the start folder. */
function nameOf(script: string, cwd: string): string {
  // The command line of a framework is run for the project that uses it.
  const isOfPackage = script.includes(`${sep}node_modules${sep}`);
  const manifest = nearestManifest(isOfPackage ? cwd : dirname(script));
  try {
    const { name } = JSON.parse(readFileSync(manifest ?? '', 'utf8')) as { name?: unknown };
    if (typeof name === 'string' && isServerName(name)) return name;
  } catch {
    // No package, or an unreadable one.
  }
  const folder = basename(manifest === undefined ? cwd : dirname(manifest));
  return isServerName(folder) ? folder : 'server';
}
