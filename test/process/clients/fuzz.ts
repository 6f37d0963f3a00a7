/** Hostile clients of the control wire, from a seed: whatever they send, they get an error or a closed connection. */
import { connect, type Socket } from 'node:net';
import { controlMethods, MAX_MESSAGE_BYTES, type ControlMethod } from '../../../src/protocol/control.ts';
import { LIMIT_MS } from '../harness/events.ts';
import { seeded } from './random.ts';

export interface FuzzResult {
  readonly messages: number;
  readonly connections: number;
  /** Of those, the ones that the server closed. */
  readonly closed: number;
  /** Error answers. */
  readonly errors: number;
}

export interface FuzzTarget {
  readonly socket: string;
  readonly token: string;
}

/** Most messages of one connection. */
const BURST = 40;
/** What would be obeyed when it comes with the token. */
const OBEYED = new Set<ControlMethod>(['stop', 'restart', 'reload', 'finish']);

/** @throws when a connection is neither answered nor closed */
export async function fuzz(target: FuzzTarget, seed: number, messages: number): Promise<FuzzResult> {
  const random = seeded(seed);
  const total = { messages: 0, connections: 0, closed: 0, errors: 0 };
  while (total.messages < messages) {
    const isKnown = random() < 0.6;
    const burst: Buffer[] = [];
    const wanted = 1 + Math.floor(random() * Math.min(BURST, messages - total.messages));
    for (let count = 0; count < wanted; count++) burst.push(Buffer.from(message(random, isKnown), 'latin1'));
    const { isClosed, errors } = await attack(target, isKnown, burst, random);
    total.messages += burst.length;
    total.connections += 1;
    total.closed += isClosed ? 1 : 0;
    total.errors += errors;
  }
  return total;
}

/** Ends when the server has closed the connection, or has answered a last request that makes sense. */
function attack(
  target: FuzzTarget,
  isKnown: boolean,
  burst: readonly Buffer[],
  random: () => number,
): Promise<{ isClosed: boolean; errors: number }> {
  return new Promise((done, fail) => {
    const socket = connect(target.socket);
    let text = '';
    const settle = (isClosed: boolean): void => {
      clearTimeout(limit);
      socket.destroy();
      done({ isClosed, errors: text.split('"error":').length - 1 });
    };
    const limit = setTimeout(() => {
      socket.destroy();
      const sent = burst.map((each) => each.toString('latin1').slice(0, 200)).join('\n');
      fail(new Error(`neither answered nor closed:\n${sent}\nanswers: ${text.slice(-2000)}`));
    }, LIMIT_MS);
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.includes('"id":"last"')) settle(false);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => settle(true));
    if (isKnown)
      socket.write(framed({ id: 0, method: 'hello', params: { version: 1, token: target.token, client: 'fuzz' } }));
    for (const each of burst) writeInParts(socket, each, random);
    // A message that is shorter than it says swallows what follows.
    socket.end(framed({ id: 'last', method: 'hello', params: { version: 1, token: target.token, client: 'fuzz' } }));
  });
}

function writeInParts(socket: Socket, bytes: Buffer, random: () => number): void {
  const at = random() < 0.2 ? Math.floor(random() * bytes.length) : bytes.length;
  socket.write(bytes.subarray(0, at));
  if (at < bytes.length) socket.write(bytes.subarray(at));
}

function message(random: () => number, isKnown: boolean): string {
  const kind = Math.floor(random() * 100);
  if (kind < 3) return noise(random, 1 + random() * 3000);
  if (kind < 5)
    return `Content-Length: ${pick(random, ['-5', '0', 'NaN', '1e9', '99999999999999999999', '0x10', ''])}\r\n\r\n{}`;
  if (kind < 6) return `Content-Length: ${10 + Math.floor(random() * 1000)}\r\n\r\n{"jsonrpc"`;
  if (kind < 8) return framedText(noise(random, random() * 200));
  if (kind < 10) return framedText('['.repeat(Math.floor(random() * 20_000)));
  if (kind < 11) return framedText(`"${'x'.repeat(Math.floor(random() * 1.2 * MAX_MESSAGE_BYTES))}"`);
  if (kind < 20) return framedText(JSON.stringify(anything(random, 3)));
  if (kind < 30)
    return framed({ id: anything(random, 1), method: noise(random, random() * 30), params: anything(random, 3) });
  if (kind < 35)
    return framed({
      method: pick(random, ['$/cancelRequest', '$/progress', '$/setTrace', 'exit']),
      params: anything(random, 2),
    });
  if (kind < 40) return framed({ id: Math.floor(random() * 5), result: anything(random, 2) });
  if (kind < 45)
    return framed({ id: 1, method: 'hello', params: { version: 1, token: noise(random, 32), client: 'fuzz' } });
  const methods = (Object.keys(controlMethods) as ControlMethod[]).filter((name) => !isKnown || !OBEYED.has(name));
  const params = random() < 0.5 ? anything(random, 3) : { file: path(random), manual: random() < 0.5 };
  return framed({ id: Math.floor(random() * 1000), method: pick(random, methods), params });
}

function anything(random: () => number, depth: number): unknown {
  const kind = Math.floor(random() * (depth > 0 ? 10 : 7));
  if (kind === 0) return null;
  if (kind === 1) return random() < 0.5;
  if (kind === 2) return pick(random, [0, -1, 1.5, 1e308, Number.MAX_SAFE_INTEGER, -0]);
  if (kind < 6)
    return pick(random, ['', '\0', '__proto__', 'constructor', '../../etc/passwd', noise(random, random() * 5000)]);
  if (kind === 6) return pick(random, Object.keys(controlMethods));
  const parts = Array.from({ length: Math.floor(random() * 4) }, () => anything(random, depth - 1));
  const names = ['__proto__', 'constructor', 'file', 'group', 'slot', 'token', 'version', 'id', 'length'];
  return kind < 8 ? parts : Object.fromEntries(parts.map((part) => [pick(random, names), part]));
}

const path = (random: () => number): string =>
  pick(random, [
    '/etc/passwd',
    '/proc/self/environ',
    '.',
    '',
    '\0',
    '/dev/zero',
    'app.cjs',
    `/${noise(random, 300)}`,
    '/'.repeat(5000),
  ]);

const noise = (random: () => number, length: number): string =>
  Array.from({ length: Math.floor(length) }, () => String.fromCharCode(Math.floor(random() * 256))).join('');

const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

const framed = (content: object): string => framedText(JSON.stringify({ jsonrpc: '2.0', ...content }));

function framedText(text: string): string {
  const body = Buffer.from(text, 'utf8').toString('latin1');
  return `Content-Length: ${body.length}\r\n\r\n${body}`;
}
