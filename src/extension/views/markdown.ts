/** Text that came from a program, safe inside a Markdown tooltip, and links that run our commands. Pure. */
import type { CommandId } from '../contributions.ts';

/** Also keeps `$(…)` from turning into an icon. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!|<>~$&]/g, '\\$&').replaceAll('\n', ' ');
}

/** A link that runs a command; the tooltip must enable it by id. */
export function commandLink(label: string, command: CommandId, ...args: unknown[]): string {
  const query = args.length === 0 ? '' : `?${encodeURIComponent(JSON.stringify(args))}`;
  return `[${label}](command:${command}${query})`;
}
