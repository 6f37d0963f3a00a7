/** The master's own lines in the terminal. The problem matcher of the VS Code task reads them: a begin and an end line each stand alone. */
import { styleText } from 'node:util';
import type { Change } from '../core/change.ts';
import type { Exit, Slot } from '../core/pool.ts';
import type { Worker } from '../core/workerState.ts';
import { optionsText } from '../protocol/inWords.ts';
import type { Address, OptionChange, ReloadReport, Trigger } from '../protocol/status.ts';
import type { Output } from './output.ts';

type Style = 'green' | 'yellow' | 'red' | 'cyan';

export class Terminal {
  private readonly output: Output;
  private readonly hasColour: boolean;
  private readonly keysHint: string;

  /** @param keysHint stands behind the line that tells the server is ready; empty where nobody can type */
  constructor(output: Output, hasColour: boolean, keysHint: string) {
    this.output = output;
    this.hasColour = hasColour;
    this.keysHint = keysHint;
  }

  starting(what: string): void {
    this.say(`${what}  starting`);
  }

  ready(name: string, groups: number, workers: number, addresses: readonly Address[], ms: number): void {
    const urls = addresses.map(urlOf).join('  ');
    const parts = [
      name,
      'g1',
      `${count(groups, 'group')}, ${count(workers, 'worker')}`,
      urls,
      `ready in ${ms} ms`,
      this.keysHint,
    ];
    this.say(parts.filter((part) => part !== '').join('  '), 'green');
  }

  /** A program that was ready before it listened. */
  listens(name: string, address: Address): void {
    this.say(`${name}  listens on ${urlOf(address)}`, 'green');
  }

  /** A worker ended that nobody had asked to. @param now ms on the core's clock */
  exited(
    { group, slot, state }: Worker,
    { code, signal, error }: Exit,
    { backoff, crashes, stopped }: Slot,
    now: number,
  ): void {
    const how = signal === null ? `exited with code ${code ?? '?'}` : `was ended by ${signal}`;
    // One that was never there has neither.
    const what = code === null && signal === null ? error.message : `${group}#${slot} ${how}`;
    if (stopped) {
      this.say(`${what}: it is done, the next change starts it again`);
      return;
    }
    const reason =
      state.kind === 'ready' || error.message.includes(how) || what === error.message ? '' : `: ${error.message}`;
    const nth = crashes > 1 ? ` (${ordinal(crashes)} crash in a row)` : '';
    const at = backoff ? backoff.nextTryAt : now;
    const when = at === null ? 'with the next change' : at <= now ? 'at once' : `in ${seconds(at - now)}`;
    this.say(`${what}${reason}, starts again ${when}${nth}`, 'red');
  }

  unresponsive({ group, slot, state }: Worker, silentForMs: number): void {
    const then = state.kind === 'unresponsive' && state.killed ? ': killed, to be replaced' : '';
    this.say(
      `${group}#${slot} is unresponsive, its event loop has not turned for ${seconds(silentForMs)}${then}`,
      'red',
    );
  }

  responsive({ group, slot }: Worker): void {
    this.say(`${group}#${slot} is responsive again`, 'green');
  }

  failed(name: string, message: string): void {
    this.say(`${name}  failed: ${message}`, 'red');
  }

  began(change: Change): void {
    const what = change.kind === 'restart' ? '→ restarting' : `→ reloading ${[...change.scope.keys()].join(', ')}`;
    this.say(`g${change.generation}  ${triggerText(change.trigger)}  ${what}`);
  }

  /**
   * @param wanted workers it concerned
   * @param served the newest generation that serves, 0 = none
   */
  ended(change: Change, report: ReloadReport, wanted: number, served: number, next: number | null): void {
    const g = `g${change.generation}`;
    switch (report.result) {
      case 'done': {
        const first = report.firstReadyMs === null ? '' : `, first ready after ${report.firstReadyMs} ms`;
        const moved = report.movedConnections > 0 ? `, ${count(report.movedConnections, 'connection')} moved` : '';
        const cut = report.forcedConnections > 0 ? `, ${count(report.forcedConnections, 'connection')} cut` : '';
        this.say(
          `${g}  ${report.groups.join(', ')} ${report.replaced}/${wanted} done in ${report.durationMs} ms${first}${moved}${cut}`,
          'green',
        );
        return;
      }
      case 'rejected': {
        const at = report.error?.file ? ` at ${placeText(report.error)}` : '';
        // A sentence of its own goes on in this one.
        const message = (report.error?.message ?? 'no reason').replace(/\.$/, '');
        const mixed = report.replaced > 0 ? `, ${report.replaced} replaced` : '';
        const rest = served === 0 ? 'no worker serves until the next change' : 'the old workers serve on';
        this.say(`${g}  rejected: ${message}${at}${mixed}, ${rest}`, 'red');
        return;
      }
      case 'superseded':
        this.say(`${g}  superseded by g${next ?? change.generation + 1}`, 'yellow');
        return;
      case 'stopped':
        return;
    }
  }

  needsRestart(file: string, chain: readonly string[]): void {
    const via = chain.length > 1 ? ` (imported by ${chain[chain.length - 2]})` : '';
    this.say(`${file} changed: needs a restart${via}`, 'yellow');
  }

  optionsChanged(file: string, options: readonly OptionChange[]): void {
    this.say(`${file} changed: needs a restart (${optionsText(options)})`, 'yellow');
  }

  paused(name: string): void {
    this.say(`${name}  paused: changes are remembered, not acted on`, 'yellow');
  }

  resumed(name: string): void {
    this.say(`${name}  resumed`);
  }

  leftAlone(file: string, exclude: string): void {
    this.say(
      `${file} changes with each reload that it causes: left alone until it is saved in an editor or a reload is asked for. If the program writes it, exclude it: --exclude "${exclude}"`,
      'yellow',
    );
  }

  note(text: string, style?: Style): void {
    this.say(text, style);
  }

  stopping(name: string): void {
    this.say(`${name}  stopping`);
  }

  stopped(name: string, workers: number, forced: number): void {
    this.say(`${name}  stopped, ${count(workers, 'worker')}${forced > 0 ? ` (${forced} killed)` : ''}`);
  }

  private say(text: string, style?: Style): void {
    const head = this.hasColour ? styleText('bold', 'graceful-reload') : 'graceful-reload';
    this.output.line(`${head}  ${style && this.hasColour ? styleText(style, text) : text}`);
  }
}

export function urlOf({ protocol, host, port }: Address): string {
  if (protocol === 'unix') return host;
  const isEverywhere = host === '::' || host === '0.0.0.0' || host === '';
  const name =
    isEverywhere || host === '127.0.0.1' || host === '::1' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return protocol === 'udp' ? `udp ${name}:${port}` : `http://${name}:${port}`;
}

export function placeText({
  file,
  line,
  column,
}: {
  file: string | null;
  line: number | null;
  column: number | null;
}): string {
  return [file, line, column].filter((part) => part !== null).join(':');
}

function triggerText({ kind, files }: Trigger): string {
  const [first, ...more] = files;
  const what = first === undefined ? '' : more.length === 0 ? first : `${first} and ${count(more.length, 'more file')}`;
  switch (kind) {
    case 'save':
      return `${what} saved`;
    case 'change':
      return `${what} changed`;
    case 'crash':
      return 'a worker crashed';
    case 'command':
    case 'restart':
      return what === '' ? 'asked for' : `asked for, with ${what}`;
  }
}

function ordinal(number: number): string {
  const suffix = { one: 'st', two: 'nd', few: 'rd', other: 'th' } as Record<string, string>;
  return `${number}${suffix[new Intl.PluralRules('en', { type: 'ordinal' }).select(number)]}`;
}

function seconds(ms: number): string {
  return ms < 950 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1000)} s`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
