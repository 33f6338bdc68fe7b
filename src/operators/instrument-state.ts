import type { Instrument } from '../market/instrument.ts';
import type { VenueFacts } from '../venues/venue.ts';
import { createBars, type Bars } from './bars.ts';
import type { Feed } from './coverage.ts';
import { createTradeIds, idsIncrease, type TradeIds } from './dedupe.ts';
import { createGaps, type Gaps } from './gaps.ts';
import { createProgress, type Progress } from './lateness.ts';
import { createQuoteIds, type QuoteIds } from './quotes.ts';
import type { TradeSeries } from './validate.ts';

/** Everything the operators know of one instrument. Each part is bounded where it is declared. */
export type InstrumentState = {
  readonly instrument: Instrument;
  /** Whether the venue's trade ids tell the order of trades of one time. */
  readonly byId: boolean;
  readonly ids: TradeIds;
  readonly gaps: Gaps;
  readonly progress: Progress;
  readonly bars: Bars;
  readonly quotes: QuoteIds;
  /** What its first trade was: the other kind is refused. */
  series: TradeSeries | undefined;
  /** The source of its last trade. */
  feed: Feed | undefined;
};

export function createInstrumentState(
  instrument: Instrument,
  { tradeIds }: VenueFacts,
  timeframes: readonly number[],
): InstrumentState {
  return {
    instrument,
    byId: idsIncrease(tradeIds),
    ids: createTradeIds(tradeIds),
    gaps: createGaps(tradeIds === 'contiguous'),
    progress: createProgress(),
    bars: createBars(timeframes),
    quotes: createQuoteIds(),
    series: undefined,
    feed: undefined,
  };
}
