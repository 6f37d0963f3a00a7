/** What saving a file would do, in the words of the language status. Pure. */
import { t } from '@vscode/l10n';
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
  /** Short: VS Code has one line for text, detail and command. */
  readonly detail: string;
  readonly isWarning: boolean;
  /** The server that a restart would help. */
  readonly restart: string | undefined;
  /** What a screen reader says: the whole reason. */
  readonly spoken: string;
}

/** Undefined when no server has anything to do with the file. */
export function fileStatus(meanings: readonly FileMeaning[]): FileStatus | undefined {
  if (meanings.length === 0) return undefined;
  const stale = meanings.find(({ needsRestart }) => needsRestart);
  const users = meanings.filter(({ explanation: { verdict } }) => verdict !== 'none');
  const told = stale ? [stale] : users.length > 0 ? users : meanings.slice(0, 1);
  const effects = told.map(({ explanation }) => effect(explanation));
  const text = stale ? t('$(warning) Needs a restart') : [...new Set(effects)].join('; ');
  const names = meanings.length > 1 ? told.map(({ server }) => server) : [];
  const causes = told.map(({ explanation }) => cause(explanation)).filter((one) => one !== '');
  return {
    text,
    detail: [...names, ...new Set(causes)].join(' · '),
    isWarning: stale !== undefined,
    restart: stale?.serverId,
    spoken: `${text.replace(/\$\([^)]*\) /g, '')}. ${told.map(({ explanation }) => explanation.reason).join(' ')}`,
  };
}

function effect({ verdict, groups }: Explanation): string {
  switch (verdict) {
    case 'reload':
    case 'built':
      return t('$(sync) Saving reloads {0}', groups.join(', '));
    case 'partial':
      return t('$(sync) Saving reloads {0}, and needs a restart', groups.join(', '));
    case 'restart':
      return t('$(debug-restart) Saving needs a restart');
    case 'none':
      return t('$(circle-slash) Saving reloads nothing');
  }
}

/** The import that makes a restart necessary; nothing for the script itself. Of a source, what is built from it. */
function cause({ verdict, chain }: Explanation): string {
  if (verdict === 'built') return t('through {0}', chain.at(-1) ?? '');
  if (verdict !== 'restart' && verdict !== 'partial') return '';
  const importer = chain.at(-2);
  return importer === undefined ? '' : t('through {0}', importer);
}
