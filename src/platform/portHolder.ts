/** Who listens on a port, where the system tells it: on Linux. Elsewhere nothing is known. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { basename } from 'node:path';

/** Of a command line; the rest says little. */
const LONGEST_COMMAND = 120;
const LISTENS = '0A';
const ANYWHERE = /^0+$/;

export interface PortHolder {
  /** All that share the socket: a server that hands it to its children is one of them. */
  readonly pids: readonly number[];
  /** Such as `node (pid 1234, /home/me/app: node server.js)`. */
  readonly text: string;
}

/** @param host null: every address */
export function portHolder(port: number, host: string | null): PortHolder | undefined {
  if (process.platform !== 'linux') return undefined;
  const sockets = ['tcp', 'tcp6'].flatMap((table) => listening(table, port, host));
  const links = new Set(sockets.map(({ inode }) => `socket:[${inode}]`));
  const pids = links.size === 0 ? [] : processes().filter((pid) => hasOpen(pid, links));
  const first = pids[0];
  if (first !== undefined) return { pids, text: describe(first) };
  // What others have open only they and root may see.
  const uid = sockets.find((socket) => socket.uid !== process.getuid?.())?.uid;
  return uid === undefined ? undefined : { pids: [], text: `a process of another user (uid ${uid})` };
}

/** From the kernel's table: `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode ...`. */
function listening(table: string, port: number, host: string | null): { uid: number; inode: string }[] {
  const wanted = host !== null && isIPv4(host) ? hexOf(host) : '';
  return read(`/proc/net/${table}`)
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state, , , , uid, , inode] = line.trim().split(/\s+/);
      const [address = '', at = ''] = local.split(':');
      const isThere = parseInt(at, 16) === port && state === LISTENS && inode !== undefined;
      const isMeant = ANYWHERE.test(wanted) || ANYWHERE.test(address) || address.endsWith(wanted);
      return isThere && isMeant ? [{ uid: Number(uid), inode }] : [];
    });
}

/** As the table has it: the lowest byte first. */
function hexOf(address: string): string {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return bytes.reverse().join('').toUpperCase();
}

function processes(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

function hasOpen(pid: number, links: ReadonlySet<string>): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((name) => links.has(linkOf(`${folder}/${name}`)));
  } catch {
    return false;
  }
}

function describe(pid: number): string {
  const words = read(`/proc/${pid}/cmdline`).split('\0').join(' ').trim();
  const command = words.length > LONGEST_COMMAND ? `${words.slice(0, LONGEST_COMMAND)}…` : words;
  const name = basename(linkOf(`/proc/${pid}/exe`)) || read(`/proc/${pid}/comm`).trim();
  return `${name} (pid ${pid}, ${linkOf(`/proc/${pid}/cwd`)}: ${command})`;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
