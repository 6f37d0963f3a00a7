/** Puts measured tables into the README, each between the two comments that bear its name. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { places } from './places.ts';
import { markdown, type Report } from './report.ts';

const file = join(places.root, 'README.md');

/** @throws before anything is measured, where the README has no place for it */
export function checkReadme(names: readonly string[]): void {
  const text = readFileSync(file, 'utf8');
  for (const name of names) placeOf(text, name);
}

export function intoReadme(reports: Readonly<Record<string, Report>>, machineOf: (part: string) => string): void {
  let text = readFileSync(file, 'utf8');
  for (const [name, report] of Object.entries(reports)) {
    const { from, to } = placeOf(text, name);
    const part = `\n\n**${report.title}.** ${report.how}\n\n${markdown(report)}\n\n${machineOf(name)}\n\n`;
    text = text.slice(0, from) + part + text.slice(to);
  }
  writeFileSync(file, text);
}

/** Between the two comments that bear its name. */
function placeOf(text: string, name: string): { readonly from: number; readonly to: number } {
  const [begin, end] = [`<!-- bench ${name} -->`, `<!-- /bench ${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md lacks ${begin} … ${end}`);
  return { from: from + begin.length, to };
}
