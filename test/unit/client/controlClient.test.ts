/** A master that ends while it is asked: the client says so in words for a person, whatever moment it was. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { ControlClient } from '../../../src/client/controlClient.ts';
import { REGISTRY_VERSION, type RegistryEntry } from '../../../src/protocol/registry.ts';

const folder = mkdtempSync(join(tmpdir(), 'client-'));
after(() => rmSync(folder, { recursive: true }));
const entry: RegistryEntry = {
  version: REGISTRY_VERSION,
  ...{ pid: process.pid, processStart: '', name: 'shop', cwd: folder, script: 'server.ts', token: 'secret' },
  ...{ socket: join(folder, 'control.sock'), startedAt: '' },
};

/** Knows whoever says hello, and does with other requests what the test wants. */
async function master(t: TestContext, onRequest: (socket: Socket) => Promise<unknown>): Promise<void> {
  await serve(t, (socket) => {
    const connection = createMessageConnection(new StreamMessageReader(socket), new StreamMessageWriter(socket));
    socket.on('error', () => undefined);
    socket.once('close', () => connection.dispose());
    connection.onRequest((method) =>
      method === 'hello' ? { version: 1, pid: process.pid } : onRequest(socket).catch(() => undefined),
    );
    connection.listen();
  });
}

async function serve(t: TestContext, onConnection: (socket: Socket) => void): Promise<void> {
  rmSync(entry.socket, { force: true });
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    onConnection(socket);
  });
  server.listen(entry.socket);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}

const gone = { name: 'UserError', code: 'no-server', message: `shop (pid ${process.pid}) has ended.` };
const forever = new Promise<unknown>(() => undefined);

for (const [how, end] of [
  ['is cut', (socket: Socket) => socket.destroy()],
  ['ends', (socket: Socket) => socket.end()],
  ['breaks within a message', (socket: Socket) => socket.end('Content-Length: 5\r\n\r\n{"a')],
] as const) {
  test(`a connection that ${how} during a request`, async (t) => {
    await master(t, async (socket) => {
      end(socket);
      return forever;
    });
    const client = await ControlClient.connect(entry, 'test');
    const first = client.request('status', {});
    const second = client.request('stop', {});
    await assert.rejects(first, gone);
    await assert.rejects(second, gone);
    await client.closed;
    await assert.rejects(client.request('status', {}), gone, 'a request after the end');
  });
}

test('a client that hangs up itself, before and during a request', async (t) => {
  await master(t, () => forever);
  const client = await ControlClient.connect(entry, 'test');
  const request = client.request('status', {});
  client.dispose();
  const next = client.request('status', {});
  await assert.rejects(request, gone);
  await assert.rejects(next, gone);
});

test('a master that ends before it has answered the hello', async (t) => {
  await serve(t, (socket) => socket.destroy());
  await assert.rejects(ControlClient.connect(entry, 'test'), { name: 'UserError', code: 'no-server' });
});
