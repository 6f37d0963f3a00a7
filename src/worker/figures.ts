/** Live figures of a worker, once a second, only while the master asks for them. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Channel } from './channel.ts';
import type { Connections } from './connections.ts';

const INTERVAL_MS = 1000;
/** `monitorEventLoopDelay` reports the whole interval between two samples. */
const RESOLUTION_MS = 20;

export function installFigures(channel: Channel, connections: Connections): void {
  let timer: NodeJS.Timeout | undefined;
  let delay: ReturnType<typeof monitorEventLoopDelay> | undefined;
  let last = { cpu: process.cpuUsage(), at: performance.now() };

  const tell = (): void => {
    const at = performance.now();
    const used = process.cpuUsage(last.cpu);
    const cpu = (used.user + used.system) / 1000 / Math.max(1, at - last.at);
    last = { cpu: process.cpuUsage(), at };
    const mean = delay?.mean ?? Number.NaN;
    delay?.reset();
    channel.send({
      t: 'figures',
      requests: connections.requests,
      inFlight: connections.inFlight,
      connections: connections.count,
      rss: process.memoryUsage.rss(),
      cpu: Math.round(cpu * 1000) / 1000,
      eventLoopLagMs: Number.isNaN(mean) ? 0 : Math.max(0, Math.round((mean / 1e6 - RESOLUTION_MS) * 10) / 10),
    });
  };

  channel.on('figures', ({ on }) => {
    if (on && timer) {
      tell();
    } else if (on) {
      delay ??= monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      delay.enable();
      timer = setInterval(tell, INTERVAL_MS);
      timer.unref();
      tell();
    } else {
      clearInterval(timer);
      timer = undefined;
      delay?.disable();
    }
  });
}
