/** A script of package.json as the commands that a shell would run. What only a shell can tell makes it unreadable. */
import { parse, quote, type ControlOperator, type ParseEntry } from 'shell-quote';

export interface Command {
  readonly words: readonly string[];
  /** What stands behind it. */
  readonly then: '&&' | ';' | '&' | '|' | null;
}

/** Undefined when it holds variables, substitutions, redirections or conditions: what it does then depends on more than itself. */
export function commandsOf(script: string): Command[] | undefined {
  const commands: Command[] = [];
  let words: string[] = [];
  for (const token of tokensOf(script) ?? [UNREADABLE]) {
    if (typeof token === 'string') {
      if (token.includes('`')) return undefined;
      words.push(token);
    } else if ('comment' in token) {
      break;
    } else if ('pattern' in token) {
      words.push(token.pattern);
    } else if (isConnector(token.op)) {
      if (words.length === 0) return undefined;
      commands.push({ words, then: token.op });
      words = [];
    } else {
      return undefined;
    }
  }
  if (words.length > 0) commands.push({ words, then: null });
  return commands;
}

/** Nothing in it means anything to a shell. */
const PLAIN = /^[\w@%+=:,./-]+$/;

export function commandText(words: readonly string[]): string {
  return words.map((word) => (PLAIN.test(word) ? word : quote([word]))).join(' ');
}

/** Stands for what depends on the environment. */
const UNREADABLE: ControlOperator = { op: '(' };

function tokensOf(script: string): ParseEntry[] | undefined {
  // Windows paths: to a POSIX shell, a backslash before a letter means nothing.
  const text = script.replace(/\\(?=[\w.@])/g, '/').replace(/\s\d?>&\d(?=\s|$)/g, ' ');
  try {
    return parse<ControlOperator>(text, (name) => (name === '' ? '$' : UNREADABLE));
  } catch {
    return undefined;
  }
}

function isConnector(op: string): op is '&&' | ';' | '&' | '|' {
  return op === '&&' || op === ';' || op === '&' || op === '|';
}
