import { BarAccumulator, type AccumulatorJson } from './bar-accumulator.ts';
import { createBars, resumeFilling, totalOf, windowAt } from './bars.ts';
import type { BarRules, Bars, BarSeries, Window } from './bars.ts';
import { floorTo, NEVER } from './instants.ts';
import { loadDecimal, loadOptional, saveDecimal, saveOptional } from './json.ts';

type WindowJson = Omit<Window, 'rolled' | 'own' | 'toldClose'> & {
  readonly rolled: AccumulatorJson | null;
  readonly own: AccumulatorJson | null;
  readonly toldClose: string | null;
};

type SeriesJson = {
  readonly windows: readonly WindowJson[];
  readonly nextFlat: number;
  readonly flats: number;
  readonly wholeAfter: number;
};

/**
 * The series of the published timeframes in their order, then the base if it is not one of them.
 */
export type BarsJson = {
  readonly series: readonly SeriesJson[];
  readonly close: string | null;
  readonly filling: boolean;
};

export function saveBars(bars: Bars): BarsJson {
  return {
    series: allSeries(bars).map(saveSeries),
    close: saveOptional(bars.close, saveDecimal),
    filling: bars.filling,
  };
}

/**
 * `watermark` is the one of the moment of saving; `before` and `now` are the rules of then and now.
 */
export function loadBars(
  json: BarsJson,
  before: BarRules,
  now: BarRules,
  watermark: number,
  byId: boolean,
): Bars {
  const saved = createBars(before.timeframes);
  for (const [at, series] of allSeries(saved).entries()) {
    const seriesJson = json.series[at];
    if (seriesJson !== undefined) loadSeries(series, seriesJson);
  }
  saved.close = loadOptional(json.close, loadDecimal);
  saved.filling = json.filling;
  const same = String(before.timeframes) === String(now.timeframes);
  const bars = same ? saved : refit(saved, now.timeframes, watermark, byId);
  if (before.flat !== now.flat && bars.filling) resumeFilling(bars, watermark);
  bars.closedTo = watermark === NEVER ? NEVER : floorTo(watermark, bars.base.length);
  return bars;
}

/**
 * The same trades under other timeframes. A timeframe that stays keeps all it has; a new one starts
 * at the watermark, and its bars that began before are not whole.
 */
function refit(saved: Bars, timeframes: readonly number[], watermark: number, byId: boolean): Bars {
  const bars = createBars(timeframes);
  const sameBase = bars.base.seconds === saved.base.seconds;
  bars.close = closeOf(saved, byId);
  if (saved.filling) resumeFilling(bars, watermark);
  bars.filling = saved.filling;
  if (sameBase) bars.base.windows = saved.base.windows;
  for (const series of bars.published) {
    const kept = saved.published.find(({ seconds }) => seconds === series.seconds);
    if (kept === undefined) begin(series, bars, watermark);
    else if (sameBase) Object.assign(series, kept);
    else Object.assign(series, { ...kept, windows: settle(saved, kept, byId) });
  }
  return bars;
}

/** Moves what base bars of the old length hold into the bars themselves. */
function settle(saved: Bars, kept: BarSeries, byId: boolean): Window[] {
  return kept.windows.map((window) => ({
    ...window,
    rolled: totalOf(saved, kept, window, byId),
    own: undefined,
  }));
}

function begin(series: BarSeries, bars: Bars, watermark: number): void {
  series.wholeAfter = watermark;
  if (series === bars.base) return;
  for (const pending of bars.base.windows) {
    if (!pending.flat) windowAt(series, pending.open).flat = false;
  }
}

/**
 * The close of the last trade: the pending base bars are not asked for it any more when their
 * length changed.
 */
function closeOf(saved: Bars, byId: boolean): Bars['close'] {
  let { close } = saved;
  for (const window of saved.base.windows) {
    close = totalOf(saved, saved.base, window, byId)?.last.price ?? close;
  }
  return close;
}

function allSeries(bars: Bars): readonly BarSeries[] {
  return bars.published.includes(bars.base) ? bars.published : [...bars.published, bars.base];
}

function saveSeries(series: BarSeries): SeriesJson {
  const { nextFlat, flats, wholeAfter } = series;
  return { windows: series.windows.map(saveWindow), nextFlat, flats, wholeAfter };
}

function loadSeries(series: BarSeries, json: SeriesJson): void {
  series.windows = json.windows.map(loadWindow);
  series.nextFlat = json.nextFlat;
  series.flats = json.flats;
  series.wholeAfter = json.wholeAfter;
}

function saveWindow(window: Window): WindowJson {
  return {
    ...window,
    rolled: saveOptional(window.rolled, (part) => part.toJson()),
    own: saveOptional(window.own, (part) => part.toJson()),
    toldClose: saveOptional(window.toldClose, saveDecimal),
  };
}

function loadWindow(json: WindowJson): Window {
  return {
    ...json,
    rolled: loadOptional(json.rolled, (part) => BarAccumulator.fromJson(part)),
    own: loadOptional(json.own, (part) => BarAccumulator.fromJson(part)),
    toldClose: loadOptional(json.toldClose, loadDecimal),
  };
}
