/** What the keys of the terminal do: the same requests that clients send; a refusal is told where the key was typed. */
import { openInBrowser } from '../platform/terminal.ts';
import { statusText } from '../protocol/inWords.ts';
import type { Address } from '../protocol/status.ts';
import { messageOf } from '../protocol/userError.ts';
import type { ControlHandlers } from './controlServer.ts';
import type { KeyActions } from './keys.ts';
import { urlOf, type Terminal } from './terminal.ts';

export interface KeyActionParts {
  readonly handlers: Pick<ControlHandlers, 'reload' | 'restart' | 'status'>;
  readonly addresses: () => readonly Address[];
  readonly stop: () => void;
  readonly terminal: Terminal;
}

export function keyActionsOf({ handlers, addresses, stop, terminal }: KeyActionParts): KeyActions {
  const run = (act: () => unknown) => (): void => {
    void (async () => {
      try {
        await act();
      } catch (error) {
        terminal.note(messageOf(error), 'red');
      }
    })();
  };
  /** The terminal asks as a client of its own. */
  const client = {};
  return {
    reload: run(() => handlers.reload({}, client)),
    restart: run(() => handlers.restart({}, client)),
    status: run(async () => {
      for (const line of statusText(await handlers.status({}, client)).split('\n')) terminal.note(line);
    }),
    open: run(async () => {
      const url = addresses()
        .filter(({ protocol }) => protocol === 'tcp')
        .map(urlOf)[0];
      if (url === undefined) terminal.note('There is no address that a browser could open.', 'yellow');
      else
        await openInBrowser(url).then(
          () => terminal.note(`opened ${url}`),
          () => terminal.note(`No browser was found here. Open ${url} yourself, or name one in BROWSER.`, 'yellow'),
        );
    }),
    quit: stop,
  };
}
