/**
 * What a package can find to be another while it is loaded: globals, Node's own modules, how modules are loaded, the
 * current folder, the arguments. Compared by identity, property by property: what somebody patches is another object.
 */
import Module from 'node:module';

/** What any worker has loaded anyway. */
const FEW_BUILTINS = ['events', 'fs', 'http', 'net', 'stream'];
/** Whatever packages like to patch. */
const MANY_BUILTINS = [
  ...FEW_BUILTINS,
  ...['async_hooks', 'buffer', 'child_process', 'crypto', 'dgram', 'dns', 'fs/promises', 'https', 'os', 'path'],
  ...['perf_hooks', 'querystring', 'readline', 'timers', 'tls', 'tty', 'url', 'util', 'vm', 'worker_threads', 'zlib'],
];

/** State that says nothing of patches, or is looked at elsewhere. */
const PASSED_OVER = new Set([
  ...['argv', 'emitWarning', 'env', 'execArgv', 'exitCode', 'mainModule', 'send', 'title', '_events'].map(ofProcess),
  ...['_eventsCount', '_exiting', '_maxListeners', 'chdir', 'domain', 'stdin', 'stdout', 'stderr'].map(ofProcess),
  'Error.stackTraceLimit',
  // Of Node's own `fetch`.
  ...['1', '2'].map((version) => `globalThis.Symbol(undici.globalDispatcher.${version})`),
]);
/** Node loads its `fetch` as soon as somebody looks at them, which then is seen by packages that have one of their own. */
const LAZY = new Set([
  ...['CloseEvent', 'ErrorEvent', 'EventSource', 'FormData', 'Headers', 'MessageEvent', 'Request', 'Response'],
  'WebSocket',
]);

type Owner = Record<PropertyKey, unknown>;

interface Known {
  readonly name: string;
  readonly owner: Owner;
  readonly keys: ReadonlySet<PropertyKey>;
}

interface Value {
  readonly name: string;
  readonly owner: Owner;
  readonly key: PropertyKey;
  readonly value: unknown;
}

/** Node defines some globals by a getter that puts the value in its place when it is first asked. */
interface Getter {
  readonly name: string;
  readonly key: PropertyKey;
  readonly get: () => unknown;
}

export interface SurroundingsChange {
  readonly name: string;
  /** Nothing of that name was there. */
  readonly isNew: boolean;
}

export class Surroundings {
  private readonly objects = new Set<object>();
  private readonly owners: Known[] = [];
  private readonly values: Value[] = [];
  private readonly getters: Getter[] = [];
  private readonly others: ReadonlyMap<string, string>;
  private readonly hooks: () => number;

  /**
   * @param isThorough takes some milliseconds, and loads modules of Node that the program may do without
   * @param hooks counts how often hooks of the module loader were registered
   */
  constructor(isThorough: boolean, hooks: () => number) {
    this.hooks = hooks;
    this.addClass('Module', Module);
    this.add('Module._extensions', (Module as unknown as { _extensions: object })._extensions);
    const builtins = isThorough ? MANY_BUILTINS : FEW_BUILTINS;
    for (const name of builtins) this.addBuiltin(name, process.getBuiltinModule(`node:${name}`), isThorough);
    if (isThorough) this.addGlobals();
    else this.owners.push({ name: 'globalThis', owner: globalThis, keys: new Set(Reflect.ownKeys(globalThis)) });
    this.others = this.otherState();
  }

  /** What is another now. */
  changes(): SurroundingsChange[] {
    const found: SurroundingsChange[] = [];
    for (const { name, owner, key, value } of this.values)
      if (!Object.is(owner[key], value)) found.push({ name, isNew: false });
    for (const getter of this.getters) if (isReplaced(getter)) found.push({ name: getter.name, isNew: false });
    for (const { name, owner, keys } of this.owners) {
      const now = Reflect.ownKeys(owner);
      if (now.length === keys.size) continue;
      for (const key of now) {
        const full = nameOf(name, key);
        if (!keys.has(key) && !PASSED_OVER.has(full)) found.push({ name: full, isNew: true });
      }
    }
    const others = this.otherState();
    for (const [name, state] of this.others) if (others.get(name) !== state) found.push({ name, isNew: false });
    return found;
  }

  private otherState(): Map<string, string> {
    return new Map([
      ['the current folder', currentFolder()],
      ['the arguments', JSON.stringify([process.argv, process.execArgv])],
      ['the hooks of the module loader', String(this.hooks())],
    ]);
  }

  private addGlobals(): void {
    this.add('globalThis', globalThis);
    for (const [name, value] of dataOf(globalThis)) this.addClass(String(name), value);
    for (const name of ['JSON', 'Math', 'Reflect', 'console', 'process'] as const) this.add(name, globalThis[name]);
  }

  private addBuiltin(name: string, exports: unknown, isThorough: boolean): void {
    if (!isObject(exports)) return;
    this.add(name, exports);
    if (!isThorough) return;
    for (const [key, value] of dataOf(exports))
      if (typeof value === 'function') this.add(`${nameOf(name, key)}.prototype`, prototypeOf(value));
  }

  private addClass(name: string, value: unknown): void {
    if (typeof value !== 'function') return;
    this.add(name, value);
    this.add(`${name}.prototype`, prototypeOf(value));
  }

  private add(name: string, object: object | undefined): void {
    if (!object || this.objects.has(object)) return;
    this.objects.add(object);
    const owner = object as Owner;
    const keys = Reflect.ownKeys(owner);
    this.owners.push({ name, owner, keys: new Set(keys) });
    for (const key of keys) {
      const full = nameOf(name, key);
      if (object === globalThis && LAZY.has(String(key))) continue;
      const descriptor = Object.getOwnPropertyDescriptor(owner, key);
      if (!descriptor || PASSED_OVER.has(full)) continue;
      if ('value' in descriptor) this.values.push({ name: full, owner, key, value: descriptor.value as unknown });
      else if (object === globalThis && descriptor.get) this.getters.push({ name: full, key, get: descriptor.get });
    }
  }
}

function isReplaced({ key, get }: Getter): boolean {
  const now = Object.getOwnPropertyDescriptor(globalThis, key);
  if (now?.get === get) return false;
  if (!now || !('value' in now)) return true;
  const original = get.call(globalThis);
  // The getter may have put its own value in its place once more.
  Object.defineProperty(globalThis, key, now);
  return !Object.is(original, now.value);
}

function* dataOf(object: object): Generator<[PropertyKey, unknown]> {
  for (const key of Reflect.ownKeys(object)) {
    if (object === globalThis && LAZY.has(String(key))) continue;
    const descriptor = Object.getOwnPropertyDescriptor(object, key);
    if (descriptor && 'value' in descriptor) yield [key, descriptor.value];
  }
}

function prototypeOf(value: unknown): object | undefined {
  const prototype = Object.getOwnPropertyDescriptor(value, 'prototype')?.value as unknown;
  return isObject(prototype) ? prototype : undefined;
}

function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return '';
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'function' || (typeof value === 'object' && value !== null);

const nameOf = (owner: string, key: PropertyKey): string => `${owner}.${String(key)}`;

function ofProcess(key: string): string {
  return `process.${key}`;
}
