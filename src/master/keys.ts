/**
 * Keys in the terminal that the server was started in, each with Enter, as in Vite, and `rs` as in nodemon. Whole lines
 * are read: without raw mode Ctrl+C and all else of the terminal stay as they are.
 */
import { createInterface, type Interface } from 'node:readline';
import { isInForeground } from '../platform/terminal.ts';

export type Key = 'reload' | 'restart' | 'status' | 'open' | 'help' | 'quit';

/** What the keys do. What comes of a reload or a restart stands in the terminal anyway. */
export type KeyActions = Readonly<Record<Exclude<Key, 'help'>, () => void>>;

export const KEYS_HINT = 'h + Enter: keys';
const KEYS_HELP =
  'keys, each with Enter: r (or rs) reload  ·  R restart  ·  l (or s) status  ·  o open in browser  ·  h help  ·  q quit';

/** Undefined: no such key. */
export function keyOf(line: string): Key | undefined {
  switch (line.trim()) {
    case 'r':
    case 'rs':
      return 'reload';
    case 'R':
      return 'restart';
    case 'l':
    case 's':
      return 'status';
    case 'o':
      return 'open';
    case 'h':
    case '?':
      return 'help';
    case 'q':
      return 'quit';
    default:
      return undefined;
  }
}

export class Keys {
  private readonly lines: Interface;
  private readonly onContinued = (): void => this.listen();

  /**
   * @param input the terminal
   * @param say a line of our own in it
   */
  constructor(input: NodeJS.ReadStream, actions: KeyActions, say: (text: string) => void) {
    this.lines = createInterface({ input });
    // A terminal that has gone says so by SIGHUP as well.
    input.on('error', () => this.dispose());
    this.lines.on('line', (line) => {
      const key = keyOf(line);
      if (key === undefined) {
        // An empty line is how people make room in a terminal.
        if (line.trim() !== '') say(`"${line.trim()}" is no key. ${KEYS_HELP}`);
      } else if (key === 'help') say(KEYS_HELP);
      else actions[key]();
    });
    // The server goes on until it is told to end, and does not wait for keys then.
    input.unref();
    this.listen();
    // After Ctrl+Z and `bg` the keys belong to the shell, and reading them would suspend us; after `fg` they are ours again.
    if (process.platform !== 'win32') process.on('SIGCONT', this.onContinued);
  }

  private listen(): void {
    if (isInForeground()) this.lines.resume();
    else this.lines.pause();
  }

  dispose(): void {
    process.off('SIGCONT', this.onContinued);
    this.lines.close();
  }
}
