import assert from 'node:assert/strict';
import { describe, it, mock, type TestContext } from 'node:test';
import { Heartbeat } from '../../../src/master/heartbeat.ts';

const AFTER_MS = 1000;

/** A worker that answers or not, with a clock that moves when it is told to. */
class Watched {
  answers = true;
  isExempt = false;
  asked = 0;
  readonly told: string[] = [];
  readonly heartbeat: Heartbeat;
  private now = 0;

  constructor(t: TestContext) {
    mock.timers.enable({ apis: ['setInterval'] });
    t.mock.method(performance, 'now', () => this.now);
    this.heartbeat = new Heartbeat({
      silentAfterMs: AFTER_MS,
      ask: () => {
        this.asked += 1;
        if (this.answers) this.heartbeat.onTurn();
      },
      isExempt: () => this.isExempt,
      onSilent: (ms) => this.told.push(`silent for ${ms}`),
      onBack: () => this.told.push('back'),
    });
    t.after(() => {
      this.heartbeat.dispose();
      mock.timers.reset();
    });
  }

  /** In steps of ten milliseconds, as an event loop would. */
  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now += 10;
      mock.timers.tick(10);
    }
  }

  /** The time goes on and nothing of this process with it. */
  standStill(ms: number): void {
    this.now += ms;
  }
}

describe('the heartbeat of a worker', () => {
  it('asks four times within the time that it may be silent, and tells nothing while it answers', (t) => {
    const watched = new Watched(t);
    watched.pass(10 * AFTER_MS);
    assert.equal(watched.asked, 40);
    assert.deepEqual(watched.told, []);
  });

  it('tells of its silence and of its return once each, and asks a silent one only once', (t) => {
    const watched = new Watched(t);
    watched.pass(AFTER_MS);
    watched.answers = false;
    watched.pass(3 * AFTER_MS);
    assert.deepEqual(watched.told, [`silent for ${AFTER_MS}`]);
    assert.equal(watched.asked, 5);
    watched.answers = true;
    watched.heartbeat.onTurn();
    watched.pass(3 * AFTER_MS);
    assert.deepEqual(watched.told, [`silent for ${AFTER_MS}`, 'back']);
  });

  it('does not judge one that a debugger holds, and gives it the whole time afterwards', (t) => {
    const watched = new Watched(t);
    watched.answers = false;
    watched.isExempt = true;
    watched.pass(5 * AFTER_MS);
    watched.isExempt = false;
    watched.pass(AFTER_MS - 10);
    assert.deepEqual(watched.told, []);
    watched.pass(AFTER_MS);
    assert.equal(watched.told.length, 1);
  });

  it('does not take its own standstill for that of the worker', (t) => {
    const watched = new Watched(t);
    watched.answers = false;
    watched.pass(AFTER_MS / 2);
    watched.standStill(60 * AFTER_MS);
    watched.pass(AFTER_MS / 4);
    watched.heartbeat.onTurn();
    watched.pass(AFTER_MS / 2);
    assert.deepEqual(watched.told, []);
  });
});
