/** One HTTP/1.1 connection without mercy: no retries, every byte accounted for, every unexpected end an error. */
import { connect, type NetConnectOpts, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A connection that was lost without a word would keep its client for ever. */
const ANSWER_LIMIT_MS = 20_000;

interface Waiting {
  readonly done: (answer: Answer) => void;
  readonly fail: (error: Error) => void;
}

export class RawHttp {
  readonly socket: Socket;
  /** Of our end, also when it is closed; 0 for a Unix socket. */
  readonly localPort: number;
  /** Why the connection can no longer be used, though nobody here has closed it. */
  failure: Error | undefined;
  private readonly waiting: Waiting[] = [];
  private buffer = Buffer.alloc(0);
  private isClosing = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.localPort = socket.localPort ?? 0;
    socket.on('data', (chunk: Buffer) => {
      this.buffer = Buffer.concat([this.buffer, chunk]);
      this.read();
    });
    socket.on('error', (error) => this.break(error));
    socket.setTimeout(ANSWER_LIMIT_MS, () => {
      if (this.waiting.length > 0) socket.destroy(new Error(`no answer within ${ANSWER_LIMIT_MS} ms`));
    });
    socket.on('close', () => this.break(new Error('the server closed the connection')));
  }

  static open(target: NetConnectOpts): Promise<RawHttp> {
    return new Promise((done, fail) => {
      const socket = connect(target);
      socket.setNoDelay(true);
      socket.once('error', fail);
      socket.once('connect', () => {
        socket.removeListener('error', fail);
        done(new RawHttp(socket));
      });
    });
  }

  /** The answer to one more request; the caller writes the request's bytes. */
  expect(): Promise<Answer> {
    const answer = new Promise<Answer>((done, fail) => {
      if (this.failure) fail(this.failure);
      else this.waiting.push({ done, fail });
    });
    // Who asks may still be busy sending when it fails.
    answer.catch(() => undefined);
    return answer;
  }

  write(text: string): void {
    this.socket.write(text);
  }

  get(path: string, extra = ''): Promise<Answer> {
    const answer = this.expect();
    this.write(`GET ${path} HTTP/1.1\r\nHost: test\r\n${extra}\r\n`);
    return answer;
  }

  close(): void {
    this.isClosing = true;
    this.socket.destroy();
  }

  private break(error: Error): void {
    if (this.isClosing || this.failure) return;
    this.failure = error;
    for (const { fail } of this.waiting.splice(0)) fail(error);
  }

  private read(): void {
    for (;;) {
      if (this.buffer.length === 0) return;
      if (this.waiting.length === 0) {
        this.break(new Error(`bytes nobody asked for: ${JSON.stringify(this.buffer.toString('latin1').slice(0, 80))}`));
        return;
      }
      const parsed = parseAnswer(this.buffer);
      if (!parsed) return;
      this.buffer = this.buffer.subarray(parsed.length);
      this.waiting.shift()?.done(parsed.answer);
    }
  }
}

function parseAnswer(buffer: Buffer): { answer: Answer; length: number } | undefined {
  const headEnd = buffer.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = buffer.subarray(0, headEnd).toString('latin1').split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const status = Number(statusLine.split(' ')[1]);
  const start = headEnd + 4;
  if (headers.get('transfer-encoding') === 'chunked') {
    const body = parseChunks(buffer, start);
    return body && { answer: { status, headers, body: body.text }, length: body.end };
  }
  const end = start + Number(headers.get('content-length') ?? 0);
  if (buffer.length < end) return undefined;
  return { answer: { status, headers, body: buffer.subarray(start, end).toString('latin1') }, length: end };
}

function parseChunks(buffer: Buffer, start: number): { text: string; end: number } | undefined {
  let text = '';
  for (let at = start; ;) {
    const lineEnd = buffer.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(buffer.subarray(at, lineEnd).toString('latin1'), 16);
    const end = lineEnd + 2 + size + 2;
    if (buffer.length < end) return undefined;
    if (size === 0) return { text, end };
    text += buffer.subarray(lineEnd + 2, lineEnd + 2 + size).toString('latin1');
    at = end;
  }
}
