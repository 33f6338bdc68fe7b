import type { Bar } from '../market/bar.ts';
import { ZERO, type Decimal } from '../market/decimal.ts';
import { eventTime } from '../market/time.ts';
import { vwap } from '../market/vwap.ts';
import type { BarAccumulator } from './bar-accumulator.ts';
import { totalOf, type Bars, type BarSeries, type Window } from './bars.ts';
import { blemishOf, hasHole, type Blemish } from './gaps.ts';
import type { InstrumentState } from './instrument-state.ts';
import { must } from './json.ts';

export type BarOutput = { bar(bar: Bar): void };

/** A window that has a row to give. */
type Due = {
  readonly series: BarSeries;
  readonly window: Window;
  /** The close before it: what a flat bar says. */
  readonly close: Decimal | undefined;
  readonly blemish: Blemish;
};

/**
 * Emits every closed bar that is new or says something else than its last row, by end and then by
 * length.
 */
export function publishBars(state: InstrumentState, epoch: number, output: BarOutput): void {
  const due: Due[] = [];
  for (const series of state.bars.published) collectDue(state, series, due);
  for (const item of due.length > 1 ? due.toSorted(byEnd) : due) {
    const { window } = item;
    window.revision += 1;
    window.changed = false;
    const bar = barOf(state, item, window.revision, epoch);
    window.toldGap = bar.gap;
    window.toldComplete = bar.complete;
    window.toldClose = bar.close;
    output.bar(bar);
  }
}

/**
 * Emits the bars that are still open, as far as they have come, with revision 0; their next run
 * revises them.
 */
export function publishPartialBars(state: InstrumentState, epoch: number, output: BarOutput): void {
  const due: Due[] = [];
  for (const series of state.bars.published) {
    for (const window of series.windows) {
      const end = window.open + series.length;
      if (window.flat || end <= state.progress.watermark) continue;
      const blemish = hasHole(state.gaps, window.open, end) ? 'gap' : 'doubtful';
      due.push({ series, window, close: undefined, blemish });
    }
  }
  for (const item of due.toSorted(byEnd)) output.bar(barOf(state, item, 0, epoch));
}

function collectDue(state: InstrumentState, series: BarSeries, due: Due[]): void {
  const { bars, gaps, progress } = state;
  let { close } = bars;
  let next = 0;
  for (const window of series.windows) {
    const end = window.open + series.length;
    if (end > progress.watermark) return;
    if (window.flat) {
      for (let base = bars.base.windows[next]; base !== undefined && base.open < window.open;) {
        close = closeOf(bars, base, state.byId) ?? close;
        base = bars.base.windows[++next];
      }
    }
    const blemish = blemishOf(gaps, window.open, end);
    if (isDue(series, window, close, blemish)) due.push({ series, window, close, blemish });
  }
}

function isDue(
  series: BarSeries,
  window: Window,
  close: Decimal | undefined,
  blemish: Blemish,
): boolean {
  return (
    window.changed ||
    window.toldGap !== (blemish === 'gap') ||
    window.toldComplete !== isComplete(series, window, blemish) ||
    (window.flat && !isSame(window.toldClose, close))
  );
}

function isComplete(series: BarSeries, window: Window, blemish: Blemish): boolean {
  return blemish === 'whole' && window.open > series.wholeAfter;
}

function closeOf(bars: Bars, base: Window, byId: boolean): Decimal | undefined {
  return totalOf(bars, bars.base, base, byId)?.last.price;
}

function isSame(a: Decimal | undefined, b: Decimal | undefined): boolean {
  return a?.units === b?.units && a?.scale === b?.scale;
}

function byEnd(a: Due, b: Due): number {
  const ends = a.window.open + a.series.length - (b.window.open + b.series.length);
  return ends === 0 ? a.series.length - b.series.length : ends;
}

function barOf(state: InstrumentState, due: Due, revision: number, epoch: number): Bar {
  const { series, window, blemish } = due;
  const total = totalOf(state.bars, series, window, state.byId);
  return {
    kind: 'bar',
    instrument: state.instrument,
    timeframe: series.seconds,
    openTime: eventTime(window.open),
    ...(total === undefined ? flatColumns(must(due.close)) : tradeColumns(total)),
    lateCount: window.lateCount,
    complete: isComplete(series, window, blemish),
    gap: blemish === 'gap',
    revision,
    epoch,
  };
}

function tradeColumns(total: BarAccumulator) {
  const volume = total.volume.value();
  const quoteVolume = total.quoteVolume.value();
  return {
    open: total.first.price,
    high: total.high,
    low: total.low,
    close: total.last.price,
    volume,
    quoteVolume,
    buyVolume: total.buyVolume.value(),
    vwap: vwap(quoteVolume, volume, total.priceScale),
    tradeCount: Number(total.count),
    firstTradeId: total.first.firstId ?? total.first.id,
    lastTradeId: total.last.lastId ?? total.last.id,
  };
}

function flatColumns(close: Decimal) {
  return {
    open: close,
    high: close,
    low: close,
    close,
    volume: ZERO,
    quoteVolume: ZERO,
    buyVolume: ZERO,
    vwap: undefined,
    tradeCount: 0,
    firstTradeId: undefined,
    lastTradeId: undefined,
  };
}
