import { expect, test } from 'bun:test';
import type { Trade } from '../../../src/market/events.ts';
import { parseDecimal } from '../../../src/market/decimal.ts';
import { eventTime, receiveTime } from '../../../src/market/time.ts';
import type { TrueTrade } from '../market.ts';
import type { Fate } from '../process/custody.ts';
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

test('asks for a hole in front of the last trade, unless that may be forgotten', async () => {
  const inFront = (fate: Fate) => (life: Life) => {
    const [[symbol = '', heard] = []] = life.witness.trades;
    const [last, hidden] = [...(heard?.values() ?? [])]
      .filter(({ trade }) => life.database.tables.trade.values().some(isStored(trade)))
      .toSorted((one, other) => other.trade.id - one.trade.id);
    for (const { delivery } of last?.copies ?? []) delivery.fate = fate;
    const id = hidden?.trade.id ?? 0;
    const { tables } = life.database;
    tables.trade.delete(middle(tables.trade, (row) => isTrade(row, symbol, id))[0]);
  };
  expect(await falsified(inFront('kept'))).toContain('is missing and in no gap');
  expect(await falsified(inFront('doubtful'))).not.toContain('is missing and in no gap');
});

test('follows ids where frames were given up, from where nothing can be forgotten', async () => {
  const unfollowed = (fate: Fate) => (life: Life) => {
    life.past.hasDropped = true;
    const [[symbol = '', heard] = []] = life.witness.trades;
    const rows = [...life.database.tables.trade].filter(([, row]) => isOf(row, symbol));
    const [hidden, row] = middle(new Map(rows));
    life.database.tables.trade.delete(hidden);
    for (const { trade, copies } of heard?.values() ?? []) {
      if (trade.id > Number(row.id)) continue;
      for (const { delivery } of copies) delivery.fate = fate;
    }
  };
  expect(await falsified(unfollowed('kept'))).toContain('is missing and in no gap');
  expect(await falsified(unfollowed('doubtful'))).not.toContain('is missing and in no gap');
  const forgotten = await falsified((life) => {
    unfollowed('kept')(life);
    life.past.blankFrom = life.clock.now();
  });
  expect(forgotten).not.toContain('is missing and in no gap');
});

/** A life that is killed again and again, on a disk without faults. */
const deadly = (seed: number, powerLoss: number): Scenario => {
  const calm = calmScenario(seed, 'binance');
  const points = ['anywhere', 'before_sync', 'after_commit'] as const;
  return {
    ...calm,
    journal: { fsyncMs: 200, maxBytes: 64 * 1024 ** 2, minFreeBytes: 0, retainMs: 0 },
    deaths: { ...calm.deaths, meanMs: 5000, points, powerLoss, downMs: [100, 2000] },
  };
};

const killed = async (falsify: (life: Life) => void, powerLoss = 0): Promise<string> => {
  const life = await live(deadly(3, powerLoss));
  expect(judge(life)).toEqual([]);
  expect(life.past.ends.length).toBeGreaterThan(3);
  falsify(life);
  return judge(life).join('\n');
};

const copyOf = (life: Life, fate: Fate) => {
  const heard = life.venue.market.symbols.flatMap((symbol) => [
    ...(life.witness.trades.get(symbol)?.values() ?? []),
  ]);
  const found = heard.find(({ copies }) => copies.every(({ delivery }) => delivery.fate === fate));
  if (found === undefined) throw new Error(`no trade of this life is ${fate}`);
  return found.trade;
};

test('notices a trade that a killed process had in its file, and that is not there', async () => {
  const verdict = await killed((life) => {
    const { symbol, id } = copyOf(life, 'kept');
    const { tables } = life.database;
    tables.trade.delete(middle(tables.trade, (row) => isTrade(row, symbol, id))[0]);
  });
  expect(verdict).toContain('is lost');
});

test('notices a trade that was stored out of the memory of a process that died', async () => {
  const verdict = await killed((life) => {
    const { symbol, id, micros } = copyOf(life, 'lost');
    const { tables } = life.database;
    const [, like] = middle(tables.trade, (row) => row.instrument.symbol === symbol);
    tables.trade.set('one more', { ...like, id, eventTime: eventTime(micros) });
  });
  expect(verdict).toContain('came at ');
});

test('forgives as many trades that no ledger counts as frames were given up', async () => {
  const givenUp = (frames: number) => (life: Life) => {
    const { rows, dropped } = life.pipeline.ledger;
    rows.trade.committed = life.database.tables.trade.size - 5;
    rows.trade.alreadyThere = 0;
    dropped.set('queue_oldest', frames);
  };
  expect(await killed(givenUp(4))).toContain('trade rows are stored');
  expect(await killed(givenUp(5))).not.toContain('trade rows are stored');
});

test('notices frames that the journal lost, unless the power took them', async () => {
  const lose = ({ pipeline: { ledger } }: Life): void => {
    ledger.frames.lost += 1;
  };
  expect(await killed(lose)).toContain('1 frames count as lost');
  expect(await killed(lose, 1)).not.toContain('count as lost');
});

test('notices one hole more than there were absences', async () => {
  const verdict = await killed((life) => {
    const { tables } = life.database;
    const [, down] = middle(tables.gap, ({ reason }) => reason === 'down');
    for (let more = 0; more <= life.past.ends.length; more += 1) {
      tables.gap.set(`more ${more}`, down);
    }
  });
  expect(verdict).toContain(' absences');
});

test('of what a power loss took nothing is asked, of all else everything', async () => {
  const forgiven = await killed((life) => {
    const { symbol, id } = copyOf(life, 'doubtful');
    for (const [key, row] of life.database.tables.trade) {
      if (isTrade(row, symbol, id)) life.database.tables.trade.delete(key);
    }
  }, 1);
  expect(forgiven).not.toContain('is lost');
});

const isStored =
  ({ symbol, id }: TrueTrade) =>
  (row: Trade): boolean =>
    isTrade(row, symbol, id);

const isTrade = (row: Trade, symbol: string, id: number): boolean =>
  isOf(row, symbol) && Number(row.id) === id;

const isOf = (row: Trade, symbol: string): boolean => row.instrument.symbol === symbol;

test('notices more connections in a minute than the venue allows', async () => {
  const verdict = await falsified(({ venue }) => {
    const [first = 0] = venue.dialledAt;
    venue.dialledAt.unshift(...Array.from({ length: 60 }, () => first));
  });
  expect(verdict).toContain('connections in the minute');
});
