/** The row of a builder: what keeps building what the workers run, how far it is and what is wrong. Pure. */
import { t } from '@vscode/l10n';
import type { BuildStatus } from '../../protocol/status.ts';
import { clock, firstLine } from './format.ts';
import { icons, type Row, type RowIcon } from './row.ts';

export function buildRow(serverId: string, build: BuildStatus): Row {
  const { command, error } = build;
  const message = error === null ? [] : [firstLine(error.message)];
  const description = [describeBuild(build), ...message].join(' · ');
  return {
    id: `${serverId}/@build/${build.groups.join(',')}/${command}`,
    kind: 'build',
    label: command,
    description,
    icon: buildIcon(build),
    contextValue: `build ${build.state}`,
    spoken: t('Build {0}, {1}', command, description.replaceAll(' · ', ', ')),
    fold: 'none',
    children: [],
    target: { server: serverId, build: command },
    ...(error === null || error.file === null
      ? {}
      : { place: { file: error.file, line: error.line ?? 1, column: error.column ?? 1 } }),
  };
}

function describeBuild({ state, since, error }: BuildStatus): string {
  switch (state) {
    case 'running':
      return t('running');
    case 'building':
      return t('building');
    case 'built':
      return error === null ? t('built {0}', clock(since)) : t('built {0}, with errors', clock(since));
    case 'failed':
      return t('build failed {0}', clock(since));
    case 'ended':
      return t('ended {0}, a restart runs it again', clock(since));
  }
}

function buildIcon({ state, error }: BuildStatus): RowIcon {
  switch (state) {
    case 'running':
      return icons.build;
    case 'building':
      return icons.starting;
    case 'built':
      return error === null ? icons.build : icons.attention;
    case 'failed':
      return icons.failed;
    case 'ended':
      return icons.stopped;
  }
}
