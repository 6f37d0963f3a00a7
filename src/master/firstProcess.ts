/** The first process tells by what it exports whether the script is a bootstrap script or the program itself. */
import { readFileSync } from 'node:fs';
import type { Exit } from '../core/pool.ts';
import type { Request } from '../core/requests.ts';
import { UserError } from '../protocol/userError.ts';
import { declaredDefinition, type Declared } from './definitions.ts';
import { errorPlace, REFUSED_FLAGS } from './errors.ts';
import { keepTexts, withoutEnvFiles } from './files.ts';
import type { Loop } from './loop.ts';
import { placeText } from './terminal.ts';
import type { WorkerHandle } from './workerHandle.ts';

export class FirstProcess {
  private readonly loop: Loop;
  private handle: WorkerHandle | undefined;
  /** While the kind is unknown a request would end the process: it waits until then. */
  private readonly requests: Request[] = [];
  /** Lines of the first process are held back until it is known whether they are the bootstrap script's. */
  private readonly outputs = new Map<number, () => void>();

  constructor(loop: Loop) {
    this.loop = loop;
  }

  /** Whether the worker that is about to start in that slot has to find out. */
  isNeeded(slot: number): boolean {
    return this.loop.facts.isBootstrap === null && this.loop.facts.core.change?.kind === 'start' && slot === 1;
  }

  began(handle: WorkerHandle): void {
    this.handle = handle;
  }

  is(handle: WorkerHandle): boolean {
    return handle === this.handle;
  }

  hold(request: Request): void {
    this.requests.push(request);
  }

  holdOutput(worker: number, release: () => void): void {
    this.outputs.set(worker, release);
  }

  /** Only after its end was judged: what a worker wrote is held back until its kind is known. */
  forgetOutput(worker: number): void {
    this.outputs.delete(worker);
  }

  isProgram(handle: WorkerHandle): void {
    if (this.is(handle)) this.settle(false);
  }

  declared(handle: WorkerHandle, declared: Declared): void {
    if (!this.is(handle)) return;
    const { facts, parts } = this.loop;
    this.settle(true);
    try {
      facts.definition = declaredDefinition(
        facts.options,
        { ...declared, env: withoutEnvFiles(declared.env, handle.files) },
        1,
      );
    } catch (error) {
      this.loop.abort(error);
      return;
    }
    parts.registry.rename(facts.definition.name ?? parts.name, parts.log);
    facts.bootstrap = keepTexts(handle.files);
    this.loop.begin('declared');
  }

  /** A first start that cannot come to anything by a later save ends the command; true when it did. */
  refuses(handle: WorkerHandle, { error, code }: Exit): boolean {
    const { facts } = this.loop;
    if (!this.is(handle) || facts.isBootstrap !== null) return false;
    this.settle(false);
    const script = facts.display(facts.options.script);
    const place = error.file === null ? '' : ` at ${placeText(error)}`;
    if (looksLikeBootstrap(facts.options.script)) {
      this.loop.abort(
        new UserError(
          'bootstrap-error',
          `The bootstrap script ${script} cannot be evaluated: ${error.message}${place}`,
          errorPlace(error),
        ),
      );
      return true;
    }
    if (error.code === REFUSED_FLAGS) {
      this.loop.abort(new UserError('usage', error.message));
      return true;
    }
    if (error.code === 'EADDRINUSE') {
      this.loop.abort(new UserError('port-taken', error.message, errorPlace(error)));
      return true;
    }
    if (!facts.options.watch && code !== 0) {
      this.loop.abort(
        new UserError('internal', `${script} cannot be started: ${error.message}${place}`, errorPlace(error)),
      );
      return true;
    }
    return false;
  }

  private settle(isBootstrap: boolean): void {
    if (this.loop.facts.isBootstrap !== null) return;
    this.loop.facts.isBootstrap = isBootstrap;
    for (const request of this.requests.splice(0)) this.loop.enqueueLater({ type: 'request', request });
    for (const release of this.outputs.values()) release();
  }
}

/** Only to word the error of a script that could not be evaluated: whether it was meant as a bootstrap script. */
function looksLikeBootstrap(script: string): boolean {
  try {
    const text = readFileSync(script, 'utf8');
    return (
      /\bdefineServer\b/.test(text) ||
      (/\bgroups\b/.test(text) && /\bexport\s+default\b|\bmodule\.exports\b/.test(text))
    );
  } catch {
    return false;
  }
}
