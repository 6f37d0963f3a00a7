/**
 * Tells whether the event loop of a worker turns: asks it now and then, and nothing more happens as long as it answers.
 * A worker that does not turn its loop cannot tell so itself.
 */
export interface HeartbeatParts {
  /** Without an answer for this long it is silent. */
  readonly silentAfterMs: number;
  readonly ask: () => void;
  /** A worker that a debugger holds is not judged. */
  readonly isExempt: () => boolean;
  /** Its event loop is not known to have turned for `silentForMs`. */
  readonly onSilent: (silentForMs: number) => void;
  readonly onBack: () => void;
}

/** Asked this often within the time that it may be silent. */
const ASKS = 4;

export class Heartbeat {
  private readonly parts: HeartbeatParts;
  private readonly timer: NodeJS.Timeout;
  private readonly intervalMs: number;
  private lastLook = performance.now();
  private lastTurn = performance.now();
  private isAsked = false;
  private isSilent = false;

  constructor(parts: HeartbeatParts) {
    this.parts = parts;
    this.intervalMs = Math.max(10, parts.silentAfterMs / ASKS);
    this.timer = setInterval(() => this.look(), this.intervalMs).unref();
  }

  /** It has answered. */
  onTurn(): void {
    this.isAsked = false;
    this.lastTurn = performance.now();
    if (!this.isSilent) return;
    this.isSilent = false;
    this.parts.onBack();
  }

  dispose(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const now = performance.now();
    // When this process itself stood still (a stopped job, a sleeping machine), the answer may lie here unread.
    const stoodStill = now - this.lastLook > 2 * this.intervalMs;
    this.lastLook = now;
    if (stoodStill || this.parts.isExempt()) this.lastTurn = now;
    if (!this.isSilent && now - this.lastTurn >= this.parts.silentAfterMs) {
      this.isSilent = true;
      this.parts.onSilent(now - this.lastTurn);
    }
    // One question is enough: a process that does not read must not get its pipe filled.
    if (this.isAsked) return;
    this.isAsked = true;
    this.parts.ask();
  }
}
