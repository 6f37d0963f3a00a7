/**
 * `require.main` of what is loaded before the main module is there: Node puts it into each module as it compiles it. What
 * stands in for it passes everything on to the main module, once there is one.
 */
import Module from 'node:module';

const withMain = process as unknown as { mainModule?: object };

export class MainModuleStandIn {
  private readonly standIn: object;

  /** @param onLook called when somebody looks at the main module that is not there yet */
  constructor(onLook: (why: string) => void) {
    const main = (): object => {
      const real = withMain.mainModule;
      if (real !== undefined && real !== this.standIn) return real;
      onLook('it looks at require.main');
      return nothing;
    };
    const nothing = Object.create(Module.prototype) as object;
    this.standIn = new Proxy(Object.create(Module.prototype) as object, {
      get: (_, key) => Reflect.get(main(), key) as unknown,
      has: (_, key) => Reflect.has(main(), key),
      ownKeys: () => Reflect.ownKeys(main()),
      getOwnPropertyDescriptor: (_, key) => {
        const descriptor = Reflect.getOwnPropertyDescriptor(main(), key);
        return descriptor && { ...descriptor, configurable: true };
      },
      set: (_, key, value) => Reflect.set(main(), key, value),
    });
  }

  install(): void {
    withMain.mainModule = this.standIn;
  }

  uninstall(): void {
    if (withMain.mainModule === this.standIn) delete withMain.mainModule;
  }
}
