import { expect, test } from 'bun:test';
import { capturePath, describeWithCaptures } from '../../test/captures.ts';
import { Heard } from '../../test/venue/heard.ts';
import { silentLog } from '../../test/venue/silent-log.ts';
import { createSystemClock } from '../runtime/system-clock.ts';
import { createReplaySource } from './replay.ts';

/** Frames and connections of each recording, from the table in the captures' README. */
const RECORDINGS: readonly (readonly [file: string, frames: number, connections: number])[] = [
  ['binance_spot/ws-binance-2021-04-04T20-03-11Z.ndjson.gz', 4716, 1],
  ['binance_spot/ws-binance-2021-04-05T18-33-23Z.ndjson.gz', 11357, 1],
  ['binance_spot/ws-binance-2021-10-12T00-28-32Z.ndjson.gz', 265, 1],
  ['binance_us/ws-binance_us-2021-04-05T17-18-12Z.ndjson.gz', 6008, 1],
  ['bit_com/ws-bit_com-2024-01-07T16-13-04Z.ndjson.gz', 1184, 2],
  ['bybit/ws-bybit-2021-04-17T16-43-06Z.ndjson.gz', 4440, 2],
  ['coinbase_exchange/ws-coinbase-2021-04-17T16-43-37Z.ndjson.gz', 9946, 1],
  ['binance_spot/hft-btcusdt-2024-08-08.gz', 41249, 1],
  ['binance_spot/hft-btcusdt-2024-08-09.gz', 58325, 1],
];

const replay = async (...path: string[]) => {
  const intake = new Heard();
  const source = createReplaySource(
    { type: 'replay', venue: 'binance', speed: 'max', path },
    { name: 'old', clock: createSystemClock(), intake, log: silentLog },
  );
  source.start();
  const result = await source.finished;
  return { intake, result, connections: source.report().connects };
};

describeWithCaptures('replay of the captures', () => {
  test.each(RECORDINGS)('%s gives its %d frames on %d connections', async (file, frames, conns) => {
    const { intake, result, connections } = await replay(capturePath(file));
    expect(result).toEqual({ files: 1, frames, unreadable: 0 });
    expect(intake.frames.length).toBe(frames);
    expect(connections).toBe(conns);
  });

  test('two days in two files are one connection over midnight, in rising time', async () => {
    const { intake, connections } = await replay(
      capturePath('binance_spot/hft-btcusdt-2024-08-08.gz'),
      capturePath('binance_spot/hft-btcusdt-2024-08-09.gz'),
    );
    expect(connections).toBe(1);
    expect(intake.frames.length).toBe(41_249 + 58_325);
    const [first, last] = [intake.frames[0], intake.frames.at(-1)].map((frame) =>
      Number(frame?.receiveTime),
    );
    expect(first).toBe(1_723_161_253_937_085);
    const quarters = Math.floor(((last ?? 0) - (first ?? 0)) / 250_000);
    expect(intake.ticks.length).toBe(quarters);
  });

  test('a directory gives its recordings and skips REST answers and oracles', async () => {
    const { result } = await replay(capturePath('binance_spot'));
    expect(result).toEqual({
      files: 5,
      frames: 41_249 + 58_325 + 4716 + 11_357 + 265,
      unreadable: 0,
    });
  });
});
