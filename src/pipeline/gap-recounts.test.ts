import { expect, test } from 'bun:test';
import { VirtualClock } from '../../test/simulator/virtual-clock.ts';
import { collectingLog } from '../../test/postgres/sinks.ts';
import { Instruments } from '../market/instrument.ts';
import { MdpError } from '../runtime/errors.ts';
import { RateLimitedLog } from '../runtime/rate-limited-log.ts';
import type { RecountScope } from '../sinks/gap-recount.ts';
import { GapRecounts } from './gap-recounts.ts';

/** The recounts of a pipeline whose database takes `tookMs` for each, or does not answer. */
const stage = ({ isLive = true, tookMs = 0 } = {}) => {
  const clock = new VirtualClock(0);
  const { log, lines } = collectingLog();
  const drain = new AbortController();
  const settled = Promise.withResolvers<boolean>();
  const instruments = new Instruments();
  instruments.intern('binance', 'AAA');
  const begun: number[] = [];
  const state = { isAway: false, flushed: 0, scope: undefined as RecountScope | undefined };
  const recounts = new GapRecounts({
    isLive,
    instruments,
    batcher: { flush: () => void (state.flushed += 1) },
    settlement: { epoch: 0, whenSettled: () => settled.promise },
    sink: {
      recountGaps: async (scope) => {
        begun.push(clock.now() / 1_000_000);
        state.scope = scope;
        if (state.isAway) throw new MdpError('database_away', 'it is not there', { retry: true });
        if (tookMs > 0) await new Promise<void>((resolve) => clock.after(tookMs, resolve));
        return { unfilled: 3, narrowed: 2, filled: 1 };
      },
    },
    clock,
    log: new RateLimitedLog(log, clock),
    signal: drain.signal,
  });
  return { recounts, clock, lines, drain, settled, begun, state };
};

const HOUR_MS = 3_600_000;

test('recounts two seconds behind gap rows, and twice more for a twin that is behind', async () => {
  const { recounts, clock, begun, lines, state } = stage();
  recounts.told();
  recounts.told();
  await clock.advance(HOUR_MS);
  expect(begun).toEqual([2, 32, 632]);
  expect(lines[0]).toContain('Gap rows recounted: trades of them are stored {"rows":2,"filled":1');
  expect(state.scope?.isWanted({ venue: 'binance', symbol: 'AAA' })).toBe(true);
  expect(state.scope?.isWanted({ venue: 'binance', symbol: 'BBB' })).toBe(false);
  recounts.told();
  await clock.advance(3_000);
  expect(state.scope?.detectedFrom).toBe(2_000_000);
});

test('recounts a recovered run when what it held is committed, and no sooner', async () => {
  const { recounts, clock, begun, settled, state } = stage();
  recounts.recovered();
  expect(state.flushed).toBe(1);
  await clock.advance(1_000);
  expect(begun).toEqual([]);
  settled.resolve(true);
  await recounts.finished();
  expect(begun).toEqual([1]);
  expect(state.scope?.detectedFrom).toBe(0);
});

test('rests fifty times as long as a recount took, however often rows come', async () => {
  const { recounts, clock, begun } = stage({ tookMs: 400 });
  const rows = clock.every(100, () => recounts.told());
  await clock.advance(50_000);
  rows.cancel();
  expect(begun.map((at) => Math.round(at))).toEqual([2, 23, 43]);
});

test('goes on when the database is away, and tries again', async () => {
  const { recounts, clock, begun, lines, state } = stage();
  state.isAway = true;
  recounts.told();
  await clock.advance(10_000);
  expect(lines).toEqual([
    'Gap rows could not be recounted {"reason":"it is not there","suppressed":0}',
  ]);
  state.isAway = false;
  await clock.advance(HOUR_MS);
  expect(begun).toEqual([2, 32, 632]);
});

test('a drain ends it, one that waits as well', async () => {
  const { recounts, clock, begun, drain, settled } = stage();
  recounts.told();
  recounts.recovered();
  drain.abort();
  settled.resolve(false);
  await recounts.finished();
  recounts.told();
  await clock.advance(HOUR_MS);
  expect(begun).toEqual([]);
});

test('a replay recounts once, at its end, unless it was given up', async () => {
  const { recounts, clock, begun } = stage({ isLive: false });
  recounts.told();
  recounts.recovered();
  await clock.advance(HOUR_MS);
  await recounts.end(AbortSignal.abort());
  expect(begun).toEqual([]);
  await recounts.end(new AbortController().signal);
  expect(begun.length).toBe(1);
  const live = stage();
  await live.recounts.end(new AbortController().signal);
  expect(live.begun).toEqual([]);
});
