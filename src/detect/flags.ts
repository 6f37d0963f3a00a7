/** The words of a command line as flags and the rest, by what each program says of its flags. */

/** Flags of Node that take their value as the next word; Node itself does not tell. */
const NODE_VALUES = new Set([
  ...['-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions', '--env-file'],
  ...['--env-file-if-exists', '--inspect-port', '--input-type', '--icu-data-dir', '--title'],
  ...['--disable-warning', '--localstorage-file', '--experimental-config-file', '--stack-trace-limit'],
]);

export function nodeFlagTakesValue(flag: string): boolean {
  return NODE_VALUES.has(flag);
}

export interface Flag {
  readonly name: string;
  readonly value: string | undefined;
  /** As it was written. */
  readonly words: readonly string[];
}

export interface Flagged {
  readonly flags: readonly Flag[];
  readonly rest: readonly string[];
}

/** All flags up to the first other word; `--` ends them too. */
export function leadingFlags(words: readonly string[], takesValue: (flag: string) => boolean): Flagged {
  const flags: Flag[] = [];
  let index = 0;
  for (; index < words.length; index++) {
    const word = words[index]!;
    if (word === '--') return { flags, rest: words.slice(index + 1) };
    if (!word.startsWith('-') || word === '-') break;
    const [flag, next] = flagAt(words, index, takesValue);
    flags.push(flag);
    index = next;
  }
  return { flags, rest: words.slice(index) };
}

/** Flags wherever they stand. */
export function allFlags(words: readonly string[], takesValue: (flag: string) => boolean): Flagged {
  const flags: Flag[] = [];
  const rest: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    if (word === '--') return { flags, rest: [...rest, ...words.slice(index + 1)] };
    if (!word.startsWith('-')) {
      rest.push(word);
      continue;
    }
    const [flag, next] = flagAt(words, index, takesValue);
    flags.push(flag);
    index = next;
  }
  return { flags, rest };
}

/** The flags that are meant, wherever they stand; all other words stay. */
export function takeFlags(
  words: readonly string[],
  isMeant: (flag: Flag) => boolean,
  takesValue: (flag: string) => boolean,
): Flagged {
  const flags: Flag[] = [];
  const rest: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const [flag, next] = flagAt(words, index, takesValue);
    if (words[index]!.startsWith('-') && isMeant(flag)) {
      flags.push(flag);
      index = next;
    } else rest.push(words[index]!);
  }
  return { flags, rest };
}

function flagAt(words: readonly string[], index: number, takesValue: (flag: string) => boolean): [Flag, number] {
  const word = words[index]!;
  const equals = word.startsWith('--') ? word.indexOf('=') : -1;
  if (equals > 0) return [{ name: word.slice(0, equals), value: word.slice(equals + 1), words: [word] }, index];
  if (!takesValue(word) || index + 1 >= words.length) return [{ name: word, value: undefined, words: [word] }, index];
  return [{ name: word, value: words[index + 1], words: [word, words[index + 1]!] }, index + 1];
}
