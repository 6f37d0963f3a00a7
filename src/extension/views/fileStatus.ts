/** What saving a file would do, in the words of the language status. Pure. */
import type { Explanation } from '../../protocol/status.ts';

/** What one server says of the file. */
export interface FileMeaning {
  readonly serverId: string;
  readonly server: string;
  readonly explanation: Explanation;
  /** It differs from what runs already, and only a restart helps. */
  readonly needsRestart: boolean;
}

export interface FileStatus {
  readonly text: string;
  readonly detail: string;
  readonly isWarning: boolean;
  /** The server that a restart would help. */
  readonly restart: string | undefined;
}

/** Undefined when no server has anything to do with the file. */
export function fileStatus(meanings: readonly FileMeaning[]): FileStatus | undefined {
  if (meanings.length === 0) return undefined;
  const stale = meanings.find(({ needsRestart }) => needsRestart);
  const users = meanings.filter(({ explanation: { verdict } }) => verdict !== 'none');
  const told = users.length > 0 ? users : meanings.slice(0, 1);
  const isNamed = meanings.length > 1;
  return {
    text: stale
      ? '$(warning) Needs a restart'
      : [...new Set(told.map(({ explanation }) => effect(explanation)))].join('; '),
    detail: told.map(({ server, explanation }) => `${isNamed ? `${server}: ` : ''}${explanation.reason}`).join(' '),
    isWarning: stale !== undefined,
    restart: stale?.serverId,
  };
}

function effect({ verdict, groups }: Explanation): string {
  switch (verdict) {
    case 'reload':
    case 'built':
      return `$(sync) Saving reloads ${groups.join(', ')}`;
    case 'partial':
      return '$(sync) Saving reloads, the rest needs a restart';
    case 'restart':
      return '$(debug-restart) Saving needs a restart';
    case 'none':
      return '$(circle-slash) Saving reloads nothing';
  }
}
