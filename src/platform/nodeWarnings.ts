/** Runs `act` without what Node warns of meanwhile: that we use a feature which is new to some Node line is no news to anybody. */
export function withoutWarnings<T>(act: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return act();
  } finally {
    process.emitWarning = emitWarning;
  }
}
