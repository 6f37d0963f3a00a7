/** By group: the packages that its spares load ahead of the program, learned from the workers that serve. */
import type { Dependency, Report } from '../protocol/workerMessages.ts';
import type { Terminal } from './terminal.ts';

/** What the spares of a group load ahead. */
export interface Ahead {
  readonly dependencies: readonly Dependency[];
  readonly isCommonJs: boolean;
}

/** A program that starts in less has no packages that it would be worth while for. */
const SHORT_START_MS = 50;
/** Nor has one whose packages load in less. */
const SHORT_LOAD_MS = 20;

interface Memory {
  ahead: Ahead;
  /** Files of packages that have to be loaded by the program itself. */
  readonly leftOut: Set<string>;
  /** Undefined until it is known. */
  isWorthIt: boolean | undefined;
  isToldOfTrouble: boolean;
}

export class Aheads {
  private readonly terminal: Terminal;
  private readonly groups = new Map<string, Memory>();

  constructor(terminal: Terminal) {
    this.terminal = terminal;
  }

  /** What the group's spares are to load; undefined: nothing. */
  of(group: string): Ahead | undefined {
    const memory = this.groups.get(group);
    if (!memory?.isWorthIt) return undefined;
    const dependencies = memory.ahead.dependencies.filter(({ file }) => !memory.leftOut.has(file));
    return dependencies.length === 0 ? undefined : { ...memory.ahead, dependencies };
  }

  /**
   * A worker serves that has loaded these.
   *
   * @param tookMs from its entry until it was ready; undefined when it had loaded packages ahead
   */
  learn(group: string, ahead: Ahead, tookMs: number | undefined): void {
    const memory = this.memory(group);
    memory.ahead = ahead;
    if (tookMs !== undefined && memory.isWorthIt !== true) memory.isWorthIt = tookMs >= SHORT_START_MS;
  }

  /** A spare has loaded them in that time. */
  loaded(group: string, ms: number): void {
    if (ms < SHORT_LOAD_MS) this.memory(group).isWorthIt = false;
  }

  /** It is of no use for these files, or for all of them when it is not known for which. */
  refuse(group: string, report: Extract<Report, { r: 'cold' }> | undefined): void {
    const memory = this.memory(group);
    const files = report?.leaveOut ?? memory.ahead.dependencies.map(({ file }) => file);
    for (const file of files) memory.leftOut.add(file);
    if (memory.isToldOfTrouble || (report && files.length === 0)) return;
    memory.isToldOfTrouble = true;
    const why = report?.why ?? 'a spare has ended over it';
    this.terminal.note(`${group} does not load all packages ahead of a reload: ${why}`);
  }

  /** After a restart everything may be another. */
  forget(): void {
    this.groups.clear();
  }

  private memory(group: string): Memory {
    let memory = this.groups.get(group);
    if (!memory) {
      const ahead: Ahead = { dependencies: [], isCommonJs: true };
      memory = { ahead, leftOut: new Set(), isWorthIt: undefined, isToldOfTrouble: false };
      this.groups.set(group, memory);
    }
    return memory;
  }
}
