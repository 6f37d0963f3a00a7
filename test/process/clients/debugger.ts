/** A debugger as the tests need one: Chrome's protocol over the WebSocket that the port tells of. */
import { LIMIT_MS } from '../harness/events.ts';

interface Target {
  readonly id: string;
  readonly title: string;
  readonly webSocketDebuggerUrl: string;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

export interface Pause {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/** What the port says there is to debug. */
export async function targetOf(port: number): Promise<Target> {
  const answer = await fetch(`http://127.0.0.1:${port}/json/list`, { signal: AbortSignal.timeout(LIMIT_MS) });
  const [target] = (await answer.json()) as Target[];
  if (!target) throw new Error(`nothing to debug at port ${port}`);
  return target;
}

export class Debugger {
  readonly closed: Promise<void>;
  private readonly socket: WebSocket;
  private readonly files = new Map<string, string>();
  private readonly pauses: Pause[] = [];
  private readonly waiting: ((pause: Pause) => void)[] = [];
  private readonly answers = new Map<number, (message: Message) => void>();
  private lastId = 0;

  private constructor(url: string) {
    this.socket = new WebSocket(url);
    this.closed = new Promise((done) => this.socket.addEventListener('close', () => done()));
    this.socket.addEventListener('message', ({ data }) => this.take(JSON.parse(String(data)) as Message));
  }

  static async connect(port: number): Promise<Debugger> {
    const client = new Debugger((await targetOf(port)).webSocketDebuggerUrl);
    await new Promise<void>((done, fail) => {
      client.socket.addEventListener('open', () => done());
      client.socket.addEventListener('error', () => fail(new Error(`no debugger at port ${port}`)));
    });
    await client.ask('Runtime.enable');
    await client.ask('Debugger.enable');
    return client;
  }

  ask(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.lastId;
    this.socket.send(JSON.stringify({ id, method, params }));
    return new Promise((done, fail) =>
      this.answers.set(id, ({ result, error }) => (error ? fail(new Error(error.message)) : done(result ?? {}))),
    );
  }

  /** @param line counted from 1 */
  breakAt(file: string, line: number): Promise<unknown> {
    return this.ask('Debugger.setBreakpointByUrl', { urlRegex: `${file}$`, lineNumber: line - 1 });
  }

  paused(): Promise<Pause> {
    const pause = this.pauses.shift();
    return pause ? Promise.resolve(pause) : new Promise((done) => this.waiting.push(done));
  }

  resume(): Promise<unknown> {
    return this.ask('Debugger.resume');
  }

  close(): void {
    this.socket.close();
  }

  private take({ id, method, params, ...rest }: Message): void {
    if (id !== undefined) this.answers.get(id)?.(rest);
    if (method === 'Debugger.scriptParsed') this.files.set(String(params?.['scriptId']), String(params?.['url']));
    if (method !== 'Debugger.paused') return;
    const [frame] = params?.['callFrames'] as { location: { scriptId: string; lineNumber: number } }[];
    const { scriptId, lineNumber } = frame!.location;
    const pause = { file: this.files.get(scriptId)?.split('/').at(-1) ?? '', line: lineNumber + 1 };
    const next = this.waiting.shift();
    if (next) next(pause);
    else this.pauses.push(pause);
  }
}
