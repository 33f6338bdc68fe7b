import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { capturedFrames, sampleFrames } from '../captures.ts';

/**
 * What a recording holds by its README: frames received, trades (live and snapshot), best bids and
 * offers.
 */
export type Recording = {
  readonly path: string;
  readonly frames: number;
  readonly trades: number;
  readonly quotes: number;
};

/** Every recording that speaks a venue's format: Binance's siblings send the same messages. */
export const recordings: Readonly<Record<string, readonly Recording[]>> = {
  binance: [
    recording('binance_spot/ws-binance-2021-04-04T20-03-11Z.ndjson.gz', 4716, 1910, 0),
    recording('binance_spot/ws-binance-2021-04-05T18-33-23Z.ndjson.gz', 11357, 1240, 5408),
    recording('binance_spot/ws-binance-2021-10-12T00-28-32Z.ndjson.gz', 265, 2, 84),
    recording('binance_spot/hft-btcusdt-2024-08-08.gz', 41249, 9757, 28040),
    recording('binance_spot/hft-btcusdt-2024-08-09.gz', 58325, 10147, 45134),
    recording('binance_us/ws-binance_us-2021-04-05T17-18-12Z.ndjson.gz', 6008, 188, 2624),
    recording('binance_us/ws-binance_us-2021-10-12T00-24-34Z.ndjson.gz', 480, 11, 128),
    recording('binance_tr/ws-binance_tr-2023-04-10T19-14-00Z.ndjson.gz', 139, 0, 47),
    recording('binance_futures/ws-binance_futures-2021-04-05T18-36-37Z.ndjson.gz', 8421, 574, 3424),
    recording('binance_futures/ws-binance_futures-2021-07-22T22-25-41Z.ndjson.gz', 1535, 91, 613),
    recording(
      'binance_delivery/ws-binance_delivery-2021-07-22T01-13-23Z.ndjson.gz',
      4371,
      51,
      2240,
    ),
    recording('binance_futures/hft-btcusdt-2024-07-18.gz', 11414, 974, 7113),
    recording('binance_futures/hft-btcusdt-2024-07-19.gz', 60570, 9727, 45147),
    recording('binance_delivery/hft-btcusd_perp-2024-08-08.gz', 48270, 2286, 19136),
    recording('binance_delivery/hft-btcusd_perp-2024-08-09.gz', 50116, 2949, 29219),
  ],
  coinbase: [
    recording('coinbase_exchange/ws-coinbase-2021-04-17T16-43-37Z.ndjson.gz', 9946, 107, 107),
  ],
  kraken: [recording('kraken_v2/captured-frames.ndjson', 9, 3, 0)],
};

function recording(path: string, frames: number, trades: number, quotes: number): Recording {
  return { path, frames, trades, quotes };
}

const nautilus = '_samples/nautilus_single_messages.ndjson';
const parser = '_samples/crypto_msg_parser_messages.ndjson';
const tardis = '_samples/tardis_mapper_messages.ndjson';

const samples: Readonly<Record<string, readonly (readonly [string, string, string])[]>> = {
  binance: [
    [tardis, 'group', 'binance messages'],
    [tardis, 'group', 'binance dex messages'],
    [tardis, 'group', 'binance futures messages'],
    [tardis, 'group', 'binance delivery messages'],
    [parser, 'exchange', 'binance'],
    [nautilus, 'venue', 'binance'],
  ],
  coinbase: [
    [tardis, 'group', 'coinbase messages'],
    [parser, 'exchange', 'coinbase_pro'],
    [nautilus, 'venue', 'coinbase'],
  ],
  kraken: [
    [tardis, 'group', 'kraken v2 messages'],
    [tardis, 'group', 'kraken messages'],
    [parser, 'exchange', 'kraken'],
    [nautilus, 'venue', 'kraken'],
  ],
};

/**
 * Single messages of a venue and its siblings, from vendors' documentation and other projects'
 * tests.
 */
export function samplesOf(venue: string): readonly string[] {
  return (samples[venue] ?? []).flatMap(([path, key, value]) => sampleFrames(path, key, value));
}

export function recordedFrames(venue: string): readonly string[] {
  return (recordings[venue] ?? []).flatMap(({ path }) => capturedFrames(path));
}

/** One frame of every kind, made here, for laws that must hold without recordings too. */
export function seedsOf(venue: string): readonly string[] {
  return linesOf(`${venue}.ndjson`);
}

/** One frame of every shape that the venue's scan takes, made here. */
export function scannedShapesOf(venue: string): readonly string[] {
  return linesOf(`${venue}-scanned.ndjson`);
}

function linesOf(file: string): readonly string[] {
  const text = readFileSync(join(import.meta.dir, 'frames', file), 'utf8');
  return text.trimEnd().split('\n');
}
