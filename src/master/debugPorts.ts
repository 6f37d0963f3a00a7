/**
 * Debuggers and workers. As with the program's own ports the master holds the port and a worker comes and goes behind it:
 * one port for each slot, which leads to the worker that serves there. So a debugger finds the successor where it found
 * the predecessor, no port is taken twice, and the master knows whether a debugger is connected even while the worker
 * stands at a breakpoint.
 */
import type { Socket } from 'node:net';
import type { Worker } from '../core/workerState.ts';
import type { InspectWish } from '../protocol/inspect.ts';
import type { Debuggee, RequestHead } from './debuggee.ts';
import { DebugPort } from './debugPort.ts';
import type { Loop } from './loop.ts';
import { slotName, type WorkerHandle } from './workerHandle.ts';

/** A debugger lets go of a process that ends within this time, or is hung up on: the process waits for it. */
const FAREWELL_MS = 500;
const LOCAL = '127.0.0.1';

export interface OpenPort {
  readonly group: string;
  readonly slot: number;
  readonly port: number;
}

export class DebugPorts {
  private readonly loop: Loop;
  private readonly ports = new Map<string, DebugPort>();
  private readonly opening = new Map<string, Promise<DebugPort>>();
  /** Clients that came while no worker was there. */
  private readonly waiting = new Set<() => void>();
  private readonly timers = new Map<number, NodeJS.Timeout>();

  constructor(loop: Loop) {
    this.loop = loop;
  }

  /** The worker stands before its entry: `--inspect` wants its inspector from the first line on. */
  onBooted(handle: WorkerHandle, wish: InspectWish | undefined): void {
    this.settle();
    this.look();
    const { worker, debuggee, started } = handle;
    const foreign = started.booted?.inspector ?? null;
    if (foreign !== null) {
      // Whether that debugger stays cannot be seen, so it counts until the worker ends.
      debuggee.isForeign = true;
      debuggee.opened(foreign);
      this.changed(handle);
    }
    if (!wish) return;
    debuggee.isAwaiting = wish.breaks && worker.generation === 1;
    if (debuggee.isAwaiting) this.changed(handle);
    void debuggee.open();
    void this.open(worker, { ...wish, port: portFor(wish, worker.slot) });
  }

  /** The port of that slot; opens one where there is none. */
  async open(
    { group, slot }: Pick<Worker, 'group' | 'slot'>,
    { host, port: wanted }: Pick<InspectWish, 'host' | 'port'> = { host: LOCAL, port: 0 },
  ): Promise<OpenPort> {
    const name = slotName({ group, slot });
    const opening = this.opening.get(name) ?? this.listen(name, host, wanted);
    this.opening.set(name, opening);
    const { port } = await opening;
    return { group, slot, port: port! };
  }

  private async listen(name: string, host: string, wanted: number): Promise<DebugPort> {
    const port = new DebugPort(wanted, (client, head) => this.connect(name, client, head));
    const { terminal } = this.loop.parts;
    try {
      await port.listen(host, wanted);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      await port.listen(LOCAL, 0);
      const why = code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${code})`;
      terminal.note(`${name}  port ${wanted} for its debugger ${why}: it is ${LOCAL}:${port.port} instead`, 'yellow');
    }
    this.ports.set(name, port);
    if (port.port === wanted) terminal.note(`${name}  debugger on ${host}:${wanted}`);
    this.loop.changed();
    return port;
  }

  private connect(name: string, client: Socket, head: RequestHead): void {
    const attempt = (): void => {
      const debuggee = this.debuggeeFor(name, head.path);
      if (!debuggee) return;
      this.waiting.delete(attempt);
      void debuggee.serve(client, head);
    };
    this.waiting.add(attempt);
    client.once('close', () => this.waiting.delete(attempt));
    attempt();
  }

  /** A worker has come, or serves: whoever waits for one looks again. */
  look(): void {
    for (const attempt of [...this.waiting]) attempt();
  }

  /** The worker whose target it asks for, else the one that serves, else the one that is about to. */
  private debuggeeFor(name: string, path: string): Debuggee | undefined {
    const handles = this.handlesOf(name);
    return (handles.find(({ debuggee }) => debuggee.isAt(path)) ?? current(handles))?.debuggee;
  }

  /** Where a debugger of this worker connects; null while it would reach another one. */
  portOf(handle: WorkerHandle): number | null {
    const name = slotName(handle.worker);
    return current(this.handlesOf(name)) === handle ? (this.ports.get(name)?.port ?? null) : null;
  }

  private handlesOf(name: string): WorkerHandle[] {
    return [...this.loop.facts.handles.values()].filter(({ worker }) => slotName(worker) === name);
  }

  /** A debugger came to the worker, went, or its program stopped or went on. */
  changed(handle: WorkerHandle): void {
    const { worker, debuggee } = handle;
    const isConnected = debuggee.state !== null;
    if (isConnected !== handle.isDebuggerTold) {
      handle.isDebuggerTold = isConnected;
      this.loop.enqueueLater({ type: 'debugger', worker: worker.id, isConnected });
    } else {
      this.loop.changed();
    }
    if (worker.state.kind === 'draining') this.leadOn(handle, handle.drainMs);
  }

  /**
   * A worker that drains may stand at a breakpoint for as long as it likes. One that merely has a debugger, such as one
   * with an event stream that nobody ends, gives it up after its drain time: it finds the successor behind the same port.
   */
  private leadOn(handle: WorkerHandle, ms: number): void {
    clearTimeout(this.timers.get(handle.id));
    this.timers.delete(handle.id);
    if (handle.debuggee.state !== 'connected') return;
    this.timers.set(
      handle.id,
      setTimeout(() => handle.debuggee.hangUp(), ms),
    );
  }

  onDrain(handle: WorkerHandle): void {
    this.leadOn(handle, handle.drainMs);
  }

  onExiting(handle: WorkerHandle): void {
    this.leadOn(handle, FAREWELL_MS);
  }

  onExit(handle: WorkerHandle): void {
    clearTimeout(this.timers.get(handle.id));
    this.timers.delete(handle.id);
  }

  /** A definition is in force: ports of slots that it does not have, or has elsewhere, are free. */
  settle(): void {
    for (const [name, port] of this.ports) {
      const [group = '', slot] = name.split('#');
      const definition = this.loop.facts.definition.groups.get(group);
      const wanted = portFor(definition?.inspect, Number(slot));
      if (definition && Number(slot) <= definition.workers && port.wish === wanted) continue;
      port.close();
      this.ports.delete(name);
      this.opening.delete(name);
    }
  }

  /** Hangs up on everyone: a program at a breakpoint goes on, and ends as any. */
  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.waiting.clear();
    for (const opening of this.opening.values()) void opening.then((port) => port.close()).catch(() => undefined);
  }
}

function portFor(wish: InspectWish | undefined, slot: number): number {
  return wish === undefined || wish.port === 0 ? 0 : wish.port + slot - 1;
}

function current(handles: readonly WorkerHandle[]): WorkerHandle | undefined {
  const newest = handles.toSorted((a, b) => b.worker.generation - a.worker.generation || b.id - a.id);
  const of = (...kinds: Worker['state']['kind'][]): WorkerHandle | undefined =>
    newest.find(({ worker }) => kinds.includes(worker.state.kind));
  return of('ready') ?? of('starting', 'standby');
}
