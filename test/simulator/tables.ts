import type { Bar } from '../../src/market/bar.ts';
import type { Quote, Trade } from '../../src/market/events.ts';
import type { Gap } from '../../src/market/gap.ts';
import type { Instrument } from '../../src/market/instrument.ts';
import { addInteger, subtractInteger, type Integer } from '../../src/market/integer.ts';
import { receiveTime } from '../../src/market/time.ts';
import type { Recounted, RecountScope } from '../../src/sinks/gap-recount.ts';
import type { DeadLetter } from '../../src/sinks/sink.ts';

export type Row = Trade | Quote | Bar | Gap | DeadLetter;

/**
 * The tables, in memory, with the keys and the rules of replacement that the schema states: the
 * first copy of a trade, quote and dead letter stays; a bar gives way to one with more (epoch,
 * trade count, complete, revision); of a gap the first reason stays, `missing` only shrinks,
 * and `filledAt` comes once; one that ends elsewhere and was detected later stands in its place.
 */
export class Tables {
  readonly trade = new Map<string, Trade>();
  readonly quote = new Map<string, Quote>();
  readonly bar = new Map<string, Bar>();
  readonly gap = new Map<string, Gap>();
  readonly deadLetter = new Map<string, DeadLetter>();
  /** An instrument's trades by id. */
  readonly #byId = new Map<string, Map<Integer, Trade[]>>();

  /** True when it changed something. */
  write(row: Row): boolean {
    switch (row.kind) {
      case 'trade':
        return this.#writeTrade(row);
      case 'quote': {
        const at = row.eventTime ?? row.receiveTime;
        return keepFirst(this.quote, `${named(row.instrument)} ${at} ${row.id}`, row);
      }
      case 'bar':
        return this.#writeBar(row);
      case 'gap':
        return this.#writeGap(row);
      case 'dead_letter':
        return keepFirst(this.deadLetter, `${row.position} ${row.row}`, row);
    }
  }

  /** By looking at every trade for every hole. */
  recountGaps({ isWanted, detectedFrom }: RecountScope): Recounted {
    const unfilled = [...this.gap].filter(
      ([, { instrument, fromId, filledAt, detectedAt, missing = 0 }]) =>
        detectedAt >= detectedFrom &&
        isWanted(instrument) &&
        fromId !== 0 &&
        filledAt === undefined &&
        missing > 0,
    );
    const changes = unfilled.flatMap(([key, gap]) => {
      const { missing, received } = this.#lacks(gap);
      if (missing >= Number(gap.missing)) return [];
      const filledAt = missing > 0 ? undefined : receiveTime(Math.max(received, gap.detectedAt));
      return [[key, { ...gap, missing, filledAt }] as const];
    });
    for (const [key, gap] of changes) this.gap.set(key, gap);
    const filled = changes.filter(([, { missing }]) => missing === 0).length;
    return { unfilled: unfilled.length, narrowed: changes.length, filled };
  }

  #lacks({ instrument, fromId, toId, fromTime, toTime }: Gap) {
    const own = this.#byId.get(named(instrument)) ?? new Map<Integer, Trade[]>();
    let there = 0;
    let received = 0;
    for (const id of idsWithin(own, fromId, toId)) {
      const trades = own.get(id) ?? [];
      const within = trades.filter((one) => one.eventTime >= fromTime && one.eventTime <= toTime);
      if (within.length > 0) there += 1;
      for (const { receiveTime: at } of within) received = Math.max(received, at);
    }
    return { missing: Number(subtractInteger(toId, fromId)) + 1 - there, received };
  }

  #writeTrade(row: Trade): boolean {
    const name = named(row.instrument);
    if (!keepFirst(this.trade, `${name} ${row.eventTime} ${row.id}`, row)) return false;
    const ids = this.#byId.get(name) ?? new Map<Integer, Trade[]>();
    this.#byId.set(name, ids.set(row.id, [...(ids.get(row.id) ?? []), row]));
    return true;
  }

  #writeBar(row: Bar): boolean {
    const key = `${named(row.instrument)} ${row.timeframe} ${row.openTime}`;
    const stored = this.bar.get(key);
    if (stored !== undefined && !isGreater(rankOf(row), rankOf(stored))) return false;
    this.bar.set(key, row);
    return true;
  }

  #writeGap(row: Gap): boolean {
    const key = `${named(row.instrument)} ${row.fromTime} ${row.fromId}`;
    const stored = this.gap.get(key);
    if (stored === undefined) {
      this.gap.set(key, row);
      return true;
    }
    if (stored.toId !== row.toId) {
      if (row.detectedAt <= stored.detectedAt) return false;
      this.gap.set(key, row);
      return true;
    }
    const fewer =
      stored.missing !== undefined && row.missing !== undefined && row.missing < stored.missing;
    const filled = stored.filledAt === undefined && row.filledAt !== undefined;
    if (!fewer && !filled) return false;
    this.gap.set(key, {
      ...stored,
      missing: fewer ? row.missing : stored.missing,
      filledAt: stored.filledAt ?? row.filledAt,
    });
    return true;
  }
}

const named = ({ venue, symbol }: Instrument): string => `${venue} ${symbol}`;

const keepFirst = <T>(table: Map<string, T>, key: string, row: T): boolean => {
  if (table.has(key)) return false;
  table.set(key, row);
  return true;
};

const rankOf = (bar: Bar): readonly number[] => [
  bar.epoch,
  bar.tradeCount,
  bar.complete ? 1 : 0,
  bar.revision,
];

const isGreater = (a: readonly number[], b: readonly number[]): boolean => {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && (a[at] ?? 0) > (b[at] ?? 0);
};

/** Those of a hole that are there; it may span more ids than there are trades. */
function* idsWithin(own: ReadonlyMap<Integer, unknown>, from: Integer, to: Integer) {
  if (Number(subtractInteger(to, from)) < own.size) {
    for (let id = from; id <= to; id = addInteger(id, 1)) if (own.has(id)) yield id;
    return;
  }
  for (const id of own.keys()) if (id >= from && id <= to) yield id;
}
