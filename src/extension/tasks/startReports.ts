/** Where the command line tells why a start failed; see protocol/startReport. One file per task, in the extension's own storage. */
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startReportSchema, type StartReport } from '../../protocol/startReport.ts';
import { taskKey, type ServerTaskDefinition } from './definition.ts';

/** The same for every run of the task, so that a window that was reloaded meanwhile still knows it. */
export function startReportPath(storage: string, folder: string, definition: ServerTaskDefinition): string {
  const id = createHash('sha1')
    .update(`${folder}\0${taskKey(definition)}`)
    .digest('hex')
    .slice(0, 16);
  return join(storage, `start-${id}.json`);
}

/** Reads the report and removes it; undefined when the start said nothing. */
export async function readStartReport(path: string): Promise<StartReport | undefined> {
  try {
    const report = startReportSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return report.data;
  } catch {
    return undefined;
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}
