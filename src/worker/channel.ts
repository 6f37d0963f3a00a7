/**
 * The worker's end of the IPC channel, kept away from the program: no `process.send`, no message it could see, and no
 * reference that would keep its event loop alive.
 */
import type { Socket } from 'node:net';
import { WORKER_CMD, type ToWorker } from '../protocol/worker.ts';
import type { FromWorker } from '../protocol/workerMessages.ts';
import { onInternalMessage, type RawHandle } from './internals.ts';

type SendRaw = (message: object, handle?: unknown, options?: object, done?: (error: Error | null) => void) => boolean;

export interface ChannelOptions {
  /** `process.send` stays visible. */
  readonly keepSend: boolean;
  /** Else it is the program's own (`node:cluster`) and stays as it is. */
  readonly isOurs: boolean;
}

export class Channel<In extends { readonly t: string } = ToWorker, Out extends object = FromWorker> {
  private readonly sendRaw: SendRaw;
  private readonly listeners = new Map<string, (message: In, handle: RawHandle | undefined) => void>();
  private readonly isOurs: boolean;
  private holds = 0;

  constructor({ keepSend, isOurs }: ChannelOptions) {
    this.isOurs = isOurs;
    this.sendRaw = (process.send as SendRaw).bind(process);
    if (!keepSend) delete (process as { send?: unknown }).send;
    onInternalMessage(process, (message, handle) => {
      if (message.cmd === WORKER_CMD) this.listeners.get(message['t'] as string)?.(message as unknown as In, handle);
    });
    if (!isOurs) return;
    // The master is gone: nothing may stay behind, whatever the program is doing.
    process.once('disconnect', () => process.exit(0));
    process.channel?.unref();
  }

  on<T extends In['t']>(t: T, listener: (message: Extract<In, { t: T }>, handle: RawHandle | undefined) => void): void {
    this.listeners.set(t, listener as (message: In, handle: RawHandle | undefined) => void);
  }

  /** @param done called once the master's process has the message, or the channel is gone */
  send(message: Out, handle?: Pick<RawHandle, 'close'> | Socket, done?: (error: Error | null) => void): void {
    if (!process.connected) {
      done?.(new Error('the master is gone'));
      return;
    }
    this.sendRaw({ cmd: WORKER_CMD, ...message }, handle, { keepOpen: true }, done ?? (() => undefined));
  }

  /** Keeps the event loop alive until the returned function is called. */
  hold(): () => void {
    if (this.holds++ === 0 && this.isOurs) process.channel?.ref();
    let released = false;
    return () => {
      if (released) return;
      released = true;
      if (--this.holds === 0 && this.isOurs) process.channel?.unref();
    };
  }
}
