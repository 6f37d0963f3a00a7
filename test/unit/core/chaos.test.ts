import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { GroupSpec } from '../../../src/core/pool.ts';
import type { Scope } from '../../../src/core/requests.ts';
import { Chaos, type Action } from './chaos.ts';
import { spec } from './driver.ts';

/** The same worlds every time; fast-check prints it, with the path to the shortest one, when one of them fails. */
const SEED = 20_261_122;
const RUNS = 800;

const NAMES = ['web', 'api', 'quiet'] as const;

const groups: fc.Arbitrary<GroupSpec[]> = fc.uniqueArray(
  fc
    .record({
      name: fc.constantFrom(...NAMES),
      workers: fc.integer({ min: 1, max: 4 }),
      reloadable: fc.boolean().map((value) => value || undefined),
      order: fc.constantFrom('auto' as const, 'start-first' as const, 'stop-first' as const),
      replaceUnresponsive: fc.boolean(),
    })
    .map(({ name, reloadable, ...rest }) =>
      spec(name, { ...rest, reloadable: reloadable ?? name !== 'api', drainTimeout: 1000, bootTimeout: 5000 }),
    ),
  { minLength: 1, maxLength: 3, selector: ({ name }) => name },
);

const slots = fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 2 }), { freq: 3 });
const scope: fc.Arbitrary<Scope> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...NAMES), slots), { minLength: 1, maxLength: 3, selector: ([name]) => name })
  .map((entries) => new Map(entries));

const pick = fc.nat(30);
const usually = fc.integer({ min: 0, max: 9 }).map((number) => number > 1);

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('ready' as const), pick }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('leave' as const), pick }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('reload' as const), scope, same: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('evaluated' as const), groups, well: usually }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('checked' as const), well: usually }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fail' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('debugger' as const), pick, isConnected: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('exit' as const),
      pick,
      code: fc.constantFrom(0, 1, 1),
      diskDiffers: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('silent' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('turn' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(400) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wake' as const) }) },
);

const ending: fc.Arbitrary<Action[]> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Action[]>([]) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom({ do: 'stop' as const }, { do: 'force' as const }), fc.array(action, { maxLength: 6 }))
      .map(([stop, rest]): Action[] => [stop, ...rest]),
  },
);

describe('whatever happens, in whatever order', () => {
  it('the supervisor keeps its promises', () => {
    const worlds = fc.property(
      groups,
      fc.array(action, { maxLength: 60, size: 'max' }),
      ending,
      (declared, actions, end) => {
        const chaos = new Chaos(declared);
        try {
          for (const one of [...actions, ...end]) chaos.play(one);
          chaos.comeToRest();
        } catch (error) {
          throw new Error(`${(error as Error).message}\n${chaos.story.join('\n')}`, { cause: error });
        }
      },
    );
    fc.assert(worlds, { seed: SEED, numRuns: Number(process.env.GR_CHAOS_RUNS ?? RUNS) });
  });
});
