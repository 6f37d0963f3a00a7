import type { ExtensionContext } from 'vscode';
import type { GracefulReloadApi } from './api.ts';
import { createApp } from './app.ts';

export function activate(context: ExtensionContext): GracefulReloadApi {
  const app = createApp(context);
  context.subscriptions.push(app);
  return app.api;
}
