/**
 * Activates the built extension once, in this process, and prints what it took. In place of the editor stands a `vscode`
 * whose parts answer at once and remember nothing: what is measured is our own work.
 */
import fs from 'node:fs';
import Module, { createRequire } from 'node:module';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

const root = join(import.meta.dirname, '..');

/** Can be called, made, read and awaited; whatever comes of it is the same. */
function anything(): unknown {
  const answer = function (): unknown {
    return anything();
  };
  const known: Record<string | symbol, unknown> = {
    then: undefined,
    [Symbol.toPrimitive]: () => '',
    dispose: () => undefined,
  };
  return new Proxy(answer, {
    get: (_target, name) => (name in known ? known[name] : anything()),
    construct: () => anything() as object,
    set: () => true,
  });
}

class EventEmitter {
  readonly event = () => ({ dispose: () => undefined });
  fire(): void {}
  dispose(): void {}
}
const overrides: Record<string, unknown> = {
  EventEmitter,
  // A trusted workspace: the most that activation ever has to do.
  workspace: new Proxy(anything() as object, {
    get: (target, name) => (name === 'isTrusted' ? true : (target as Record<string | symbol, unknown>)[name]),
  }),
  l10n: { bundle: undefined, t: (text: string) => text },
};
const parts = new Proxy(anything() as object, {
  get: (target, name) => overrides[name as string] ?? (target as Record<string | symbol, unknown>)[name],
});
// A bundle copies what a module has of its own, and inherits the rest.
const vscode = Object.create(parts) as unknown;

const loader = Module as unknown as { _load(request: string, ...rest: unknown[]): unknown };
const load = loader._load;
loader._load = (request, ...rest) => (request === 'vscode' ? vscode : load.call(Module, request, ...rest));

interface Extension {
  activate(context: unknown): unknown;
}
const started = performance.now();
const extension = createRequire(import.meta.url)(join(root, 'dist', 'extension.js')) as Extension;
const loaded = performance.now();

let fileCalls = 0;
const countIn = (target: Record<string, unknown>): void => {
  for (const [name, value] of Object.entries(target)) {
    if (typeof value !== 'function' || /^[A-Z_]/.test(name)) continue;
    target[name] = (...args: unknown[]): unknown => {
      fileCalls += 1;
      return (value as (...given: unknown[]) => unknown).apply(target, args);
    };
  }
};
countIn(fs);
countIn(fs.promises);
const context = {
  subscriptions: [],
  extensionPath: root,
  extensionUri: anything(),
  globalStorageUri: { fsPath: join(root, 'dist') },
  storageUri: undefined,
};
const before = performance.now();
extension.activate(context);
const activated = performance.now();
const filesBefore = fileCalls;
process.stdout.write(
  JSON.stringify({ loadMs: loaded - started, activateMs: activated - before, fileCalls: filesBefore }),
);
process.exit();
