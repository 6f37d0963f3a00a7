/** Programs that write what a server runs, each as the command that goes on watching. */
import { commandText } from './shell.ts';

/** By program: the flag that makes it watch, and others that mean the same. */
const WATCH_FLAGS: Readonly<Record<string, readonly string[]>> = {
  tsc: ['--watch', '-w'],
  'tsc-alias': ['--watch', '-w'],
  ttsc: ['--watch', '-w'],
  tspc: ['--watch', '-w'],
  swc: ['--watch', '-w'],
  babel: ['--watch', '-w'],
  tsup: ['--watch', '-w'],
  tsdown: ['--watch', '-w'],
  rollup: ['--watch', '-w'],
  webpack: ['--watch', '-w'],
  esbuild: ['--watch'],
  'nest build': ['--watch', '-w'],
};

/** The same command, watching; undefined when it is no builder. */
export function buildCommand(words: readonly string[]): string | undefined {
  const [program = '', ...rest] = words;
  const name = program === 'nest' && rest[0] === 'build' ? 'nest build' : program;
  const flags = WATCH_FLAGS[name];
  // `webpack serve` serves by itself; a type check writes nothing.
  if (!flags || rest[0] === 'serve' || rest.some((word) => /^--(noEmit|no-emit)$/.test(word))) return undefined;
  // The screen is never cleared here; without the flag the command is the same as that of a first build.
  const isFlag = (word: string): boolean =>
    flags.includes(word) || word.startsWith('--watch=') || word === '--preserveWatchOutput';
  const others = rest.filter((word) => !isFlag(word));
  return commandText(
    others.length === 1 && name === 'nest build' ? [program, 'build', flags[0]!] : [program, ...others, flags[0]!],
  );
}

export function isBuilder(program: string): boolean {
  return program in WATCH_FLAGS;
}
