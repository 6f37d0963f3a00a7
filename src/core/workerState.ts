/** A worker's state: one arm per state, each with its own data only. `transition` is the one place that changes it. */

export type DrainReason = 'reload' | 'restart' | 'stop';

export type WorkerState =
  /** Spawned; its entry runs or is about to. Fails when it is not ready by then. */
  | { readonly kind: 'starting'; readonly readyBy: number }
  /** Ready, but takes no connection yet: a canary that waits for the others. */
  | { readonly kind: 'standby' }
  /** Serves. */
  | { readonly kind: 'ready'; readonly since: number }
  /** Was ready and turns its event loop no more, for all one knows from `silentSince` on. `killed`: it is being replaced. */
  | { readonly kind: 'unresponsive'; readonly since: number; readonly silentSince: number; readonly killed: boolean }
  /** Finishes what is in flight and takes nothing new; killed at `killAt`. */
  | { readonly kind: 'draining'; readonly killAt: number; readonly reason: DrainReason; readonly killed: boolean }
  /** Killed before it ever served; only its exit is awaited. */
  | { readonly kind: 'ending' };

export type WorkerStep =
  | { readonly to: 'standby' }
  | { readonly to: 'ready'; readonly now: number }
  | { readonly to: 'unresponsive'; readonly silentSince: number }
  | { readonly to: 'responsive' }
  | { readonly to: 'draining'; readonly killAt: number; readonly reason: DrainReason }
  /** Somebody will not wait for what is in flight. */
  | { readonly to: 'hurried'; readonly killAt: number }
  /** Its deadline begins anew. */
  | { readonly to: 'renewed'; readonly until: number }
  | { readonly to: 'killed' };

/** The state after a step; undefined when the step does not apply, which the caller ignores (a late message of a dying worker). */
export function transition(state: WorkerState, step: WorkerStep): WorkerState | undefined {
  switch (step.to) {
    case 'standby':
      return state.kind === 'starting' ? { kind: 'standby' } : undefined;
    case 'ready':
      return state.kind === 'starting' || state.kind === 'standby' ? { kind: 'ready', since: step.now } : undefined;
    case 'unresponsive':
      return state.kind === 'ready'
        ? { kind: 'unresponsive', since: state.since, silentSince: step.silentSince, killed: false }
        : undefined;
    case 'responsive':
      return state.kind === 'unresponsive' && !state.killed ? { kind: 'ready', since: state.since } : undefined;
    case 'draining':
      if (state.kind !== 'ready' && state.kind !== 'unresponsive') return undefined;
      return {
        kind: 'draining',
        killAt: step.killAt,
        reason: step.reason,
        killed: state.kind === 'unresponsive' && state.killed,
      };
    case 'hurried':
      return state.kind === 'draining' && step.killAt < state.killAt ? { ...state, killAt: step.killAt } : undefined;
    case 'renewed':
      if (state.kind === 'starting') return { kind: 'starting', readyBy: step.until };
      return state.kind === 'draining' && !state.killed ? { ...state, killAt: step.until } : undefined;
    case 'killed':
      if (state.kind === 'draining' || state.kind === 'unresponsive')
        return state.killed ? undefined : { ...state, killed: true };
      return state.kind === 'ending' ? undefined : { kind: 'ending' };
  }
}

export interface Worker {
  readonly id: number;
  readonly group: string;
  readonly slot: number;
  /** The version of the code that it loads. */
  readonly generation: number;
  /** The definition of its group that it was started with. */
  readonly definition: number;
  /** The change that it was started for; null for the respawn of a crashed worker. */
  readonly change: number | null;
  state: WorkerState;
  /** A debugger is connected to it, or awaited: no deadline runs for it, since it may stand at a breakpoint. */
  isDebugged: boolean;
}
