/** A port that debuggers connect to. It belongs to a slot and stays while the workers in it come and go. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { RequestHead } from './debuggee.ts';

const MAX_HEAD_BYTES = 16_384;

export class DebugPort {
  /** What was asked for, which may have been taken. */
  readonly wish: number;
  private readonly server: Server;
  private readonly clients = new Set<Socket>();

  /** @param onClient gets each client with its first request; nothing more is read before it does */
  constructor(wish: number, onClient: (client: Socket, head: RequestHead) => void) {
    this.wish = wish;
    this.server = createServer((client) => {
      this.clients.add(client);
      client.once('close', () => this.clients.delete(client));
      client.on('error', () => undefined);
      readHead(client, (head) => onClient(client, head));
    });
  }

  get port(): number | null {
    return (this.server.address() as AddressInfo | null)?.port ?? null;
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((done, fail) => {
      this.server.once('error', fail);
      this.server.listen({ host, port }, () => {
        this.server.off('error', fail);
        done();
      });
    });
  }

  close(): void {
    this.server.close();
    for (const client of this.clients) client.destroy();
  }
}

function readHead(client: Socket, done: (head: RequestHead) => void): void {
  let bytes = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
    if (!bytes.includes('\r\n\r\n')) {
      if (bytes.length > MAX_HEAD_BYTES) client.destroy();
      return;
    }
    client.off('data', onData);
    client.pause();
    const text = bytes.toString('latin1');
    const path = /^\w+ (\S+)/.exec(text)?.[1] ?? '';
    done({ bytes, path, isUpgrade: /^upgrade: *websocket *$/im.test(text) });
  };
  client.on('data', onData);
}
