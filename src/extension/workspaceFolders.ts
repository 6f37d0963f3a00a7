/** The workspace's folders with their real paths, which are looked up once per folder. */
import * as vscode from 'vscode';
import { realPath, type FolderPaths } from './paths.ts';

export class WorkspaceFolders {
  private known = new Map<string, FolderPaths>();

  /** What the last `refresh` found; never waits. */
  get current(): readonly FolderPaths[] {
    return [...this.known.values()];
  }

  async refresh(): Promise<readonly FolderPaths[]> {
    const paths = (vscode.workspace.workspaceFolders ?? [])
      .filter((folder) => folder.uri.scheme === 'file')
      .map((folder) => folder.uri.fsPath);
    const found = await Promise.all(
      paths.map(async (path) => this.known.get(path) ?? { path, real: await realPath(path) }),
    );
    this.known = new Map(found.map((folder) => [folder.path, folder]));
    return found;
  }
}
