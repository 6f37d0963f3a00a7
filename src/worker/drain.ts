/**
 * How a worker leaves: it accepts nothing more, idle connections move to another worker, what is in flight is answered,
 * then the program's own SIGTERM handlers run. What cannot move ends in its own best way.
 */
import type { Http2Session } from 'node:http2';
import type { ClosedConnections } from '../protocol/status.ts';
import type { FromWorker } from '../protocol/workerMessages.ts';
import type { Connections } from './connections.ts';
import { rawHandle, stopReading, type HttpSocket, type RawHandle } from './internals.ts';
import type { Listeners } from './listeners.ts';

/** Largest stream id: GOAWAY that refuses none of the streams that are on their way. */
const ALL_STREAMS = 2 ** 31 - 1;
/** Close frame of a WebSocket server with code 1012, "service restart" (RFC 6455, IANA registry). */
const CLOSE_1012 = Buffer.from([0x88, 0x02, 0x03, 0xf4]);

/** Whoever reads what a worker wrote may have stopped to. */
const WRITE_LIMIT_MS = 5000;

/** To whoever passes connections on. */
interface DrainChannel {
  send(
    message: Extract<FromWorker, { t: 'connection' | 'drained' }>,
    handle?: RawHandle,
    done?: (error: Error | null) => void,
  ): void;
  hold(): () => void;
}

export class Drain {
  private readonly channel: DrainChannel;
  private readonly connections: Connections;
  private readonly listeners: Pick<Listeners, 'keyOf' | 'stopAccepting'>;
  private readonly canMove: boolean;
  private readonly end: () => void;
  private readonly moving = new Set<HttpSocket>();
  private readonly told = new Set<HttpSocket>();
  private readonly closed: ClosedConnections = { tls: 0, http2: 0, websocket: 0, sse: 0, tcp: 0 };
  private moved = 0;
  private forced = 0;
  private isOn = false;
  private isLast = true;
  private isDone = false;
  private isSweepDue = false;
  private deadline: NodeJS.Timeout | undefined;
  private release: () => void = () => undefined;

  /** @param end called once the last connection has gone and is told of */
  constructor(
    channel: DrainChannel,
    connections: Connections,
    listeners: Pick<Listeners, 'keyOf' | 'stopAccepting'>,
    canMove: boolean,
    end: () => void,
  ) {
    this.channel = channel;
    this.connections = connections;
    this.listeners = listeners;
    this.canMove = canMove;
    this.end = end;
  }

  /**
   * A second call is for a new deadline.
   *
   * @param deadlineMs null: as long as it takes
   * @param isLast false: others are waited for, until `mayFinish`
   */
  start(deadlineMs: number | null, isLast = true): void {
    if (this.isOn) {
      if (!this.isDone) this.forceIn(deadlineMs);
      return;
    }
    this.isOn = true;
    this.isLast = isLast;
    // Connections that are no longer read do not keep the loop alive, and they must not be lost on their way.
    this.release = this.channel.hold();
    this.listeners.stopAccepting();
    this.connections.onDrain(
      () => this.sweepSoon(),
      (socket) => !this.canMove || this.connections.isTls(socket),
    );
    for (const session of this.connections.sessions.keys()) goAway(session);
    this.forceIn(deadlineMs);
    this.sweep();
  }

  /** With what became of the connections of others. */
  mayFinish(others: readonly Extract<FromWorker, { t: 'drained' }>[] = []): void {
    for (const { moved, closed, forced } of others) {
      this.moved += moved;
      this.forced += forced;
      for (const kind of Object.keys(closed) as (keyof ClosedConnections)[]) this.closed[kind] += closed[kind];
    }
    this.isLast = true;
    this.sweepSoon();
  }

  /** A little before the master's own deadline, so that the program's shutdown code still gets its turn. */
  private forceIn(deadlineMs: number | null): void {
    clearTimeout(this.deadline);
    if (deadlineMs === null) return;
    this.deadline = setTimeout(() => this.force(), Math.max(0, deadlineMs - Math.min(500, deadlineMs / 4)));
  }

  private sweepSoon(): void {
    if (this.isSweepDue) return;
    this.isSweepDue = true;
    setImmediate(() => {
      this.isSweepDue = false;
      this.sweep();
    });
  }

  private sweep(): void {
    if (this.isDone) return;
    let left = 0;
    for (const { socket, server, kind } of this.connections.classify()) {
      if (this.moving.has(socket)) {
        left += 1;
        continue;
      }
      const key = kind === 'idle' && this.canMove ? this.listeners.keyOf(server) : undefined;
      if (key !== undefined) this.move(socket, key);
      left += 1;
      if (kind === 'idle' || kind === 'busy' || this.told.has(socket)) continue;
      this.told.add(socket);
      this.closed[kind] += 1;
      // After what is still to be written.
      if (kind === 'websocket') socket.write(CLOSE_1012);
    }
    if (left === 0 && this.connections.sessions.size === 0 && this.isLast) this.finish();
  }

  /** Gives the raw handle away: closing our copy sends neither FIN nor RST, and unread bytes stay in the kernel. */
  private move(socket: HttpSocket, key: string): void {
    const handle = rawHandle(socket);
    if (!handle) return;
    this.moving.add(socket);
    stopReading(handle);
    const remainingMs = this.connections.letGo(socket);
    this.channel.send({ t: 'connection', key, remainingMs }, handle, (error) => {
      this.moving.delete(socket);
      if (!error) this.moved += 1;
      socket.destroy();
    });
  }

  private force(): void {
    for (const { socket } of this.connections.classify()) {
      if (this.moving.has(socket)) continue;
      this.forced += 1;
      socket.destroy();
    }
    for (const session of this.connections.sessions.keys()) session.destroy();
  }

  private finish(): void {
    this.isDone = true;
    clearTimeout(this.deadline);
    const report = { t: 'drained', moved: this.moved, closed: this.closed, forced: this.forced } as const;
    this.channel.send(report, undefined, () => {
      this.release();
      this.end();
    });
  }
}

/**
 * As SIGTERM would: the program's handlers decide, without one it ends, once what it wrote has left the process. By
 * message, so that it is the same on Windows.
 */
export function endProgram(): void {
  if (process.listenerCount('SIGTERM') > 0) process.emit('SIGTERM', 'SIGTERM');
  else whenWritten(() => process.exit(0));
}

/** To a pipe Node writes in its own time (Linux, seen in 22 to 26), and `process.exit` forgets the rest. */
function whenWritten(act: () => void): void {
  const busy = new Set<NodeJS.WriteStream>([process.stdout, process.stderr].filter((one) => one.writableLength > 0));
  if (busy.size === 0) return act();
  setTimeout(act, WRITE_LIMIT_MS);
  for (const stream of busy) {
    stream.write('', () => {
      busy.delete(stream);
      if (busy.size === 0) act();
    });
  }
}

/** Tells the client to open no new streams; those under way, and those sent before it heard of it, still finish. */
function goAway(session: Http2Session): void {
  session.goaway(0, ALL_STREAMS);
  session.close();
}
