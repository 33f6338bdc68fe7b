import type { GapReason } from '../market/gap.ts';
import type { Instrument } from '../market/instrument.ts';
import type { VenueFacts } from '../venues/venue.ts';
import { loadBars, saveBars, type BarsJson } from './bars-state.ts';
import type { BarRules } from './bars.ts';
import type { Feed } from './coverage.ts';
import { idsIncrease, loadTradeIds, saveTradeIds, type TradeIdsJson } from './dedupe.ts';
import type { Gaps, Hole } from './gaps.ts';
import type { InstrumentState } from './instrument-state.ts';
import {
  loadInteger,
  loadOptional,
  must,
  saveInteger,
  saveOptional,
  type IntegerJson,
} from './json.ts';
import { loadProgress, saveProgress, type ProgressJson } from './lateness.ts';
import { loadQuoteIds, saveQuoteIds, type QuoteIdsJson } from './quotes.ts';
import type { TradeSeries } from './validate.ts';

/** Rises when older saved state can no longer be read as it is. */
export const STATE_VERSION = 1;

/** An instrument's state as plain JSON. The sections are those of `InstrumentState`. */
export type InstrumentJson = {
  readonly venue: string;
  readonly symbol: string;
  readonly series: TradeSeries | null;
  readonly feed: string | null;
  readonly ids: TradeIdsJson;
  readonly gaps: GapsJson;
  readonly progress: ProgressJson;
  readonly quotes: QuoteIdsJson;
  readonly bars: BarsJson;
};

type HoleJson = Omit<Hole, 'fromId' | 'toId' | 'missing' | 'told'> & {
  readonly fromId: IntegerJson;
  readonly toId: IntegerJson;
  readonly missing: IntegerJson;
  readonly told: IntegerJson;
};

type GapsJson = Omit<Gaps, 'contiguous' | 'highest' | 'holes' | 'broken'> & {
  readonly highest: IntegerJson | null;
  readonly holes: readonly HoleJson[];
  readonly broken: GapReason | null;
};

export type LoadContext = {
  readonly feeds: ReadonlyMap<string, Feed>;
  /** The rules when it was saved, and now. */
  readonly before: BarRules;
  readonly now: BarRules;
};

export function saveInstrument(state: InstrumentState): InstrumentJson {
  return {
    venue: state.instrument.venue,
    symbol: state.instrument.symbol,
    series: state.series ?? null,
    feed: state.feed?.source ?? null,
    ids: saveTradeIds(state.ids),
    gaps: saveGaps(state.gaps),
    progress: saveProgress(state.progress),
    quotes: saveQuoteIds(state.quotes),
    bars: saveBars(state.bars),
  };
}

/** Throws `input` for damaged state. */
export function loadInstrument(
  json: InstrumentJson,
  instrument: Instrument,
  order: VenueFacts['tradeIds'],
  { feeds, before, now }: LoadContext,
): InstrumentState {
  const byId = idsIncrease(order);
  return {
    instrument,
    byId,
    ids: loadTradeIds(order, json.ids),
    gaps: loadGaps(order === 'contiguous', json.gaps),
    progress: loadProgress(json.progress, feeds, before.lateness, now.lateness),
    bars: loadBars(json.bars, before, now, json.progress.watermark, byId),
    quotes: loadQuoteIds(json.quotes, feeds),
    series: json.series ?? undefined,
    feed: loadOptional(json.feed, (source) => must(feeds.get(source))),
  };
}

/** Bytes of memory, from the number of things held: an estimate, good within a factor of two. */
export function estimateBytes(state: InstrumentState): number {
  const { ids, gaps, bars } = state;
  const intervals = ids.seen.intervals + (ids.former?.intervals ?? 0);
  let windows = bars.published.includes(bars.base) ? 0 : bars.base.windows.length;
  for (const series of bars.published) windows += series.windows.length;
  return (
    2_048 +
    intervals * 16 +
    ids.recent.size * 48 +
    gaps.holes.length * 128 +
    gaps.ranges.length * 32 +
    windows * 768
  );
}

function saveGaps(gaps: Gaps): GapsJson {
  return {
    highestTime: gaps.highestTime,
    reach: gaps.reach,
    brokenFrom: gaps.brokenFrom,
    highest: saveOptional(gaps.highest, saveInteger),
    holes: gaps.holes.map(saveHole),
    ranges: [...gaps.ranges],
    broken: gaps.broken ?? null,
  };
}

function loadGaps(contiguous: boolean, json: GapsJson): Gaps {
  return {
    ...json,
    contiguous,
    highest: loadOptional(json.highest, loadInteger),
    holes: json.holes.map(loadHole),
    ranges: [...json.ranges],
    broken: json.broken ?? undefined,
  };
}

function saveHole(hole: Hole): HoleJson {
  return {
    ...hole,
    fromId: saveInteger(hole.fromId),
    toId: saveInteger(hole.toId),
    missing: saveInteger(hole.missing),
    told: saveInteger(hole.told),
  };
}

function loadHole(json: HoleJson): Hole {
  return {
    ...json,
    fromId: loadInteger(json.fromId),
    toId: loadInteger(json.toId),
    missing: loadInteger(json.missing),
    told: loadInteger(json.told),
  };
}
