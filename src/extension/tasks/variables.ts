/**
 * The variables of VS Code in a task, as far as their value does not hang on what the person does at the moment: VS Code
 * replaces them when it starts a task, and tells nobody what came out. Pure.
 */

/** @returns undefined when nobody but VS Code knows the value of such a variable: `${file}`, `${input:port}` */
export type LookUp = (name: string, argument: string | undefined) => string | undefined;

/** The text with its variables replaced; undefined when one of them cannot be. */
export function withVariables(text: string, lookUp: LookUp): string | undefined {
  let isKnown = true;
  const resolved = text.replace(/\$\{([^:}]+)(?::([^}]*))?\}/g, (_all, name: string, argument?: string) => {
    const value = lookUp(name, argument);
    isKnown &&= value !== undefined;
    return value ?? '';
  });
  return isKnown ? resolved : undefined;
}

/** The same for every text in a list; undefined as soon as one cannot be resolved. */
export function allWithVariables(texts: readonly string[], lookUp: LookUp): string[] | undefined {
  const resolved = texts.map((text) => withVariables(text, lookUp));
  return resolved.every((text) => text !== undefined) ? resolved : undefined;
}
