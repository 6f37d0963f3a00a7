/** Reads along what an inspector sends to its client, for one thing: whether the program stands still. */

/** As V8 begins such a message; within text the quotes would be escaped. */
const PAUSED = '{"method":"Debugger.paused"';
const RESUMED = '{"method":"Debugger.resumed"';
const LOOK = Math.max(PAUSED.length, RESUMED.length);
const END_OF_HEAD = '\r\n\r\n';

export class DebuggerFrames {
  isPaused = false;
  private rest: Buffer = Buffer.alloc(0);
  private skip = 0;
  private isUpgraded = false;

  /** Takes the next bytes: the answer to the upgrade, then frames of a WebSocket server (RFC 6455), which are not masked. */
  take(chunk: Buffer): void {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    while (this.next());
  }

  private next(): boolean {
    const dropped = Math.min(this.skip, this.rest.length);
    this.rest = this.rest.subarray(dropped);
    this.skip -= dropped;
    if (this.skip > 0) return false;
    if (!this.isUpgraded) {
      const end = this.rest.indexOf(END_OF_HEAD);
      if (end < 0) return false;
      this.isUpgraded = true;
      this.skip = end + END_OF_HEAD.length;
      return true;
    }
    const short = (this.rest[1] ?? 0) & 0x7f;
    const head = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (this.rest.length < head) return false;
    const length =
      short === 126 ? this.rest.readUInt16BE(2) : short === 127 ? Number(this.rest.readBigUInt64BE(2)) : short;
    const looked = Math.min(length, LOOK);
    if (this.rest.length < head + looked) return false;
    const begin = this.rest.toString('latin1', head, head + looked);
    if (begin.startsWith(PAUSED)) this.isPaused = true;
    if (begin.startsWith(RESUMED)) this.isPaused = false;
    this.skip = head + length;
    return true;
  }
}
