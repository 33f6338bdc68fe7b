import type { Bar } from '../../../src/market/bar.ts';
import { formatDecimal } from '../../../src/market/decimal.ts';
import type { Gap } from '../../../src/market/gap.ts';
import { timeframeSeconds } from '../../../src/market/timeframes.ts';
import type { TrueTrade } from '../market.ts';
import type { Life } from '../simulate.ts';
import { dividedText, fixed, fixedText, SCALE } from './fixed.ts';
import { isOwed, isRewritten, possible, shakyTrades } from './fate.ts';
import { canonical, storedTrades } from './stored.ts';

/**
 * Every bar is the aggregate of the trades in it that are not late, and says truly whether it is
 * whole.
 */
export const judgeBars = (life: Life): string[] => {
  const bars = [...life.database.tables.bar.values()];
  const gaps = [...life.database.tables.gap.values()];
  const stored = storedTrades(life);
  // Rows given up behind the operators are in their bars and in no table: nothing to compare with.
  const isComparable = !life.past.hasDroppedRows && !refusesTrades(life) && !isRewritten(life);
  return life.venue.market.symbols.flatMap((symbol) => {
    const own = bars.filter(({ instrument }) => instrument.symbol === symbol);
    const holes = gaps.filter(({ instrument }) => instrument.symbol === symbol);
    const trades = [...(stored.get(symbol)?.values() ?? [])];
    const counted = trades.flatMap(({ id, late }) => {
      const heard = life.witness.trades.get(symbol)?.get(Number(id));
      return late === undefined && heard !== undefined ? [heard.trade] : [];
    });
    return [
      ...(isComparable ? compared(life, own, counted, shakyTimes(life, symbol)) : []),
      ...falseWholeness(life, symbol, own, holes),
    ];
  });
};

const shakyTimes = (life: Life, symbol: string): readonly number[] =>
  shakyTrades(life, symbol).map(({ trade }) => trade.micros);

const refusesTrades = (life: Life): boolean => life.pipeline.ledger.rows.trade.deadLettered > 0;

const compared = (
  life: Life,
  bars: readonly Bar[],
  trades: readonly TrueTrade[],
  shaky: readonly number[],
): readonly string[] => {
  const complaints: string[] = [];
  const left = new Set(bars);
  const ordered = trades.toSorted((a, b) => a.micros - b.micros || a.id - b.id);
  for (const name of life.scenario.bars.timeframes) {
    const seconds = timeframeSeconds(name) ?? 0;
    const byOpen = new Map(
      bars
        .filter(({ timeframe }) => timeframe === seconds)
        .map((bar) => [Number(bar.openTime), bar]),
    );
    const isShaky = new Set(shaky.map((micros) => openOf(micros, seconds)));
    for (const bar of byOpen.values()) if (isShaky.has(bar.openTime)) left.delete(bar);
    for (const [open, inside] of Map.groupBy(ordered, ({ micros }) => openOf(micros, seconds))) {
      if (isShaky.has(open)) continue;
      const bar = byOpen.get(open);
      const symbol = inside[0]?.symbol;
      if (bar === undefined) {
        complaints.push(`the bar ${symbol} ${name} ${open} of ${inside.length} trades is missing`);
        continue;
      }
      left.delete(bar);
      const [said, should] = [textOfBar(bar), textOfTrades(inside)];
      if (said !== should)
        complaints.push(`the bar ${symbol} ${name} ${open} is ${said}: ${should}`);
    }
  }
  // Flat bars stand where time went on without trades: which of them, what was forgotten decided.
  const others = [...left].filter((bar) => bar.tradeCount > 0 || shaky.length === 0);
  return [...complaints, ...others.flatMap((bar) => flatFaults(life, bar, ordered))];
};

const openOf = (micros: number, seconds: number): number =>
  micros - (micros % (seconds * 1_000_000));

const textOfBar = (bar: Bar): string =>
  [
    bar.tradeCount,
    ...[bar.open, bar.high, bar.low, bar.close].map(formatDecimal),
    ...[bar.volume, bar.quoteVolume, bar.buyVolume].map(formatDecimal),
    bar.vwap === undefined ? '-' : formatDecimal(bar.vwap),
    bar.firstTradeId ?? '-',
    bar.lastTradeId ?? '-',
  ].join(' ');

/** The same of trades in the order of time and id. */
const textOfTrades = (trades: readonly TrueTrade[]): string => {
  const [first, last] = [trades[0], trades.at(-1)];
  let [volume, value, bought] = [0n, 0n, 0n];
  let [high, low] = [first?.price ?? '', first?.price ?? ''];
  let decimals = 0;
  for (const { price, size, taker } of trades) {
    volume += fixed(size);
    value += fixed(size) * fixed(price);
    if (taker === 'buy') bought += fixed(size);
    if (fixed(price) > fixed(high)) high = price;
    if (fixed(price) < fixed(low)) low = price;
    decimals = Math.max(decimals, canonical(price).split('.')[1]?.length ?? 0);
  }
  return [
    trades.length,
    ...[first?.price ?? '', high, low, last?.price ?? ''].map(canonical),
    fixedText(volume, SCALE),
    fixedText(value, 2 * SCALE),
    fixedText(bought, SCALE),
    dividedText(value, volume * 10n ** BigInt(SCALE), decimals + 8),
    first?.id,
    last?.id,
  ].join(' ');
};

/** A bar without trades stands where flat ones are wanted, at the close before it. */
const flatFaults = (life: Life, bar: Bar, ordered: readonly TrueTrade[]): string[] => {
  const name = `the bar ${bar.instrument.symbol} ${bar.timeframe}s ${bar.openTime}`;
  if (bar.tradeCount !== 0) return [`${name} has ${bar.tradeCount} trades that are not stored`];
  if (life.scenario.bars.empty !== 'flat') return [`${name} is empty, and none was wanted`];
  const before = ordered.findLast(({ micros }) => micros < bar.openTime);
  const close = before === undefined ? 'none' : canonical(before.price);
  const said = new Set([bar.open, bar.high, bar.low, bar.close].map(formatDecimal));
  return said.size === 1 && said.has(close) ? [] : [`${name} is ${[...said].join()}, not ${close}`];
};

/**
 * A bar that is complete, today's holes considered, has every trade that the venue made in its
 * interval.
 */
const falseWholeness = (
  life: Life,
  symbol: string,
  bars: readonly Bar[],
  gaps: readonly Gap[],
): string[] => {
  const { ahead, behind } = life.scenario.venue.clock;
  // Trades in a hole whose time the venue's clock jumped over can be anywhere.
  if (ahead > 0 || behind > 0) return [];
  const lost = neverReceived(life, symbol);
  const open = gaps.filter(({ filledAt, missing }) => filledAt === undefined && missing !== 0);
  return bars.flatMap((bar) => {
    const end = bar.openTime + bar.timeframe * 1_000_000;
    if (!bar.complete) return [];
    const example = lost.find(({ micros }) => micros >= bar.openTime && micros < end);
    if (example === undefined) return [];
    if (open.some(({ fromTime, toTime }) => fromTime < end && toTime >= bar.openTime)) return [];
    const name = `the bar ${symbol} ${bar.timeframe}s ${bar.openTime}`;
    return [`${name} is complete, but ${example.id} is not there`];
  });
};

/**
 * The venue's trades that the program can know to be missing: behind the last that came, nobody can
 * know.
 */
const neverReceived = (life: Life, symbol: string): readonly TrueTrade[] => {
  const heard = [...(life.witness.trades.get(symbol)?.values() ?? [])];
  const taken = new Set(
    heard.filter(({ copies }) => possible(copies).length > 0).map(({ trade }) => trade.id),
  );
  const last = heard
    .filter(({ copies }) => isOwed(copies))
    .reduce((most, { trade }) => Math.max(most, trade.id), 0);
  const first = listensBefore(life) ? 0 : (life.witness.first(symbol) ?? last);
  return life.venue.market
    .trades(symbol)
    .filter(({ id }) => id >= first && id <= last && !taken.has(id));
};

/**
 * How long it has listened the program takes from when the venue acknowledged to when the first
 * trade came. That one may be of a snapshot, or have waited for a stalled process: then it says
 * nothing of the time before it. The allowed lateness covers what it can. A frame that the network
 * lost in front of it, no id tells of.
 */
const listensBefore = ({ scenario: { bars, venue, stallEveryMs }, past }: Life): boolean =>
  past.starts === 1 &&
  bars.allowedLatenessMs >= 2000 &&
  venue.frames.late === 0 &&
  venue.frames.lost === 0 &&
  stallEveryMs === 0;
