/** The Stop command: asks over the wire and waits, and ends the task only when the master does not answer. */
import { t } from '@vscode/l10n';
import type { Session } from '../session.ts';
import { UserError } from '../../protocol/userError.ts';
import type { Runs } from '../tasks/runs.ts';

/** A master answers a status request in a few milliseconds, also while it drains. */
const ANSWER_MS = 5000;

/** @throws UserError when the server neither answers nor has a task here that could be ended */
export async function stopServer(session: Session, runs: Runs): Promise<void> {
  await runs.reconnection.until(session.entry.pid);
  if (await answers(session)) {
    // May take as long as the drain timeout: requests in flight are still being answered.
    await session.request('stop', {}).catch((error: unknown) => {
      // The answer and the end of the connection race each other; a server that is gone has done what was asked.
      if (session.isConnected) throw error;
    });
    return;
  }
  const execution = await runs.executionFor(session);
  if (!execution) {
    const { name, pid } = session.entry;
    throw new UserError(
      'timeout',
      t('{0} (pid {1}) does not answer and was not started in this window. End the process by hand.', name, pid),
    );
  }
  execution.terminate();
}

async function answers(session: Session): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((done) => (timer = setTimeout(() => done(false), ANSWER_MS)));
  const answer = session.request('status', {}).then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
