/** A port that debuggers connect to. It belongs to a slot and stays while the workers in it come and go. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { RequestHead } from './debuggee.ts';

const MAX_HEAD_BYTES = 16_384;
const LOCAL = '127.0.0.1';
const LOCAL_IPV6 = '::1';

export class DebugPort {
  /** What was asked for, which may have been taken. */
  readonly wish: number;
  private readonly server: Server;
  /** VS Code's debugger without an `address` asks both for `localhost`, and takes no answer where one of them refuses (js-debug 1.117). */
  private readonly twin: Server;
  private readonly clients = new Set<Socket>();

  /** @param onClient gets each client with its first request; nothing more is read before it does */
  constructor(wish: number, onClient: (client: Socket, head: RequestHead) => void) {
    this.wish = wish;
    const accept = (client: Socket): void => {
      this.clients.add(client);
      client.once('close', () => this.clients.delete(client));
      client.on('error', () => undefined);
      readHead(client, (head) => onClient(client, head));
    };
    this.server = createServer(accept);
    this.twin = createServer(accept);
    // A machine without IPv6, or another program's port: it is one address less.
    this.twin.on('error', () => undefined);
  }

  get port(): number | null {
    return (this.server.address() as AddressInfo | null)?.port ?? null;
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((done, fail) => {
      this.server.once('error', fail);
      this.server.listen({ host, port }, () => {
        this.server.off('error', fail);
        // Such as no descriptor left for a debugger: those that are connected go on.
        this.server.on('error', () => undefined);
        if (host === LOCAL) this.twin.listen({ host: LOCAL_IPV6, port: this.port!, ipv6Only: true });
        done();
      });
    });
  }

  close(): void {
    for (const server of [this.server, this.twin]) server.close();
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
