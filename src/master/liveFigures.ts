/** Live figures of the workers, which cost them a little: asked for while somebody looks. */
import { setTimeout as delay } from 'node:timers/promises';
import { isServing } from '../core/pool.ts';
import type { Loop } from './loop.ts';

/** A worker writes its figures once a second; they are pushed together. */
const FIGURES_MS = 1000;
/** Who asks for the status waits this long at most for a worker that is busy. */
const FRESH_FIGURES_MS = 200;

export class LiveFigures {
  private readonly loop: Loop;
  private readonly isWatched: () => boolean;
  private timer: NodeJS.Timeout | undefined;

  constructor(loop: Loop, isWatched: () => boolean) {
    this.loop = loop;
    this.isWatched = isWatched;
  }

  askFor(on: boolean): void {
    for (const { process, worker } of this.loop.facts.handles.values())
      if (isServing(worker)) process.send({ t: 'figures', on });
  }

  /** For one who looks once: each worker tells its figures now, or is shown with its last ones. */
  async fresh(): Promise<void> {
    const ready = [...this.loop.facts.handles.values()].filter(({ worker }) => worker.state.kind === 'ready');
    const told = Promise.all(ready.map((handle) => handle.nextFigures()));
    this.askFor(true);
    await Promise.race([told, delay(FRESH_FIGURES_MS, undefined, { ref: false })]);
    if (!this.isWatched()) this.askFor(false);
  }

  onFigures(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.loop.changed();
    }, FIGURES_MS).unref();
  }

  dispose(): void {
    clearTimeout(this.timer);
  }
}
