/** What `server._handle` is while the server has no listening handle of its own, and goes on to look as if it had. */
import type { Address } from '../protocol/status.ts';
import type { RawHandle } from './internals.ts';

/** What `server._handle` is where the master accepts: connections come as messages, nothing is bound here. */
export function remoteHandle({ host, port }: Address, hold: () => () => void): RawHandle {
  let release: (() => void) | undefined;
  const unref = (): void => {
    release?.();
    release = undefined;
  };
  const ref = (): void => {
    release ??= hold();
  };
  return {
    onconnection: null,
    listen: () => {
      ref();
      return 0;
    },
    readStop: () => 0,
    readStart: () => 0,
    close: (done) => {
      unref();
      if (done) setImmediate(done);
    },
    ref,
    unref,
    getsockname: (out) => {
      Object.assign(out, { address: host, port, family: host.includes(':') ? 'IPv6' : 'IPv4' });
      return 0;
    },
  };
}

/** What `server._handle` is while a worker drains: answers like the handle that was closed, and closes to no effect. */
export function standIn(handle: RawHandle): RawHandle {
  const name: Record<string, unknown> = {};
  handle.getsockname?.(name);
  return {
    onconnection: null,
    listen: () => 0,
    readStop: () => 0,
    readStart: () => 0,
    close: (done) => {
      if (done) setImmediate(done);
    },
    ref: () => undefined,
    unref: () => undefined,
    getsockname: (out) => {
      Object.assign(out, name);
      return 0;
    },
  };
}
