/** Puts measured tables into the README, each between the two comments that bear its name. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { places } from './places.ts';
import { markdown, type Report } from './report.ts';

export function intoReadme(reports: Readonly<Record<string, Report>>, machineOf: (part: string) => string): void {
  const file = join(places.root, 'README.md');
  let text = readFileSync(file, 'utf8');
  for (const [name, report] of Object.entries(reports)) {
    const [begin, end] = [`<!-- bench ${name} -->`, `<!-- /bench ${name} -->`];
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    if (from < 0 || to < from) throw new Error(`README.md lacks ${begin} … ${end}`);
    const part = `\n\n**${report.title}.** ${report.how}\n\n${markdown(report)}\n\n${machineOf(name)}\n\n`;
    text = text.slice(0, from + begin.length) + part + text.slice(to);
  }
  writeFileSync(file, text);
}
