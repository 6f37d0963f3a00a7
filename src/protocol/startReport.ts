/**
 * How a failed `start` tells whoever started it, as data: the file that this variable names. A terminal shows the error
 * to people; an editor that runs the command in a task learns from it only the exit code.
 */
import * as z from 'zod';
import { errorCodes } from './control.ts';

/** Path of the file to write. Taken out of the environment before anything else is started. */
export const START_REPORT_VARIABLE = 'GRACEFUL_RELOAD_REPORT';

export const startReportSchema = z.object({
  version: z.literal(1),
  code: z.enum(errorCodes),
  message: z.string(),
  /** Start folder; `file` is relative to it where it lies below it. */
  cwd: z.string(),
  /** Real path of the file that was to be started; null when there is none. */
  script: z.string().nullable(),
  /** Where the cause is, as far as it is known. */
  file: z.string().nullable(),
  line: z.number().nullable(),
  column: z.number().nullable(),
});
export type StartReport = z.infer<typeof startReportSchema>;
