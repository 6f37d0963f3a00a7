/** What became of each worker process, for those who look back: the timeline is drawn from it. */
import type { Worker } from '../core/workerState.ts';
import type { WorkerLife } from '../protocol/status.ts';

/** Ended ones that are remembered: some dozens of reloads of a few workers, or a few reloads of 64. */
const LONGEST_MEMORY = 400;

type Life = { -readonly [K in keyof WorkerLife]: WorkerLife[K] };

export class Lives {
  private readonly running = new Map<number, Life>();
  private past: Life[] = [];
  private readonly cut = new Set<number>();

  /** The processes so far only found out what the script is. */
  clear(): void {
    this.running.clear();
    this.past = [];
  }

  /** @param at wall clock, ms */
  began({ id, group, slot, generation }: Worker, pid: number | null, at: number): void {
    const startedAt = iso(at);
    this.running.set(id, {
      ...{ group, slot, pid, generation, startedAt },
      ...{ servedAt: null, drainingAt: null, endedAt: null, end: null },
    });
  }

  serves(id: number, at: number): void {
    const life = this.running.get(id);
    if (life) life.servedAt ??= iso(at);
  }

  drains(id: number, at: number): void {
    const life = this.running.get(id);
    if (life) life.drainingAt ??= iso(at);
  }

  killed(id: number): void {
    this.cut.add(id);
  }

  ended(id: number, at: number): void {
    const life = this.running.get(id);
    if (!life) return;
    this.running.delete(id);
    life.endedAt = iso(at);
    if (this.cut.delete(id)) life.end = 'killed';
    else if (life.servedAt === null) life.end = 'unready';
    else life.end = life.drainingAt === null ? 'crashed' : 'left';
    this.past = [...this.past, life].slice(-LONGEST_MEMORY);
  }

  /** In the order in which they ended; those that run come last. */
  list(): WorkerLife[] {
    return [...this.past, ...this.running.values()];
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
