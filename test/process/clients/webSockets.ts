/** WebSocket clients, by the implementation that Node brings. */
import { once } from 'node:events';

export async function openWebSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await new Promise<void>((done, fail) => {
    socket.addEventListener('open', () => done(), { once: true });
    socket.addEventListener('error', () => fail(new Error(`${url} cannot be connected to`)), { once: true });
  });
  return socket;
}

/** The answer to one message; rejects when the connection ends before. */
export function echo(socket: WebSocket, text: string): Promise<string> {
  const answer = new Promise<string>((done, fail) => {
    socket.addEventListener('message', ({ data }) => done(String(data)), { once: true });
    socket.addEventListener('close', ({ code }) => fail(new Error(`closed with ${code}`)), { once: true });
  });
  socket.send(text);
  return answer;
}

export async function closeOf(socket: WebSocket): Promise<{ code: number; wasClean: boolean }> {
  const [{ code, wasClean }] = (await once(socket, 'close')) as [CloseEvent];
  return { code, wasClean };
}
