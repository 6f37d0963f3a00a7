import type { ListenKey } from '../protocol/worker.ts';

/** libuv's number for pipes and Unix sockets among address types. */
export const PIPE = -1;

/** The same for every worker and generation of a group, also for `port: 0`: there the order of the calls tells them apart. */
export class AddressKeys {
  private readonly ordinals = new Map<string, number>();

  next(address: string | null, port: number | null, addressType: number): ListenKey {
    if (addressType === PIPE) return `unix|${address ?? ''}|`;
    const plain = `tcp|${address ?? ''}|${port ?? 0}`;
    if (port !== 0) return plain;
    const ordinal = (this.ordinals.get(plain) ?? 0) + 1;
    this.ordinals.set(plain, ordinal);
    return `${plain}#${ordinal}`;
  }
}
