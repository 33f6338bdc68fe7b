import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Bar } from '../market/bar.ts';
import { addDecimal, compareDecimal, multiplyDecimal, ZERO } from '../market/decimal.ts';
import type { Trade } from '../market/events.ts';
import { eventTime } from '../market/time.ts';
import { vwap } from '../market/vwap.ts';
import { BEHIND, decimal, Scenario, START, type Wish } from '../../test/operators/scenario.ts';

/** A trade as the venue made it, and what happens to it on the way. */
const step = fc.record({
  /** Since the trade before, in ms; often none. */
  after: fc.oneof(
    fc.constant(0),
    fc.integer({ min: 1, max: 400 }),
    fc.integer({ max: 5_000, min: 1 }),
  ),
  price: fc.integer({ min: 9_990, max: 10_010 }),
  size: fc.integer({ min: 1, max: 10 ** 9 }),
  side: fc.constantFrom('buy' as const, 'sell' as const, undefined),
  /** How many trades overtake it. */
  delay: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 6 })),
  fate: fc.constantFrom('once', 'once', 'once', 'once', 'twice', 'never'),
  followedBy: fc.constantFrom(
    'nothing',
    'nothing',
    'nothing',
    'nothing',
    'tick',
    'quiet',
    'stall',
    'reconnect',
    'dropped',
  ),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
const steps = fc.array(step, { minLength: 1, maxLength: 60 });

type Action = (run: Scenario) => void;

/**
 * What happens, in order: trades overtaken, twice or never, and between them ticks, stalls and
 * reconnects. The trade at `anewAt` is numbered 1 again.
 */
function story(list: readonly Step[], anewAt = list.length): Action[] {
  let made = 0;
  const trades = list.map((each, at) => {
    made += each.after + (at === anewAt ? 1 : 0);
    return { ...each, id: 1 + (at < anewAt ? at : at - anewAt), ms: made };
  });
  const arrivals = trades
    .flatMap((trade, at) => {
      const first = { trade, at: at + trade.delay };
      if (trade.fate === 'never') return [];
      return trade.fate === 'twice' ? [first, { trade, at: first.at + 4 }] : [first];
    })
    .toSorted((a, b) => a.at - b.at);
  let now = 0;
  return arrivals.map(({ trade }) => {
    now = Math.max(now, trade.ms + BEHIND);
    const receivedMs = now;
    if (trade.followedBy === 'quiet' || trade.followedBy === 'stall') now += 3_000;
    if (trade.followedBy === 'reconnect') now += 500;
    return (run) => {
      run.trade(trade.ms, {
        id: trade.id,
        receivedMs,
        price: decimal(String(trade.price / 100)),
        size: decimal(`0.${String(trade.size).padStart(10, '0')}`),
        side: trade.side,
      });
      follow(run, trade.followedBy, receivedMs);
    };
  });
}

function follow(run: Scenario, then: Step['followedBy'], ms: number): void {
  if (then === 'tick') run.tick(ms);
  if (then === 'quiet') run.ticks(ms, ms + 3_000);
  if (then === 'stall') run.tick(ms + 3_000, ms + 3_000);
  if (then === 'reconnect') run.reconnect(ms, ms + 500);
  if (then === 'dropped') run.state(ms, 'dropped');
}

function play(wish: Wish, actions: readonly Action[], restartAfter?: number): Scenario {
  const run = new Scenario(wish);
  run.open(-1_000);
  for (const [at, action] of actions.entries()) {
    action(run);
    if (at === restartAfter) run.restart();
  }
  return run;
}

/** Moves the watermark so far that every bar is final. */
const finish: Action = (run) => run.trade(10_000_000, { id: 1_000_000 });

const wishes = fc.record({
  tradeIds: fc.constantFrom('contiguous', 'increasing', 'unordered', 'none'),
  timeframes: fc.constantFrom([1], [60], [1, 60], [10, 15], [5, 30, 60]),
  latenessMs: fc.constantFrom(0, 500, 2_000, 30_000),
  empty: fc.constantFrom('none', 'flat'),
} as const) satisfies fc.Arbitrary<Wish>;

/** The bar of these trades by the plainest means; `arrival` is their order of arrival. */
function naiveBar(trades: readonly Trade[], byId: boolean) {
  const order = trades.toSorted((a, b) => {
    const ids = byId ? Number(a.id) - Number(b.id) : 0;
    return a.eventTime - b.eventTime || ids;
  });
  const prices = trades.map(({ price }) => price).toSorted(compareDecimal);
  const volume = trades.map(({ size }) => size).reduce(addDecimal, ZERO);
  const quoteVolume = trades
    .map(({ price, size }) => multiplyDecimal(price, size))
    .reduce(addDecimal, ZERO);
  const bought = trades.filter(({ side }) => side === 'buy');
  return {
    open: order.at(0)?.price,
    high: prices.at(-1),
    low: prices.at(0),
    close: order.at(-1)?.price,
    volume,
    quoteVolume,
    buyVolume: bought.map(({ size }) => size).reduce(addDecimal, ZERO),
    vwap: vwap(quoteVolume, volume, Math.max(...prices.map(({ scale }) => scale))),
    tradeCount: trades.length,
    firstTradeId: order.at(0)?.id,
    lastTradeId: order.at(-1)?.id,
  };
}

function columns(bar: Bar | undefined): object | undefined {
  if (bar === undefined) return undefined;
  const { open, high, low, close, volume, quoteVolume, buyVolume, vwap: average } = bar;
  const { tradeCount, firstTradeId, lastTradeId } = bar;
  const sums = { volume, quoteVolume, buyVolume, vwap: average };
  return { open, high, low, close, ...sums, tradeCount, firstTradeId, lastTradeId };
}

test('bars are what a naive model makes of the trades in time, whatever the order', () => {
  fc.assert(
    fc.property(steps, wishes, fc.nat(90), (list, wish, anewAt) => {
      const run = play(wish, [...story(list, anewAt), finish]);
      const byId = wish.tradeIds === 'contiguous' || wish.tradeIds === 'increasing';
      const inTime = run.trades().filter(({ late, id }) => late === undefined && id !== 1_000_000);
      for (const seconds of wish.timeframes) {
        const length = seconds * 1_000_000;
        const groups = Map.groupBy(inTime, (trade) => Math.floor(trade.eventTime / length));
        const bars = run.lastBars(seconds).filter(({ tradeCount }) => tradeCount > 0);
        expect(bars.map(({ openTime }) => openTime / length)).toEqual(
          [...groups.keys()].toSorted((a, b) => a - b),
        );
        for (const bar of bars) {
          const trades = groups.get(bar.openTime / length) ?? [];
          expect(columns(bar)).toEqual(naiveBar(trades, byId));
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('a trade is late exactly when it is too far behind the greatest before it', () => {
  fc.assert(
    fc.property(steps, wishes, (list, wish) => {
      const busy = list.map((each) => ({ ...each, followedBy: 'nothing' as const }));
      const run = play(wish, story(busy));
      let greatest = 0;
      for (const { eventTime: time, late } of run.trades()) {
        const behind = greatest - time > wish.latenessMs * 1_000;
        expect(late).toBe(behind ? 'late' : undefined);
        greatest = Math.max(greatest, time);
      }
    }),
    { numRuns: 200 },
  );
});

test('flat bars stand at the close before them, in a row without a hole', () => {
  fc.assert(
    fc.property(steps, wishes, (list, wish) => {
      const run = play({ ...wish, empty: 'flat' }, [...story(list), finish]);
      const broken = list.some(({ followedBy }) => ['reconnect', 'dropped'].includes(followedBy));
      for (const seconds of wish.timeframes) {
        const bars = run.lastBars(seconds);
        for (const [at, bar] of bars.entries()) {
          if (bar.tradeCount > 0) continue;
          const before = bars[at - 1];
          if (!broken) expect(before?.openTime).toBe(eventTime(bar.openTime - seconds * 1e6));
          expect(columns(bar)).toEqual({
            open: before?.close,
            high: before?.close,
            low: before?.close,
            close: before?.close,
            volume: ZERO,
            quoteVolume: ZERO,
            buyVolume: ZERO,
            vwap: undefined,
            tradeCount: 0,
            firstTradeId: undefined,
            lastTradeId: undefined,
          });
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('revisions of a bar count up from 1, and each says something new', () => {
  fc.assert(
    fc.property(steps, wishes, (list, wish) => {
      const run = play(wish, [...story(list), finish]);
      for (const seconds of wish.timeframes) {
        const rows = Map.groupBy(run.bars(seconds), ({ openTime }) => openTime);
        for (const revisions of rows.values()) {
          expect(revisions.map(({ revision }) => revision)).toEqual(
            revisions.map((_, at) => at + 1),
          );
          const said = revisions.map((bar) => JSON.stringify({ ...bar, revision: 0 }));
          for (const [at, text] of said.entries()) expect(text).not.toBe(said[at - 1] ?? '');
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('a timeframe gives the same rows whichever others are built beside it', () => {
  const pairs = [
    [[60], [1, 60]],
    [[10], [10, 15]],
    [[15], [10, 15]],
    [[60], [10, 15, 60]],
  ] as const;
  fc.assert(
    fc.property(steps, wishes, fc.constantFrom(...pairs), (list, wish, [alone, together]) => {
      const actions = [...story(list), finish];
      const [seconds] = alone;
      const direct = play({ ...wish, timeframes: alone }, actions);
      const rolled = play({ ...wish, timeframes: together }, actions);
      expect(rolled.bars(seconds)).toEqual(direct.bars(seconds));
      expect(rolled.trades()).toEqual(direct.trades());
    }),
    { numRuns: 300 },
  );
});

test('saving and loading between any two records changes nothing that comes later', () => {
  fc.assert(
    fc.property(steps, wishes, fc.nat(60), fc.nat(90), (list, wish, restartAfter, anewAt) => {
      const actions = [...story(list, anewAt), finish];
      const drained: Action = (run) => run.drain(20_000_000);
      const straight = play(wish, [...actions, drained]);
      const restarted = play(wish, [...actions, drained], restartAfter % actions.length);
      expect(restarted.rows).toEqual(straight.rows);
      expect(restarted.operators.save()).toEqual(straight.operators.save());
    }),
    { numRuns: 300 },
  );
});

test('every id is let through once, and none is lost', () => {
  fc.assert(
    fc.property(steps, wishes, (list, wish) => {
      if (wish.tradeIds === 'none') return;
      const actions = story(list);
      const run = play(wish, actions);
      const ids = run.trades().map(({ id }) => Number(id));
      const sent = list.flatMap(({ fate }, at) => (fate === 'never' ? [] : [at + 1]));
      expect(ids.toSorted((a, b) => a - b)).toEqual(sent);
      expect(ids.length + run.count('duplicate')).toBe(actions.length);
    }),
    { numRuns: 200 },
  );
});

test('holes of contiguous ids add up to what never came', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const run = play({ tradeIds: 'contiguous', empty: 'none' }, story(list));
      run.drain(10_000_000);
      const last = new Map(
        run
          .gaps()
          .filter(({ fromId }) => fromId !== 0)
          .map((gap) => [gap.fromId, gap]),
      );
      const missing = [...last.values()].reduce((sum, gap) => sum + Number(gap.missing), 0);
      const come = run.trades().map(({ id }) => Number(id));
      const first = come[0] ?? 1;
      const absent = Math.max(0, ...come) - first + 1 - come.filter((id) => id >= first).length;
      expect(missing).toBe(absent);
      for (const gap of last.values()) expect(gap.filledAt === undefined).toBe(gap.missing !== 0);
    }),
    { numRuns: 300 },
  );
});

test('no bar is called complete when a trade of it never came', () => {
  fc.assert(
    fc.property(steps, wishes, (list, wish) => {
      // Without time of its own a bar is closed by trades, and the hole known, before it is final.
      const busy = list.map((each) => ({ ...each, followedBy: 'nothing' as const }));
      const run = play({ ...wish, tradeIds: 'contiguous' }, [...story(busy), finish]);
      const first = Number(run.trades()[0]?.id ?? Infinity);
      let made = 0;
      const absent = list.flatMap(({ after, fate }, at) => {
        made += after;
        return fate === 'never' && at + 1 > first ? [START + made * 1_000] : [];
      });
      for (const bar of wish.timeframes.flatMap((seconds) => run.lastBars(seconds))) {
        const end = bar.openTime + bar.timeframe * 1_000_000;
        const holed = absent.some((time) => time >= bar.openTime && time < end);
        if (holed) expect([bar.complete, bar.gap]).toEqual([false, true]);
      }
    }),
    { numRuns: 200 },
  );
});

test('every bar behind the first trade is complete when all trades came in time', () => {
  fc.assert(
    fc.property(steps, wishes, (list, wish) => {
      const good = list.map((each) => ({ ...each, fate: 'once' as const, delay: 0 }));
      const calm = good.map((each) => ({ ...each, followedBy: 'nothing' as const }));
      const run = play(wish, [...story(calm), finish]);
      const [first, last] = [run.trades()[0]?.eventTime ?? 0, run.trades().at(-2)?.eventTime ?? 0];
      for (const bar of run.bars()) {
        const between = bar.openTime > first && bar.openTime + bar.timeframe * 1_000_000 <= last;
        if (between) expect([bar.complete, bar.gap]).toEqual([true, false]);
      }
    }),
    { numRuns: 100 },
  );
});
