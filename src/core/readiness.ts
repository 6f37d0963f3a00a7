/** When a new worker counts as ready, from the facts it has told so far. */
import type { ErrorInfo } from '../protocol/status.ts';

export interface ReadyFacts {
  readonly listening: ReadonlySet<string>;
  /** What it had begun when it listened has had its first outcome, and has not ended it. */
  readonly settled: boolean;
  /** The main module is evaluated, top-level await included. */
  readonly evaluated: boolean;
  /** The program said `process.send('ready')`. */
  readonly announced: boolean;
  /** It has answered its HTTP check well. */
  readonly answered: boolean;
}

export interface ReadyWish {
  readonly mode: 'auto' | 'message' | 'http';
  /** The addresses that the worker's predecessor listened on; empty for the first generation and after a restart. */
  readonly expected: ReadonlySet<string>;
  /** Whether earlier workers of the group listened; null when there was none. */
  readonly groupListens: boolean | null;
}

export type Readiness =
  | { readonly is: 'ready' }
  | { readonly is: 'waiting' }
  /** It listens where it should: its HTTP check has the last word. */
  | { readonly is: 'to-ask' }
  | { readonly is: 'failed'; readonly error: ErrorInfo };

const READY: Readiness = { is: 'ready' };
const WAITING: Readiness = { is: 'waiting' };
const TO_ASK: Readiness = { is: 'to-ask' };

/**
 * `waiting` may also mean that the program listens later: only its boot time-out ends that. A worker that is evaluated,
 * listens somewhere, but not where its predecessor did has changed its address: what clients know would be refused.
 */
export function readiness(facts: ReadyFacts, wish: ReadyWish): Readiness {
  if (wish.mode === 'message') return facts.announced ? READY : WAITING;
  const missing = [...wish.expected].filter((key) => !facts.listening.has(key));
  if (missing.length > 0) {
    const extra = [...facts.listening].filter((key) => !wish.expected.has(key));
    if (!facts.evaluated || extra.length === 0) return WAITING;
    return { is: 'failed', error: addressesChanged(missing, extra) };
  }
  const isAsked = wish.mode === 'http' && !facts.answered;
  if (facts.listening.size > 0 && !facts.settled) return WAITING;
  if (facts.listening.size > 0) return isAsked ? TO_ASK : READY;
  if (isAsked) return WAITING;
  return facts.evaluated && wish.groupListens !== true ? READY : WAITING;
}

function addressesChanged(missing: readonly string[], extra: readonly string[]): ErrorInfo {
  return {
    code: 'addresses-changed',
    message: `The new code listens on ${extra.map(readable).join(', ')} instead of ${missing.map(readable).join(', ')}. A reload keeps addresses: restart the server ("Restart Server", or graceful-reload restart).`,
    file: null,
    line: null,
    column: null,
    stack: null,
  };
}

/** `tcp|::|3000` as a person writes it. */
export function readable(key: string): string {
  const [protocol, host = '', port = ''] = key.split('|');
  if (protocol === 'unix') return host;
  return host === '' || host === '::' || host === '0.0.0.0'
    ? `:${port}`
    : `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
