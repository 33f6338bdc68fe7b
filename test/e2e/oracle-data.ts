/**
 * The three Binance oracles: frames to play, and what the exchange itself says must come of them.
 */
import { capturedFrames, captureLines } from '../captures.ts';

export type Oracle = {
  readonly name: string;
  readonly symbols: readonly string[];
  readonly frames: readonly string[];
  /** As recorded lines for `mdp replay`, in the form of ws-*.ndjson. */
  readonly lines: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
};

const FOLDER = 'binance_spot';

/**
 * XRPETH aggregate trades of 2019-10-11 and 12: REST rows, wrapped as `aggTrade` frames of a
 * combined stream.
 */
export const xrpeth = (): Oracle => {
  const rows = captureLines(`${FOLDER}/oracle-xrpeth-2019-10-11_12-aggtrades.raw.ndjson.gz`);
  const frames = rows.map(
    (row) =>
      `{"stream":"xrpeth@aggTrade","data":{"e":"aggTrade","E":${millisOf(row)},` +
      `"s":"XRPETH",${row.slice(1)}}`,
  );
  return {
    name: 'XRPETH 2019-10-11/12',
    symbols: ['XRPETH'],
    frames,
    lines: frames.map((frame, n) => recordedLine((millisOf(rows[n] ?? '') + 50) / 1000, frame)),
    environment: {
      PIPELINE_OPERATORS_BARS_TIMEFRAMES: '1m,5m',
      PIPELINE_OPERATORS_BARS_EMPTY: 'flat',
    },
  };
};

/** 91 seconds of three symbols with the running klines in the same stream. */
export const klines2021 = (): Oracle => {
  const file = `${FOLDER}/ws-binance-2021-04-04T20-03-11Z.ndjson.gz`;
  return {
    name: 'Binance 2021-04-04',
    symbols: ['BTCUSDT', 'DOTUSDT', 'ETHUSDT'],
    frames: capturedFrames(file),
    lines: captureLines(file),
    environment: {},
  };
};

/** BTCUSDT over midnight, from two files; the receive clock is a second behind the venue's. */
export const btcusdt2024 = (): Oracle => {
  const files = ['08', '09'].map((day) => `${FOLDER}/hft-btcusdt-2024-08-${day}.gz`);
  return {
    name: 'BTCUSDT 2024-08-08/09',
    symbols: ['BTCUSDT'],
    frames: files.flatMap((file) => capturedFrames(file)),
    lines: files.flatMap((file) => captureLines(file)),
    environment: {},
  };
};

const millisOf = (row: string): number => Number(/"T":(\d+)/.exec(row)?.[1]);

const recordedLine = (seconds: number, frame: string): string =>
  JSON.stringify({ ts: seconds, t: 'recv', conn: 'wrapped', data: frame });

/** The exchange's own bars of XRPETH: open time in ms, then open, high, low, close, volume. */
export const xrpethBars = (timeframe: '1m' | '5m'): readonly (readonly string[])[] =>
  captureLines(`${FOLDER}/oracle-xrpeth-2019-10-11_12-klines-${timeframe}.csv.gz`)
    .slice(1)
    .map((line) => line.split(','));

/**
 * The running klines that can be checked: those whose trades, or whose change since the one before,
 * were all seen.
 */
export const runningKlines = (): readonly Readonly<Record<string, string>>[] => {
  const [head = '', ...rows] = captureLines(
    `${FOLDER}/oracle-binance-2021-04-04-kline-updates.csv`,
  );
  const names = head.split(',');
  return rows.map((row) => {
    const cells = row.split(',');
    return Object.fromEntries(names.map((name, index) => [name, cells[index] ?? '']));
  });
};
