/** The inspector of one worker: where it listens, and which debuggers are connected to it through the master. */
import { connect, type Socket } from 'node:net';
import type { WorkerStatus } from '../protocol/status.ts';
import { DebuggerFrames } from './debuggerFrames.ts';

/** The head of a client's first request, as far as it matters. */
export interface RequestHead {
  readonly bytes: Buffer;
  readonly path: string;
  /** A debugger; else one who only asks what there is (`/json`). */
  readonly isUpgrade: boolean;
}

export class Debuggee {
  /** `--inspect-brk`: it waits for a debugger before it runs. */
  isAwaiting = false;
  /** A debugger that came past the master (VS Code's Auto Attach): it cannot be seen whether it is still there. */
  isForeign = false;
  private url: URL | null = null;
  private asked: Promise<void> | undefined;
  private told: () => void = () => undefined;
  private readonly clients = new Map<Socket, DebuggerFrames>();
  private readonly ask: () => void;
  private readonly onChange: () => void;

  /**
   * @param ask has the worker open its inspector
   * @param onChange a debugger came, went, stopped the program or let it go on
   */
  constructor(ask: () => void, onChange: () => void) {
    this.ask = ask;
    this.onChange = onChange;
  }

  get state(): WorkerStatus['debugger'] {
    const frames = [...this.clients.values()];
    if (frames.some(({ isPaused }) => isPaused)) return 'paused';
    if (frames.length > 0 || this.isForeign) return 'connected';
    return this.isAwaiting ? 'awaited' : null;
  }

  /** Of its target at the inspector: the path of the WebSocket. */
  isAt(path: string): boolean {
    return this.url?.pathname === path;
  }

  /** The worker tells where its inspector listens; null: it has none. */
  opened(url: string | null): void {
    this.url = url === null ? null : new URL(url);
    this.told();
  }

  /** Opens the inspector where it is not; a worker that is busy answers when it comes to it. */
  async open(): Promise<URL | null> {
    if (this.url) return this.url;
    this.asked ??= new Promise((told) => {
      this.told = told;
      this.ask();
    });
    await this.asked;
    return this.url;
  }

  /** Joins the client with the inspector until one of them hangs up. */
  async serve(client: Socket, head: RequestHead): Promise<void> {
    const url = await this.open();
    if (!url || client.destroyed) {
      client.destroy();
      return;
    }
    const inspector = connect(Number(url.port), url.hostname);
    inspector.write(head.bytes);
    client.pipe(inspector).pipe(client);
    for (const end of [client, inspector]) end.on('error', () => undefined);
    inspector.once('close', () => client.destroy());
    client.once('close', () => {
      inspector.destroy();
      if (this.clients.delete(client)) this.onChange();
    });
    if (head.isUpgrade) this.watch(client, inspector);
  }

  private watch(client: Socket, inspector: Socket): void {
    const frames = new DebuggerFrames();
    this.clients.set(client, frames);
    this.isAwaiting = false;
    inspector.on('data', (chunk: Buffer) => {
      const before = frames.isPaused;
      frames.take(chunk);
      if (frames.isPaused !== before) this.onChange();
    });
    this.onChange();
  }

  /** Hangs up on its debuggers: the program goes on if it stood still, and they may come again to its successor. */
  hangUp(): void {
    for (const client of this.clients.keys()) client.destroy();
  }
}
