/**
 * The inspector of this process, opened when the master asks for it. It listens on a port that only the master knows of:
 * debuggers come through the master's own port, so that it knows whether one is connected even while all stands still
 * at a breakpoint.
 */
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { ReportPipe } from '../tracking/reportPipe.ts';
import type { Channel } from './channel.ts';

const inspector = (): typeof import('node:inspector') => process.getBuiltinModule('node:inspector');

export class Inspector {
  private readonly reports: ReportPipe;
  private breaks = false;
  private tellsEnd = false;

  constructor(channel: Channel, reports: ReportPipe) {
    this.reports = reports;
    channel.on('inspect', ({ breaks }) => {
      this.breaks = breaks;
      channel.send({ t: 'inspecting', url: this.open() });
      this.tellEnd();
    });
    if (this.foreign !== null) this.tellEnd();
  }

  /** VS Code's bootloader came first: a debugger is connected past the master. */
  get foreign(): string | null {
    return process.env['VSCODE_INSPECTOR_OPTIONS'] === undefined ? null : (inspector().url() ?? null);
  }

  /** Waits for the debugger that was asked for, and has it stop in the first line of the entry. */
  beforeEntry(): void {
    if (!this.breaks) return;
    inspector().waitForDebugger();
    const path = realpathSync(process.argv[1]!);
    const session = new (inspector().Session)();
    session.connect();
    session.post('Debugger.enable');
    const urlRegex = `^(?:${escape(path)}|${escape(pathToFileURL(path).href)})(?:\\?.*)?$`;
    session.post('Debugger.setBreakpointByUrl', { urlRegex, lineNumber: 0, columnNumber: 0 });
    // The pause is that of all sessions; ours only set the breakpoint, which goes with it.
    session.once('Debugger.paused', () => session.disconnect());
  }

  private open(): string | null {
    try {
      const url = inspector().url();
      if (url !== undefined) return url;
      inspector().open(0, '127.0.0.1');
      return inspector().url() ?? null;
    } catch {
      // A Node without inspector, or without a free port.
      return null;
    }
  }

  /** Node waits at the end until the debugger has let go. */
  private tellEnd(): void {
    if (this.tellsEnd) return;
    this.tellsEnd = true;
    process.once('exit', () => {
      this.reports.write({ r: 'exiting' });
      this.reports.flush();
    });
  }
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
