/** Requests by Node's own client: strict, nothing is ever tried a second time. */
import { Agent, request, type IncomingHttpHeaders } from 'node:http';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON, which is what the fixtures answer with. */
  readonly body: Record<string, unknown>;
}

export interface AskOptions {
  readonly agent?: Agent;
  readonly method?: string;
  readonly payload?: string;
  /** Which of the server's addresses, where it has several. */
  readonly address?: number;
}

const LIMIT_MS = 10_000;

export function ask(port: number, path: string, options: AskOptions = {}): Promise<Answer> {
  return new Promise((done, fail) => {
    const { agent = false, method = 'GET', payload } = options;
    const sent = request({ host: 'localhost', port, path, method, agent, timeout: LIMIT_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', fail);
      response.on('end', () =>
        done({ status: response.statusCode ?? 0, headers: response.headers, text, body: jsonOf(text) }),
      );
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${LIMIT_MS} ms`)));
    sent.on('error', fail);
    sent.end(payload);
  });
}

function jsonOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

export interface Load {
  /** Resolves when every client has been answered this many times more, the server being in use; rejects once a request fails. */
  answered(times: number): Promise<void>;
  /** Lets what is under way end. */
  stop(): Promise<LoadResult>;
}

export interface LoadResult {
  readonly answers: readonly Answer[];
  readonly failures: readonly string[];
}

/** Clients that keep asking: one half with a new connection for each request, the other half with one that they keep. */
export function startLoad(port: number, t: Pick<TestContext, 'after'>, path = '/', clients = 4): Load {
  const answers: Answer[] = [];
  const failures: string[] = [];
  let isOver = false;
  const counts: number[] = [];
  const waiting = new Set<() => void>();
  const loop = async (index: number): Promise<void> => {
    const agent = index % 2 === 0 ? undefined : new Agent({ keepAlive: true, maxSockets: 1 });
    counts[index] = 0;
    while (!isOver) {
      try {
        const answer = await ask(port, path, agent ? { agent } : {});
        answers.push(answer);
        if (answer.status !== 200) failures.push(`status ${answer.status}: ${answer.text}`);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        failures.push(`${agent ? 'kept' : 'new'} connection: ${code ?? ''} ${message}`);
      }
      counts[index] += 1;
      for (const look of waiting) look();
      // A pace that leaves the machine time for the server.
      await delay(5);
    }
    agent?.destroy();
  };
  // A test that has failed does not stop its clients itself.
  t.after(() => {
    isOver = true;
  });
  const loops = Array.from({ length: clients }, (_, index) => loop(index));
  return {
    answered: (times) => {
      const goals = counts.map((count) => count + times);
      return new Promise((done, fail) => {
        const look = (): void => {
          if (failures.length > 0) fail(new Error(`after ${answers.length} answers: ${failures[0]}`));
          else if (!goals.every((goal, index) => counts[index]! >= goal)) return;
          waiting.delete(look);
          done();
        };
        waiting.add(look);
        look();
      });
    },
    stop: async () => {
      isOver = true;
      await Promise.all(loops);
      return { answers, failures };
    },
  };
}
