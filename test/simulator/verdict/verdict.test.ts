import { expect, test } from 'bun:test';
import type { Trade } from '../../../src/market/events.ts';
import { parseDecimal } from '../../../src/market/decimal.ts';
import { eventTime, receiveTime } from '../../../src/market/time.ts';
import { calmScenario, type Scenario } from '../scenario.ts';
import { live, type Life } from '../simulate.ts';
import { judge } from './verdict.ts';

/**
 * A life in which connections drop, so that there are holes, and what one falsification of it is
 * judged to be.
 */
const stormy = (seed: number): Scenario => {
  const calm = calmScenario(seed, 'binance');
  const { connections } = calm.venue;
  return { ...calm, venue: { ...calm.venue, connections: { ...connections, dropped: 8000 } } };
};

const falsified = async (falsify: (life: Life) => void): Promise<string> => {
  const life = await live(stormy(1));
  expect(judge(life)).toEqual([]);
  falsify(life);
  return judge(life).join('\n');
};

const middle = <K, V>(table: ReadonlyMap<K, V>, wanted: (row: V) => boolean = () => true) => {
  const rows = [...table].filter(([, row]) => wanted(row));
  const found = rows[rows.length >> 1];
  if (found === undefined) throw new Error('the life has no such row');
  return found;
};

test('notices a trade that is missing, in no hole, and in its bars', async () => {
  const verdict = await falsified(({ database: { tables } }) => {
    tables.trade.delete(middle(tables.trade)[0]);
  });
  expect(verdict).toContain('is lost');
  expect(verdict).toContain('is missing and in no gap');
  expect(verdict).toContain('the bar ');
});

test('notices a trade that is there twice, at another time', async () => {
  const verdict = await falsified(({ database: { tables } }) => {
    const [key, trade] = middle(tables.trade);
    tables.trade.set(`${key} again`, { ...trade, eventTime: eventTime(trade.eventTime + 1) });
  });
  expect(verdict).toContain('stored twice');
});

test.each<[string, Partial<Trade>]>([
  ['price', { price: parseDecimal('0.07') ?? { units: 0, scale: 0 } }],
  ['side', { side: undefined }],
  ['receive time', { receiveTime: receiveTime(1) }],
  ['mark', { late: 'stale' }],
])('notices another %s of a trade', async (_what, other) => {
  const verdict = await falsified(({ database: { tables } }) => {
    const [key, trade] = middle(tables.trade);
    tables.trade.set(key, { ...trade, ...other });
  });
  expect(verdict).toContain('trade ');
});

test('notices a bar with one trade too many, and one that is not there', async () => {
  const counted = await falsified(({ database: { tables } }) => {
    const [key, bar] = middle(tables.bar);
    tables.bar.set(key, { ...bar, tradeCount: bar.tradeCount + 1 });
  });
  expect(counted).toMatch(/the bar \S+ \S+ \d+ is /);
  const missing = await falsified(({ database: { tables } }) => {
    tables.bar.delete(middle(tables.bar)[0]);
  });
  expect(missing).toContain('trades is missing');
});

test('notices a bar over a hole that says it is complete once the hole is gone', async () => {
  const verdict = await falsified(({ database: { tables } }) => {
    const [hole, { fromTime, toTime }] = middle(tables.gap, ({ fromId }) => fromId !== 0);
    tables.gap.delete(hole);
    for (const [key, bar] of tables.bar) {
      const end = bar.openTime + bar.timeframe * 1_000_000;
      if (bar.openTime <= toTime && end > fromTime) tables.bar.set(key, { ...bar, complete: true });
    }
  });
  expect(verdict).toContain('is complete, but');
});

test('notices a hole that lacks another number of trades than it says', async () => {
  const verdict = await falsified(({ database: { tables } }) => {
    const [key, gap] = middle(tables.gap, ({ missing }) => Number(missing) > 0);
    tables.gap.set(key, { ...gap, missing: Number(gap.missing) + 1 });
  });
  expect(verdict).toContain('and says');
});

test('notices a quote that is lost, and one that nobody sent', async () => {
  const lost = await falsified(({ database: { tables } }) => {
    tables.quote.delete(middle(tables.quote)[0]);
  });
  expect(lost).toContain('is lost');
  const invented = await falsified(({ database: { tables } }) => {
    const [key, quote] = middle(tables.quote);
    tables.quote.set(key, { ...quote, bid: undefined });
  });
  expect(invented).toContain('was never received');
});

test('notices counters that disagree with the tables, and frames not counted', async () => {
  const told = await falsified(({ pipeline }) => {
    pipeline.ledger.rows.trade.committed += 1;
  });
  expect(told).toContain('trade rows are stored');
  const uncounted = await falsified(({ witness }) => {
    witness.frames += 1;
  });
  expect(uncounted).toContain('frames were given');
});

test('notices more connections in a minute than the venue allows', async () => {
  const verdict = await falsified(({ venue }) => {
    const [first = 0] = venue.dialledAt;
    venue.dialledAt.unshift(...Array.from({ length: 60 }, () => first));
  });
  expect(verdict).toContain('connections in the minute');
});
