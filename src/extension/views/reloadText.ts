/** What a reload did, in the words that rows, tooltips and the history page share. */
import { t } from '@vscode/l10n';
import type { ReloadReport, Snapshot } from '../../protocol/status.ts';
import { clock, duration } from './format.ts';
import { codeSince, heldChanges, runsOldCode } from './standing.ts';

/** Undefined unless what was saved was refused; then older code serves, and since when. */
export function oldCodeText(snapshot: Snapshot): string | undefined {
  return runsOldCode(snapshot) ? t('rejected, running the code of {0}', clock(codeSince(snapshot))) : undefined;
}

/** `1 change waits`; undefined where none does. */
export function heldText(snapshot: Snapshot): string | undefined {
  const { length } = heldChanges(snapshot);
  if (length === 0) return undefined;
  return length === 1 ? t('1 change waits') : t('{0} changes wait', length);
}

/** `canary 41 ms · roll 380 ms`; where the first worker is the only one, there were no others. */
export function describePhases({ phases }: ReloadReport): string {
  const told = phases.filter(({ ms }) => Math.round(ms) > 0);
  return told.map(({ name, ms }) => `${phaseName(name)} ${duration(ms)}`).join(' · ');
}

function phaseName(name: ReloadReport['phases'][number]['name']): string {
  switch (name) {
    case 'evaluate':
      return t('bootstrap script');
    case 'check':
      return t('compile check');
    case 'canary':
      return t('first workers');
    case 'roll':
      return t('the others');
  }
}

/** `6 moved · 1 websocket ended · 2 cut`; empty when nothing happened to any. */
export function describeConnections(report: ReloadReport): string {
  const { movedConnections: moved, forcedConnections: cut, forcedKills: kills } = report;
  const ended = Object.entries(report.closedConnections).filter(([, count]) => count > 0);
  return [
    ...(moved > 0 ? [t('{0} moved', moved)] : []),
    ...ended.map(([kind, count]) => t('{0} {1} ended', count, kind)),
    ...(cut > 0 ? [t('{0} cut', cut)] : []),
    ...(kills > 0 ? [kills === 1 ? t('1 worker killed') : t('{0} workers killed', kills)] : []),
  ].join(' · ');
}
