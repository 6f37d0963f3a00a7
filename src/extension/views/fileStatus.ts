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
  /** What a save waits for before it acts; undefined = nothing. */
  readonly waitsFor?: 'resume' | 'request' | undefined;
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
  const effects = told.map(effect);
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

function effect({ explanation: { verdict, groups }, waitsFor }: FileMeaning): string {
  switch (verdict) {
    case 'reload':
    case 'built':
      return reloads(groups, waitsFor);
    case 'partial':
      return t('{0}, and needs a restart', reloads(groups, waitsFor));
    case 'restart':
      return t('$(debug-restart) Saving needs a restart');
    case 'none':
      return t('$(circle-slash) Saving reloads nothing');
  }
}

function reloads(groups: readonly string[], waitsFor: FileMeaning['waitsFor']): string {
  switch (waitsFor) {
    case undefined:
      return t('$(sync) Saving reloads {0}', groups.join(', '));
    case 'resume':
      return t('$(debug-pause) Saving reloads {0} once resumed', groups.join(', '));
    case 'request':
      return t('$(watch) Saving reloads {0} once asked to', groups.join(', '));
  }
}

/** The import that makes a restart necessary; nothing for the script itself. Of a source, what is built from it. */
function cause({ verdict, chain }: Explanation): string {
  if (verdict === 'built') return t('through {0}', chain.at(-1) ?? '');
  if (verdict !== 'restart' && verdict !== 'partial') return '';
  const importer = chain.at(-2);
  return importer === undefined ? '' : t('through {0}', importer);
}
