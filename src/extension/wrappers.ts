/** The parts of `vscode` that take an id as text, with the ids of contributions.ts instead. */
import * as vscode from 'vscode';
import { SETTINGS_SECTION, settingDefaults, type ContextKeys, type Settings } from './contributions.ts';

/** Context keys of the window. An equal value is not set again: every snapshot asks. */
export class ContextValues {
  private readonly values = new Map<keyof ContextKeys, unknown>();

  set<K extends keyof ContextKeys>(key: K, value: ContextKeys[K]): void {
    if (this.values.get(key) === value) return;
    this.values.set(key, value);
    void vscode.commands.executeCommand('setContext', key, value);
  }
}

export function setting<K extends keyof Settings>(name: K, scope?: vscode.ConfigurationScope): Settings[K] {
  return vscode.workspace.getConfiguration(SETTINGS_SECTION, scope).get<Settings[K]>(name, settingDefaults[name]);
}

export function affectsSetting(event: vscode.ConfigurationChangeEvent, name: keyof Settings): boolean {
  return event.affectsConfiguration(`${SETTINGS_SECTION}.${name}`);
}

export async function updateSetting<K extends keyof Settings>(name: K, value: Settings[K]): Promise<void> {
  await vscode.workspace.getConfiguration(SETTINGS_SECTION).update(name, value, vscode.ConfigurationTarget.Global);
}
