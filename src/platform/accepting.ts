/** Who accepts connections: each worker on a shared handle, or the master, which passes them on. */
import { isWindows } from './processes.ts';

/**
 * On Windows a shared listening handle has accepts pending in each process, and a worker that goes away may take one with
 * it; so the master accepts there. The variable makes it do so elsewhere, for tests.
 */
export const acceptsInMaster = isWindows || process.env['GRACEFUL_RELOAD_ACCEPT'] === 'master';
