/**
 * The parts of `vscode` that the view and the status bar use, counting what is asked of it. Loaded in place of the
 * module that only the extension host has, so import it before what it stands in for.
 */
import { registerHooks } from 'node:module';

type Listener<T> = (event: T) => unknown;

class EventEmitter<T> {
  private readonly listeners = new Set<Listener<T>>();
  readonly event = (listener: Listener<T>): { dispose(): void } => {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  };
  fire(event: T): void {
    for (const listener of this.listeners) listener(event);
  }
  dispose(): void {
    this.listeners.clear();
  }
}

class MarkdownString {
  readonly value: string;
  constructor(value: string) {
    this.value = value;
  }
}

class ThemeIcon {
  readonly id: string;
  readonly color: unknown;
  constructor(id: string, color?: unknown) {
    this.id = id;
    this.color = color;
  }
}

class TreeItem {
  readonly label: string;
  readonly collapsibleState: number;
  constructor(label: string, collapsibleState: number) {
    this.label = label;
    this.collapsibleState = collapsibleState;
  }
}

/** How often each property of the status bar item and of the view was written. */
export const writes = new Map<string, number>();
export const visibility = new EventEmitter<{ visible: boolean }>();

function counted<T extends object>(name: string, target: T): T {
  return new Proxy(target, {
    set: (object, property, value) => {
      const key = `${name}.${String(property)}`;
      writes.set(key, (writes.get(key) ?? 0) + 1);
      return Reflect.set(object, property, value);
    },
  });
}

export const treeView = {
  visible: true,
  badge: undefined as { value: number } | undefined,
  message: undefined as string | undefined,
  onDidChangeVisibility: visibility.event,
  dispose: () => undefined,
};

export const fake = {
  EventEmitter,
  MarkdownString,
  ThemeIcon,
  TreeItem,
  ThemeColor: ThemeIcon,
  TreeItemCollapsibleState: { None: 0, Collapsed: 1, Expanded: 2 },
  StatusBarAlignment: { Left: 1, Right: 2 },
  Uri: { file: (path: string) => ({ path }) },
  Position: Array,
  Range: Array,
  window: {
    createTreeView: () => counted('view', treeView),
    createStatusBarItem: () =>
      counted('status', { show: () => undefined, hide: () => undefined, dispose: () => undefined }),
  },
};

const URL_OF_FAKE = 'fake:vscode';
(globalThis as { fakeVscode?: unknown }).fakeVscode = fake;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'vscode' ? { url: URL_OF_FAKE, shortCircuit: true } : next(specifier, context),
  load: (url, context, next) =>
    url === URL_OF_FAKE
      ? {
          format: 'module',
          shortCircuit: true,
          source: `const fake = globalThis.fakeVscode;\n${Object.keys(fake)
            .map((name) => `export const ${name} = fake.${name};`)
            .join('\n')}`,
        }
      : next(url, context),
});
