/**
 * What other programs find this server by stays where it belongs: whoever cleans up /tmp may take the entry and the
 * socket away, which hurts nobody who is connected and leaves everybody else without the server.
 */
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { isWindows } from '../platform/processes.ts';
import { messageOf } from '../protocol/userError.ts';
import { CalmLog } from './calmLog.ts';
import type { ControlServer } from './controlServer.ts';
import type { Logger } from './logger.ts';
import type { RegistryFile } from './registryEntry.ts';

/** Two questions to the file system; a watch would have to be opened anew with each folder. */
const LOOK_MS = 1000;

interface Parts {
  readonly registry: RegistryFile;
  readonly control: ControlServer;
  readonly log: Logger;
}

export class Presence {
  private readonly parts: Parts;
  private readonly log: CalmLog;
  private readonly timer: NodeJS.Timeout;
  private isOver = false;
  private isLooking = false;
  /** Why it could not be written the last time, which is told once. */
  private trouble: string | undefined;

  constructor(parts: Parts) {
    this.parts = parts;
    this.log = new CalmLog(parts.log);
    this.timer = setInterval(() => void this.look(), LOOK_MS).unref();
  }

  dispose(): void {
    this.isOver = true;
    clearInterval(this.timer);
    this.log.dispose();
  }

  private async look(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    const { registry, control } = this.parts;
    const { socket } = registry.entry;
    try {
      const isNew = await registry.restore();
      if (this.isOver) return;
      const isOpen = isSocket(socket);
      if (!isOpen) await control.listen(socket);
      if (isNew || !isOpen)
        this.log.error(`somebody has cleaned up ${dirname(socket)}; other commands find this server there again`);
      this.trouble = undefined;
    } catch (error) {
      if (this.trouble === undefined)
        this.log.error(`other commands do not find this server: ${messageOf(error)} It goes on, and tries again.`);
      this.trouble = messageOf(error);
    } finally {
      this.isLooking = false;
    }
  }
}

function isSocket(path: string): boolean {
  return isWindows || (lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false);
}
