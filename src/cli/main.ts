/** The command line: reads the words, calls the control client, prints. `start` turns this very process into the master. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { ErrorCode } from '../protocol/control.ts';
import type { StartOptions } from '../protocol/startOptions.ts';
import { takeTaskStart } from '../protocol/taskStart.ts';
import { isUserError, messageOf } from '../protocol/userError.ts';
import { parseOptions, parseStart } from './arguments.ts';
import { runCommand } from './commands.ts';
import { helpText } from './help.ts';
import { releaseInspector } from './ownInspector.ts';
import { takeStartReport } from './startReport.ts';

const EXIT: Partial<Record<ErrorCode, number>> = { usage: 2, ambiguous: 1, 'no-server': 3 };
/** How long the last output is waited for to be read. */
const UNREAD_MS = 5000;

async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  if (command === undefined || command === '--help' || command === '-h' || command === 'help') {
    process.stdout.write(helpText);
    return command === undefined ? 2 : 0;
  }
  if (command === '--version' || command === '-v') {
    const { version } = JSON.parse(readFileSync(join(__dirname, '../package.json'), 'utf8')) as { version: string };
    process.stdout.write(`${version}\n`);
    return 0;
  }
  if (command === 'start') return start(rest);
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(helpText);
    return 0;
  }
  return runCommand(command, rest);
}

async function start(args: readonly string[]): Promise<number> {
  const report = takeStartReport(process.env);
  const task = takeTaskStart(process.env);
  const cwd = process.cwd();
  let script: string | undefined;
  try {
    const inspect = releaseInspector(process.env);
    const parsed = parseStart(args, cwd, inspect);
    if (parsed.help) {
      process.stdout.write(helpText);
      return 0;
    }
    script = parsed.options.script;
    if (parsed.note !== undefined) process.stdout.write(`graceful-reload  ${parsed.note}\n`);
    keepSmall();
    // At run time only: the other commands start without it.
    const master = require(join(__dirname, 'master.js')) as typeof import('../master/main.ts');
    const withSetting = (options: StartOptions): StartOptions => ({ ...options, defaultSpares: task?.spares });
    return await master.start(withSetting(parsed.options), {
      task,
      script: parsed.script,
      readWords: (words, folder) => withSetting(parseOptions(words, folder, inspect)),
    });
  } catch (error) {
    report.write(error, { cwd, script });
    throw error;
  }
}

/**
 * A master lives long and has little to do. V8 would let the space for new objects grow while it starts, and keep it: about
 * 5 MB more that are never needed again. The workers, which are programs of others, have the usual.
 */
function keepSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

const args = process.argv.slice(2);
void main(args)
  .catch((error: unknown) => {
    const code: ErrorCode = isUserError(error) ? error.code : 'internal';
    const message = messageOf(error);
    if (args.includes('--json') && args[0] !== 'start')
      process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
    else
      process.stderr.write(
        `graceful-reload: ${isUserError(error) ? message : `internal error: ${error instanceof Error ? error.stack : message}`}\n`,
      );
    return isUserError(error) ? (EXIT[error.code] ?? 1) : 1;
  })
  .then((code) => {
    process.exitCode = code;
    // Whatever is still open here must not keep a finished command alive; output that is being written is not cut.
    if (process.stdout.writableLength === 0) process.exit();
    process.stdout.once('drain', () => process.exit());
    setTimeout(() => process.exit(), UNREAD_MS);
  });
