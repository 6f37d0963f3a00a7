/**
 * How a server is found: one file per server in the runtime folder, written by the master and read by every client. The
 * folder is per user and the same for every program of that user (not TMPDIR or XDG, which differ between VS Code, ssh
 * and graphical shells).
 */
import * as z from 'zod';

export const REGISTRY_VERSION = 1;
/** Replaces the runtime folder, for tests and for machines without a writable /tmp. */
export const RUNTIME_DIR_VARIABLE = 'GRACEFUL_RELOAD_RUNTIME_DIR';

export const registryEntrySchema = z.object({
  version: z.literal(REGISTRY_VERSION),
  pid: z.number().int().positive(),
  /** When the process started, as the operating system tells it, so that a reused pid is not taken for the server. */
  processStart: z.string(),
  /** Whose numbers the pids are: containers may share the runtime folder, but not their pids. */
  pidSpace: z.string().optional(),
  name: z.string(),
  /** Real path of the start folder. */
  cwd: z.string(),
  /** Real path of the file that was started. */
  script: z.string(),
  socket: z.string(),
  token: z.string(),
  startedAt: z.string(),
});
export type RegistryEntry = z.infer<typeof registryEntrySchema>;
