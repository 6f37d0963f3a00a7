/**
 * Asks a new worker over HTTP whether it is ready, through a connection that is made for this one request and handed to
 * this one worker: nobody else's request comes in, and no other worker can answer.
 */
import http from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import tls from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../protocol/userError.ts';
import { rawHandleOf } from './listeners.ts';
import type { SocketHandle } from './workerProcess.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;
/** Of the answer, for the text of an error. */
const MOST_SHOWN = 200;

export interface ReadyCheck {
  readonly path: string;
  readonly isTls: boolean;
  /** Puts the worker's end of the connection into its hands. */
  readonly give: (handle: SocketHandle) => void;
  /** It is no longer asked: it has ended, or was given up. */
  readonly isOver: () => boolean;
  /** There was no answer, and it will be asked again. */
  readonly onTrouble: (reason: string) => void;
}

/**
 * Asks again as long as there is no answer; how long that may take is the business of the boot time-out.
 *
 * @returns null once the worker has said yes, else what it said instead; undefined when the check is over without an answer
 */
export async function askWhetherReady(check: ReadyCheck): Promise<string | null | undefined> {
  for (let pause = FIRST_PAUSE_MS; !check.isOver(); pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      const { ours, theirs } = await privatePair();
      check.give(theirs);
      return await answerOf(ours, check);
    } catch (error) {
      if (check.isOver()) return undefined;
      check.onTrouble(messageOf(error));
      await delay(pause, undefined, { ref: false });
    }
  }
  return undefined;
}

function answerOf(socket: Socket, { path, isTls }: ReadyCheck): Promise<string | null> {
  return new Promise((done, fail) => {
    const request = http.get({
      path,
      headers: { host: 'localhost', 'user-agent': 'graceful-reload', connection: 'close' },
      // Its certificate is made for the name that browsers use.
      createConnection: () =>
        isTls ? tls.connect({ socket, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }) : socket,
    });
    request.once('error', fail);
    request.once('response', (response) => {
      const { statusCode = 0, statusMessage = '' } = response;
      if (statusCode >= 200 && statusCode < 400) {
        socket.destroy();
        done(null);
        return;
      }
      let text = '';
      const tell = (): void => {
        const said = text.trim().split('\n', 1)[0]!.slice(0, MOST_SHOWN);
        socket.destroy();
        done(`${statusCode} ${statusMessage}`.trim() + (said === '' ? '' : `: ${said}`));
      };
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length >= MOST_SHOWN) tell();
      });
      response.once('end', tell);
      response.once('error', tell);
    });
  });
}

/**
 * The two ends of a connection. Node has no socket pair; over the loopback device it is the same on every system, and to
 * the program it looks like a client on this machine. The listener takes one connection, our own, and is gone.
 */
function privatePair(): Promise<{ ours: Socket; theirs: SocketHandle }> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(0, '127.0.0.1', 1, () => {
      const { port } = server.address() as { port: number };
      const ours = connect(port, '127.0.0.1');
      ours.once('error', fail);
      const accepted: SocketHandle[] = [];
      const look = (): void => {
        if (ours.localPort === undefined) return;
        for (const handle of accepted.splice(0)) {
          if (peerPort(handle) !== ours.localPort) {
            handle.close();
            continue;
          }
          server.close();
          ours.removeListener('error', fail);
          done({ ours, theirs: handle });
        }
      };
      rawHandleOf(server).onconnection = (_status, handle) => {
        if (handle) accepted.push(handle);
        look();
      };
      ours.once('connect', look);
    });
  });
}

function peerPort(handle: SocketHandle): number | undefined {
  const peer: { port?: number } = {};
  (handle as SocketHandle & { getpeername(out: object): number }).getpeername(peer);
  return peer.port;
}
