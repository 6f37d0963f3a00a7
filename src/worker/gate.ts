/** The gate before the entry: the process boots, waits for the master's word, runs the program natively and tells when it is evaluated. */
import diagnosticsChannel from 'node:diagnostics_channel';
import { moduleWithRunMain, type RunMain } from './internals.ts';

export interface Gate {
  /** Called when the process stands before the entry. The entry runs once the promise is fulfilled. */
  readonly onBooted: () => Promise<void>;
  /** Called once the main module has been evaluated, top-level await included. Not called when it throws. */
  readonly onEvaluated: (main: MainModule) => void;
}

export interface MainModule {
  readonly path: string;
  /** The URL that Node imported; undefined for CommonJS. */
  readonly url: string | undefined;
}

export function installGate(gate: Gate): void {
  const runMain = moduleWithRunMain.runMain;
  moduleWithRunMain.runMain = function (this: unknown, ...args: unknown[]): void {
    void gate.onBooted().then(() => {
      // Out of the promise: what the program throws is a plain uncaught error.
      setImmediate(() => runAndTell(runMain, this, args, gate.onEvaluated));
    });
  };
}

interface ImportEvent {
  readonly parentURL?: string;
  readonly url: string | URL;
  readonly error?: unknown;
}

/**
 * CommonJS is evaluated when `runMain` returns. An ES module goes on asynchronously: Node imports it without a parent, and
 * tells the end through its documented diagnostics channel (seen alike in 22.15, 22.23, 24.10, 24.21, 26.10). Importing
 * the entry again would tell as well, but some loaders would then evaluate it a second time.
 */
function runAndTell(runMain: RunMain, self: unknown, args: unknown[], onEvaluated: Gate['onEvaluated']): void {
  const path = String(args[0] ?? process.argv[1]);
  let importing = false;
  const onStart = (): void => {
    importing = true;
  };
  const onEnd = (message: unknown): void => {
    const event = message as ImportEvent;
    if (event.parentURL !== undefined) return;
    diagnosticsChannel.unsubscribe('tracing:module.import:asyncEnd', onEnd);
    if (event.error === undefined) onEvaluated({ path, url: String(event.url) });
  };
  diagnosticsChannel.subscribe('tracing:module.import:start', onStart);
  diagnosticsChannel.subscribe('tracing:module.import:asyncEnd', onEnd);
  try {
    runMain.apply(self, args);
  } finally {
    diagnosticsChannel.unsubscribe('tracing:module.import:start', onStart);
    if (!importing) diagnosticsChannel.unsubscribe('tracing:module.import:asyncEnd', onEnd);
  }
  if (!importing) onEvaluated({ path, url: undefined });
}
