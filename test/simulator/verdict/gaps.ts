import type { Gap } from '../../../src/market/gap.ts';
import { MAX_HOLES } from '../../../src/operators/gaps.ts';
import type { Life } from '../simulate.ts';
import type { Copy } from '../witness.ts';
import { isKept, isOwed, isRewritten, shakyTrades } from './fate.ts';
import { hasDropped, keptConnections, refusedTrades, storedTrades } from './stored.ts';

/**
 * Between the first trade that was followed and the last that the program must remember, every id
 * is stored or lies in an open hole; and every hole says the truth about what is missing in it.
 */
export const judgeGaps = (life: Life): string[] => {
  const stored = storedTrades(life);
  const refused = refusedTrades(life);
  const gaps = [...life.database.tables.gap.values()];
  return life.venue.market.symbols.flatMap((symbol) => {
    const own = gaps.filter((gap) => gap.instrument.symbol === symbol && gap.fromId !== 0);
    const isKnown = (id: number): boolean =>
      stored.get(symbol)?.has(id) === true || refused.has(`${symbol} ${id}`);
    const shaky = new Set(shakyTrades(life, symbol).map(({ trade }) => trade.id));
    return [
      ...uncovered(life, symbol, own, isKnown, shaky),
      ...own.flatMap((gap) => untruths(life, gap, isKnown, own.length, shaky)),
      ...(shaky.size > 0 || isRewritten(life) ? [] : tooManyDowns(life, symbol, gaps)),
    ];
  });
};

const uncovered = (
  life: Life,
  symbol: string,
  gaps: readonly Gap[],
  isKnown: (id: number) => boolean,
  shaky: ReadonlySet<number>,
): string[] => {
  const heard = [...(life.witness.trades.get(symbol) ?? [])];
  const known = heard.map(([id]) => id).filter(isKnown);
  // One that was processed from memory and forgotten may be stored, and the hole in front of it not
  // yet: the next trade tells of both.
  const remembered = heard.filter(([id, { copies }]) => isKnown(id) && isOwed(copies));
  const last = remembered.reduce((most, [id]) => Math.max(most, id), 0);
  const open = new Set<number>();
  for (const gap of gaps) {
    if (gap.filledAt !== undefined) continue;
    for (let id = Number(gap.fromId); id <= Number(gap.toId); id += 1) open.add(id);
  }
  const complaints: string[] = [];
  for (let id = firstFollowed(life, symbol, known); id < last; id += 1) {
    if (!isKnown(id) && !open.has(id) && !shaky.has(id))
      complaints.push(`${symbol} ${id} is missing and in no gap`);
  }
  return complaints;
};

/**
 * Ids are followed from the first trade on; where that may have been given up, from a second after
 * the first stored one that no death could make the program forget, and that was not given up
 * unread with all that earlier processes knew.
 */
const firstFollowed = (life: Life, symbol: string, known: readonly number[]): number => {
  const heard = life.witness.trades.get(symbol);
  if (!hasDropped(life)) return life.witness.first(symbol) ?? Infinity;
  const isFollowed = (copy: Copy): boolean =>
    isKept(copy) && copy.receivedAt >= life.past.blankFrom;
  const receivedAt = (id: number): number =>
    heard?.get(id)?.copies.find(isFollowed)?.receivedAt ?? Infinity;
  const begin = known.reduce((least, id) => Math.min(least, receivedAt(id)), Infinity);
  const isEarly = (id: number): boolean => receivedAt(id) < begin + 1_000_000;
  const before = known.filter(isEarly).reduce((most, id) => Math.max(most, id), 0);
  // What a venue sends again of the time before the first trade is nowhere followed.
  const settled = known.filter((id) => id > before && receivedAt(id) < Infinity);
  return settled.reduce((least, id) => Math.min(least, id), Infinity);
};

const untruths = (
  life: Life,
  gap: Gap,
  isKnown: (id: number) => boolean,
  holes: number,
  shaky: ReadonlySet<number>,
): string[] => {
  const name = `the gap ${gap.instrument.symbol} ${gap.fromId}-${gap.toId} (${gap.reason})`;
  const complaints: string[] = [];
  const [from, to] = [Number(gap.fromId), Number(gap.toId)];
  let missing = 0;
  // The trade that told of it may be forgotten, and the hole with it.
  let isCertain = !shaky.has(to + 1);
  for (let id = from; id <= to; id += 1) {
    if (!isKnown(id)) missing += 1;
    if (shaky.has(id)) isCertain = false;
  }
  const told = Number(gap.missing ?? -1);
  // A hole that gave way to newer ones stays as it was told; rows given up behind the operators
  // make more of them.
  // A venue's clock that steps back looks like a new numbering: the holes of the old one end.
  const { ahead, behind } = life.scenario.venue.clock;
  const isExact =
    holes <= MAX_HOLES &&
    ahead === 0 &&
    behind === 0 &&
    isCertain &&
    !isRewritten(life) &&
    !life.past.hasDroppedRows;
  if (isExact && told !== missing) complaints.push(`${name} lacks ${missing}, and says ${told}`);
  if ((gap.filledAt !== undefined) !== (told === 0)) {
    complaints.push(`${name} lacks ${told}, and is filled at ${gap.filledAt}`);
  }
  if (gap.fromTime > gap.toTime) complaints.push(`${name} ends before it begins`);
  if (gap.reason === 'reconnect' && keptConnections(life)) {
    complaints.push(`${name} blames a reconnect; there was none`);
  }
  if (gap.reason === 'dropped' && !hasLost(life)) {
    complaints.push(`${name} blames a drop; there was none`);
  }
  return complaints;
};

/** Frames were given up, or a power loss left bytes that are no records. */
const hasLost = (life: Life): boolean => {
  const isDoubtful = life.past.deliveries.some((run) =>
    run.some(({ fate }) => fate === 'doubtful'),
  );
  const { dropped, lost } = life.pipeline.ledger.frames;
  return hasDropped(life) || dropped + lost > 0 || isDoubtful;
};

/** A process that was not there explains one hole of an instrument. */
const tooManyDowns = (life: Life, symbol: string, gaps: readonly Gap[]): readonly string[] => {
  const downs = gaps.filter(
    ({ instrument, reason }) => instrument.symbol === symbol && reason === 'down',
  );
  const most = life.past.starts - 1;
  return downs.length > most ? [`${downs.length} holes of ${symbol} for ${most} absences`] : [];
};
