/**
 * Watches what a package does while it is loaded ahead of the program that asks for it. What depends on when it happens
 * makes that the package cannot be loaded ahead; which variables it reads is remembered, to be compared later.
 */
import { createHook } from 'node:async_hooks';

/** What lives on after the load, but neither keeps the process alive nor runs later than it would have. */
const HARMLESS = /^(?:PROMISE|TickObject|Microtask|FSREQCALLBACK|FSREQPROMISE|FILEHANDLE|FILEHANDLECLOSEREQ|ZLIB)$/;
const STREAMS = ['stdout', 'stderr'] as const;

/** What `debug` looks for, which most packages load: the names of the variables that are its own. */
const DEBUG_NAMES = 'debug_*';
const IN_DEBUG = /[\\/]node_modules[\\/]debug[\\/]src[\\/]/;
/** Before a name: only whether there is such a variable. */
const PRESENT = '?';

const isOfDebug = (name: string): boolean => /^debug_/i.test(name);

/** The value of a variable, whether there is one, or the names of those of `debug`. */
export function valueIn(env: NodeJS.ProcessEnv, name: string): string | undefined {
  if (name === DEBUG_NAMES) return Object.keys(env).filter(isOfDebug).sort().join();
  return name.startsWith(PRESENT) ? String(name.slice(PRESENT.length) in env) : env[name];
}

/** Whether a variable that was read is among those with these names. */
export function isAmong(name: string, names: readonly string[]): boolean {
  if (name === DEBUG_NAMES) return names.some(isOfDebug);
  return names.includes(name.startsWith(PRESENT) ? name.slice(PRESENT.length) : name);
}

export interface Seen {
  /** The variables that it read, with what it got (`valueIn`). */
  readonly read: Map<string, string | undefined>;
  /** Why it must not be loaded ahead. */
  why: string | undefined;
}

export class LoadWatch {
  private seen: Seen | undefined;
  private readonly remove: (() => void)[] = [];

  install(): void {
    this.watchEnvironment();
    for (const name of STREAMS) this.watchStream(name);
    const hook = createHook({
      init: (_id, type) => {
        if (!HARMLESS.test(type)) this.note(`it starts something that goes on (${type})`);
      },
    });
    hook.enable();
    this.remove.push(() => hook.disable());
  }

  uninstall(): void {
    for (const remove of this.remove.splice(0)) remove();
  }

  readonly note = (why: string): void => {
    if (this.seen) this.seen.why ??= why;
  };

  /** What we do ourselves meanwhile. */
  aside(act: () => void): void {
    const { seen } = this;
    this.seen = undefined;
    try {
      act();
    } finally {
      this.seen = seen;
    }
  }

  async watch(load: () => void | Promise<void>): Promise<Seen> {
    const seen: Seen = { read: new Map(), why: undefined };
    const listeners = listenersOfProcess();
    this.seen = seen;
    try {
      await load();
      // What it has put off until its code has run.
      await new Promise<void>((done) => process.nextTick(done));
    } catch {
      this.note('it does not load by itself');
    }
    if (listenersOfProcess() !== listeners) this.note('it listens to events of the process');
    this.seen = undefined;
    return seen;
  }

  private watchEnvironment(): void {
    const real = process.env;
    const read = (name: string | symbol): void => {
      if (typeof name === 'string') this.seen?.read.set(name, valueIn(real, name));
    };
    const watched = new Proxy(real, {
      get: (target, name) => {
        read(name);
        return Reflect.get(target, name) as unknown;
      },
      has: (target, name) => {
        read(name);
        return Reflect.has(target, name);
      },
      ownKeys: (target) => {
        if (IN_DEBUG.test(new Error().stack ?? '')) read(DEBUG_NAMES);
        else this.note('it reads all of process.env');
        return Reflect.ownKeys(target);
      },
      getOwnPropertyDescriptor: (target, name) => {
        if (typeof name === 'string') this.seen?.read.set(PRESENT + name, valueIn(real, PRESENT + name));
        return Reflect.getOwnPropertyDescriptor(target, name);
      },
      set: (target, name, value) => {
        if (typeof name !== 'string' || target[name] !== String(value))
          this.note(`it sets process.env.${String(name)}`);
        read(name);
        return Reflect.set(target, name, value);
      },
      deleteProperty: (target, name) => {
        if (Reflect.has(target, name)) this.note(`it deletes process.env.${String(name)}`);
        read(name);
        return Reflect.deleteProperty(target, name);
      },
      defineProperty: (target, name, descriptor) => {
        this.note(`it sets process.env.${String(name)}`);
        return Reflect.defineProperty(target, name, descriptor);
      },
    });
    process.env = watched;
    this.remove.push(() => {
      if (process.env === watched) process.env = real;
    });
    this.watchLoadEnvFile();
  }

  /** It writes past `process.env`. */
  private watchLoadEnvFile(): void {
    const original = process.loadEnvFile;
    process.loadEnvFile = (...args) => {
      this.note('it loads an env file');
      original.apply(process, args);
    };
    this.remove.push(() => (process.loadEnvFile = original));
  }

  private watchStream(name: (typeof STREAMS)[number]): void {
    const descriptor = Object.getOwnPropertyDescriptor(process, name);
    const get = descriptor?.get as (() => NodeJS.WriteStream) | undefined;
    if (!descriptor || !get) return;
    let stream: NodeJS.WriteStream | undefined;
    const { note } = this;
    const write = function (this: NodeJS.WriteStream, ...args: unknown[]): unknown {
      note('it prints');
      const { write: original } = Object.getPrototypeOf(this) as { write: (...given: unknown[]) => unknown };
      return original.apply(this, args);
    };
    Object.defineProperty(process, name, {
      ...descriptor,
      get: () => (stream ??= this.openStream(get, write as NodeJS.WriteStream['write'])),
    });
    this.remove.push(() => {
      Object.defineProperty(process, name, descriptor);
      if (stream && (stream.write as unknown) === write) delete (stream as { write?: unknown }).write;
    });
  }

  private openStream(get: () => NodeJS.WriteStream, write: NodeJS.WriteStream['write']): NodeJS.WriteStream {
    const { seen } = this;
    // Node makes it when it is asked for first.
    this.seen = undefined;
    const stream = get.call(process);
    this.seen = seen;
    if (!Object.hasOwn(stream, 'write')) stream.write = write;
    return stream;
  }
}

function listenersOfProcess(): string {
  return process
    .eventNames()
    .map((name) => `${String(name)} ${process.listenerCount(name)}`)
    .join();
}
