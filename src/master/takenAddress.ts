/** Why a worker cannot listen where it wants to: who holds the address, and what to do about it. */
import { readable } from '../core/readiness.ts';
import { portHolder } from '../platform/portHolder.ts';
import type { FromWorker } from '../protocol/workerMessages.ts';
import { serverOf } from './registryEntry.ts';

type Need = Extract<FromWorker, { t: 'need' }>;

/** @param owner the group of this server that listens there */
export function takenText(
  { key, host, port }: Pick<Need, 'key' | 'host' | 'port'>,
  code: string,
  owner?: string,
): string {
  const what = `listen ${code}: address already in use ${readable(key)}`;
  if (owner !== undefined) return `${what} (by group "${owner}" of this server)`;
  return `${what}. ${holderText(port, host)}`;
}

function holderText(port: number | null, host: string | null): string {
  if (port === null) return 'Stop what holds it, or remove it if nothing does.';
  const holder = portHolder(port, host);
  if (!holder) return 'Stop what holds it, or choose another port.';
  if (holder.pids.includes(process.pid)) return `This server itself holds port ${port}, at another address.`;
  const server = serverOf(holder.pids);
  if (!server) return `Port ${port} is taken by ${holder.text}. Stop it, or choose another port.`;
  const { name, pid, cwd } = server;
  return `Port ${port} is taken by the server "${name}" of Graceful Reload (pid ${pid}, ${cwd}). Stop it with: graceful-reload stop --server ${pid}`;
}
