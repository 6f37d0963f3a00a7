/** `--inspect` as it is asked for: on the command line, in a task, or among the flags for Node. */
import { UserError } from './userError.ts';

export interface InspectWish {
  readonly host: string;
  /** Of the first worker; the others have the ports after it. 0 = any. */
  readonly port: number;
  /** `--inspect-brk`: the first generation waits for a debugger, and stops in the first line. */
  readonly breaks: boolean;
}

export const DEFAULT_INSPECT_PORT = 9229;
const LOCAL = '127.0.0.1';
/** `9230`, `localhost`, `0.0.0.0:9230`, `[::1]:9230` */
const ADDRESS = /^(?:(\[[\da-f:]+\]|[\w.-]*[a-z.][\w.-]*)(?::(?=\d)|$))?(\d+)?$/i;
const FLAG = /^--(inspect|inspect-brk|inspect-wait|inspect-port|debug-port)(?:=(.*))?$/;

/**
 * @param flag with its value: `--inspect`, `--inspect=9230`, `--inspect-brk=0.0.0.0:9230`
 * @throws UserError `usage`
 */
export function parseInspect(flag: string): InspectWish | undefined {
  const [, name, value] = FLAG.exec(flag) ?? [];
  if (name === undefined) return undefined;
  const [, host = LOCAL, digits = String(DEFAULT_INSPECT_PORT)] = ADDRESS.exec(value ?? '') ?? [];
  const port = Number(digits);
  if (value !== undefined && (!ADDRESS.test(value) || value === '' || port > 65_535))
    throw new UserError('usage', `--${name} takes a port or host:port, such as --${name}=9230, not "${value}".`);
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port, breaks: name === 'inspect-brk' || name === 'inspect-wait' };
}

/**
 * Takes the flags for the inspector out of flags for Node: with them as they are every worker would want the same port.
 *
 * @throws UserError `usage`
 */
export function takeInspect(nodeArgs: readonly string[]): { rest: string[]; wish: InspectWish | undefined } {
  const rest = nodeArgs.filter((flag) => !FLAG.test(flag));
  const wishes = nodeArgs.flatMap((flag) => parseInspect(flag) ?? []);
  const last = wishes.at(-1);
  return { rest, wish: last && { ...last, breaks: wishes.some(({ breaks }) => breaks) } };
}
