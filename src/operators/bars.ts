/**
 * Bars in event time. Only bars of the base timeframe take trades: the greatest common divisor of
 * the configured ones, published if it is one of them. Longer bars take in base bars once these are
 * final; until then a longer bar is what it took in and the base bars pending in it, so that
 * rolled-up and directly built bars are the same.
 *
 * A bar is published when the watermark reaches its end, again after every change until its end +
 * allowed lateness, and is then forgotten but for its close. Bars of one instrument come by end,
 * then by length. An instrument holds at most (allowed lateness / length) + 2 bars of each
 * timeframe, and for a moment 1,440 flat ones.
 */
import type { Decimal } from '../market/decimal.ts';
import type { Trade } from '../market/events.ts';
import { BarAccumulator } from './bar-accumulator.ts';
import { floorTo, MICROS_PER_SECOND, NEVER } from './instants.ts';

/** Most flat bars in a row; then none until the next trade. */
export const MAX_FLATS = 1_440;

/** One interval of a timeframe that is not final. */
export type Window = {
  readonly open: number;
  /** Without a trade: a flat bar, if anything. */
  flat: boolean;
  /** The trades of base bars that are final. */
  rolled: BarAccumulator | undefined;
  /** Of the base timeframe: trades that longer bars have not taken in yet. */
  own: BarAccumulator | undefined;
  lateCount: number;
  /** 0 until published. */
  revision: number;
  /** Since it was last published. */
  changed: boolean;
  /** What the last published row said. */
  toldGap: boolean;
  toldComplete: boolean;
  toldClose: Decimal | undefined;
};

/** The bars of one timeframe. */
export type BarSeries = {
  readonly seconds: number;
  readonly length: number;
  /** Ascending. */
  windows: Window[];
  /** Open time of the first interval that no flat bar was thought of for. */
  nextFlat: number;
  /** How many flat bars came in a row. */
  flats: number;
  /** Bars that open at or before it cannot be whole: nobody listened yet. */
  wholeAfter: number;
};

export type Bars = {
  readonly base: BarSeries;
  /** The configured ones, shortest first; the base is among them if it is configured. */
  readonly published: readonly BarSeries[];
  /** Close of the last final bar. */
  close: Decimal | undefined;
  /** All base intervals that end here or before are closed. */
  closedTo: number;
  /** The watermark at which something is due. */
  dueAt: number;
  /** Whether quiet intervals are known to be quiet: not before the first trade behind a break. */
  filling: boolean;
  /**
   * Of the base window of the last trade, while it is held: most trades go into the same, and are
   * spared the way there through the windows.
   */
  current: BarAccumulator | undefined;
  currentOpen: number;
  currentEnd: number;
};

/** Event-time rules of all instruments. */
export type BarRules = {
  /** Seconds, ascending. */
  readonly timeframes: readonly number[];
  readonly lateness: number;
  readonly flat: boolean;
};

/** The greatest common divisor of the timeframes. */
function baseSeconds(timeframes: readonly number[]): number {
  return timeframes.reduce(divisor, 0);
}

export function createBars(timeframes: readonly number[]): Bars {
  const published = timeframes.map(createSeries);
  const seconds = baseSeconds(timeframes);
  return {
    base: published.find((series) => series.seconds === seconds) ?? createSeries(seconds),
    published,
    close: undefined,
    closedTo: NEVER,
    dueAt: NEVER,
    filling: false,
    current: undefined,
    currentOpen: NEVER,
    currentEnd: NEVER,
  };
}

/** Takes a trade in time. True when bars that were closed before have to be published again. */
export function addTrade(bars: Bars, trade: Trade, byId: boolean): boolean {
  const time = trade.eventTime;
  if (bars.current !== undefined && time >= bars.currentOpen && time < bars.currentEnd) {
    bars.current.add(trade, byId);
  } else {
    addToWindow(bars, trade, byId);
  }
  if (time >= bars.closedTo) return false;
  for (const series of bars.published) reopen(series, time);
  return true;
}

function addToWindow(bars: Bars, trade: Trade, byId: boolean): void {
  const window = windowAt(bars.base, trade.eventTime);
  if (window.own === undefined) {
    window.own = BarAccumulator.of(trade);
    window.flat = false;
    for (const series of bars.published) windowAt(series, trade.eventTime).flat = false;
  } else {
    window.own.add(trade, byId);
  }
  bars.current = window.own;
  bars.currentOpen = window.open;
  bars.currentEnd = window.open + bars.base.length;
}

/** Counts a late trade in those of its bars that are still held: true when there are any. */
export function countLate(bars: Bars, time: number): boolean {
  let counted = false;
  for (const series of bars.published) {
    const window = findWindow(series, time);
    if (window === undefined) continue;
    window.lateCount += 1;
    window.changed = true;
    counted = true;
  }
  return counted;
}

/**
 * Closes the intervals up to `watermark`, with flat bars for the quiet ones if `flat`. To be
 * published next.
 */
export function closeUpTo(bars: Bars, watermark: number, flat: boolean): void {
  bars.closedTo = floorTo(watermark, bars.base.length);
  if (!flat || !bars.filling) return;
  for (const series of bars.published) fillQuiet(series, floorTo(watermark, series.length));
}

/**
 * From `watermark` on the instrument is heard without a break: intervals that begin now are filled
 * if quiet.
 */
export function resumeFilling(bars: Bars, watermark: number): void {
  bars.filling = true;
  for (const series of bars.published) {
    series.nextFlat = floorTo(watermark, series.length) + series.length;
    series.flats = 0;
  }
}

/** Forgets what can change no more at `watermark`. Comes after publishing. */
export function finish(bars: Bars, watermark: number, rules: BarRules, byId: boolean): void {
  const { base } = bars;
  const final = watermark - rules.lateness;
  for (const window of base.windows) {
    if (window.open + base.length > final) break;
    const total = totalOf(bars, base, window, byId);
    if (total === undefined) continue;
    bars.close = total.last.price;
    if (window.own !== undefined) rollUp(bars, window.open, window.own, byId);
  }
  dropFinal(base, final);
  bars.current = undefined;
  for (const series of bars.published) dropFinal(series, final);
  const nextFinal = final < 0 ? 0 : floorTo(final, base.length);
  bars.dueAt = Math.min(bars.closedTo, nextFinal + rules.lateness) + base.length;
}

/**
 * All trades of a bar so far; undefined for a flat one. A new object, or one that must not be
 * changed.
 */
export function totalOf(
  bars: Bars,
  series: BarSeries,
  window: Window,
  byId: boolean,
): BarAccumulator | undefined {
  let total = window.rolled;
  let mine = false;
  for (const part of series === bars.base ? [window] : pendingIn(bars, series, window)) {
    if (part.own === undefined) continue;
    if (total === undefined) {
      total = part.own;
      continue;
    }
    if (!mine) total = total.clone();
    mine = true;
    total.merge(part.own, byId);
  }
  return total;
}

/** The window of the interval that holds `time`, made if there is none. */
export function windowAt(series: BarSeries, time: number): Window {
  const found = findWindow(series, time);
  if (found !== undefined) return found;
  const window = createWindow(floorTo(time, series.length));
  let at = series.windows.length;
  while (at > 0 && (series.windows[at - 1]?.open ?? NEVER) > window.open) at -= 1;
  series.windows.splice(at, 0, window);
  return window;
}

function createSeries(seconds: number): BarSeries {
  return {
    seconds,
    length: seconds * MICROS_PER_SECOND,
    windows: [],
    nextFlat: NEVER,
    flats: 0,
    wholeAfter: NEVER,
  };
}

function createWindow(open: number): Window {
  return {
    open,
    flat: true,
    rolled: undefined,
    own: undefined,
    lateCount: 0,
    revision: 0,
    changed: true,
    toldGap: false,
    toldComplete: false,
    toldClose: undefined,
  };
}

function findWindow(series: BarSeries, time: number): Window | undefined {
  for (let at = series.windows.length - 1; at >= 0; at--) {
    const window = series.windows[at];
    if (window === undefined || window.open + series.length <= time) return undefined;
    if (window.open <= time) return window;
  }
  return undefined;
}

/** Makes flat windows for the intervals without a trade between `nextFlat` and `end`. */
function fillQuiet(series: BarSeries, end: number): void {
  const { windows, length } = series;
  let open = series.nextFlat;
  let at = windows.findIndex((window) => window.open >= open);
  if (at < 0) at = windows.length;
  while (open < end) {
    const window = windows[at];
    if (window?.open === open) {
      series.flats = 0;
      at += 1;
      open += length;
    } else if (series.flats < MAX_FLATS) {
      windows.splice(at, 0, createWindow(open));
      series.flats += 1;
      at += 1;
      open += length;
    } else {
      open = Math.min(window?.open ?? end, end);
    }
  }
  series.nextFlat = Math.max(end, series.nextFlat);
}

/**
 * A trade came behind the newest ones: its bar may have been published, and fewer flat bars are in
 * a row now.
 */
function reopen(series: BarSeries, time: number): void {
  const window = windowAt(series, time);
  window.changed = true;
  const behind = (series.nextFlat - window.open) / series.length - 1;
  if (behind >= 0) series.flats = Math.min(series.flats, behind);
}

/** Base windows inside a longer one. */
function* pendingIn(bars: Bars, series: BarSeries, window: Window): Generator<Window> {
  const end = window.open + series.length;
  for (const part of bars.base.windows) {
    if (part.open >= end) return;
    if (part.open >= window.open) yield part;
  }
}

function rollUp(bars: Bars, open: number, part: BarAccumulator, byId: boolean): void {
  for (const series of bars.published) {
    if (series === bars.base) continue;
    const window = windowAt(series, open);
    window.flat = false;
    if (window.rolled === undefined) window.rolled = part.clone();
    else window.rolled.merge(part, byId);
  }
}

function dropFinal(series: BarSeries, final: number): void {
  const keep = series.windows.findIndex((window) => window.open + series.length > final);
  if (keep === 0 || series.windows.length === 0) return;
  series.windows.splice(0, keep < 0 ? series.windows.length : keep);
}

function divisor(a: number, b: number): number {
  return a === 0 ? b : divisor(b % a, a);
}
