/** The terminal that this process runs in. Windows and macOS: from the documentation, untested. */
import { readFileSync } from 'node:fs';
import open from 'open';

/** Whether what is typed is for this process: one in the background that reads the terminal is suspended (SIGTTIN). */
export function isInForeground(): boolean {
  // Windows has no such thing; elsewhere than on Linux nothing tells it without a native module.
  if (process.platform !== 'linux') return true;
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    // Behind the program's name: state, parent, process group, session, terminal, the terminal's foreground group.
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return true;
  }
}

/**
 * Opens an address in the person's browser, by the package `open`, which knows the ways of each system and of WSL. A
 * terminal may name a browser of its own: that of a remote VS Code leads to the one that the person sits at.
 *
 * @throws Error when there is none
 */
export async function openInBrowser(url: string): Promise<void> {
  const name = process.env['BROWSER'];
  await open(url, name === undefined || name === '' ? {} : { app: { name } });
}
