import { expect, test } from 'bun:test';
import { HandClock } from '../../test/venue/hand-clock.ts';
import { Breaker, type BreakerState } from './breaker.ts';

const never = new AbortController().signal;

const broken = () => {
  const clock = new HandClock(0);
  const states: BreakerState[] = [];
  const breaker = new Breaker({
    failures: 3,
    backoff: { floorMs: 100, baseMs: 100, capMs: 400 },
    clock,
    random: () => 1,
    onChange: (state) => states.push(state),
  });
  return { clock, states, breaker };
};

const opened = () => {
  const made = broken();
  for (let failure = 0; failure < 3; failure += 1) made.breaker.failed();
  return made;
};

/** Who has been let through so far. */
const callers = (breaker: Breaker, count: number): number[] => {
  const through: number[] = [];
  for (let caller = 0; caller < count; caller += 1) {
    const asked = breaker.admitted(never).then(() => through.push(caller));
    asked.catch(() => undefined);
  }
  return through;
};

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('opens after so many failures in a row, and not when a success lies between them', () => {
  const { breaker, states } = broken();
  breaker.failed();
  breaker.failed();
  breaker.succeeded();
  breaker.failed();
  breaker.failed();
  expect(breaker.state).toBe('closed');
  breaker.failed();
  expect(breaker).toMatchObject({ state: 'open', probeAt: 100_000, openings: 1 });
  expect(states).toEqual(['open']);
});

test('lets one probe through when its time has come, and all when that succeeds', async () => {
  const { breaker, clock, states } = opened();
  const through = callers(breaker, 3);
  clock.advance(99);
  await settled();
  expect(through).toEqual([]);
  clock.advance(1);
  await settled();
  expect(through).toEqual([0]);
  expect(breaker.state).toBe('half_open');
  breaker.succeeded();
  await settled();
  expect(through).toEqual([0, 1, 2]);
  expect(states).toEqual(['open', 'half_open', 'closed']);
});

test('waits longer after every probe that fails, up to the cap', async () => {
  const { breaker, clock } = opened();
  const waits: number[] = [];
  for (let probe = 0; probe < 4; probe += 1) {
    waits.push(((breaker.probeAt ?? 0) - clock.now()) / 1000);
    clock.advance(waits.at(-1) ?? 0);
    expect(await breaker.admitted(never)).toBe(true);
    breaker.failed();
  }
  expect(waits).toEqual([100, 200, 400, 400]);
  expect(breaker.openings).toBe(1);
});

test('an attempt begun before it opened closes it by succeeding, and only so', () => {
  const { breaker, clock } = opened();
  clock.advance(50);
  breaker.failed();
  expect(breaker.probeAt).toBe(100_000);
  breaker.succeeded();
  expect(breaker.state).toBe('closed');
  clock.advance(100);
  expect(breaker.state).toBe('closed');
});

test('who waits is let go when the signal is aborted', async () => {
  const { breaker } = opened();
  const stop = new AbortController();
  const asked = breaker.admitted(stop.signal);
  stop.abort();
  expect(await asked).toBe(false);
});
