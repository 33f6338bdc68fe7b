import { describe, expect, test } from 'bun:test';
import * as v from 'valibot';
import { sourceName, sourcesSettings } from './settings.ts';

const parse = (...entries: readonly unknown[]) => v.safeParse(sourcesSettings, entries);
const refusedAt = (entry: unknown): unknown => parse(entry).issues?.[0]?.path?.at(-1)?.key;

describe('sources in the configuration', () => {
  test('has a default for everything but type and symbols', () => {
    expect(parse({ type: 'coinbase', symbols: ['BTC-USD'] }).output).toEqual([
      {
        type: 'coinbase',
        symbols: ['BTC-USD'],
        channels: ['trades', 'quotes'],
        trades: 'trade',
        mute_after_ms: 60_000,
        connect_timeout_ms: 10_000,
        max_frame_bytes: 1_048_576,
        compression: false,
        connections: 1,
      },
    ]);
  });

  test('takes synthetic and replay sources with their own settings', () => {
    const { success, output } = parse(
      { type: 'synthetic', odd: { late: 0.1 } },
      { type: 'replay', path: './old', venue: 'binance', speed: 2 },
    );
    expect(success).toBe(true);
    expect(output).toMatchObject([
      { rate: 100, seed: 1, count: 5, odd: { late: 0.1, duplicate: 0, gap: 0 } },
      { path: ['./old'], speed: 2 },
    ]);
  });

  test.each([
    [{ type: 'coinbase' }, 'symbols'],
    [{ type: 'coinbase', symbols: [] }, 'symbols'],
    [{ type: 'coinbase', symbols: ['A', 'A'] }, 'symbols'],
    [{ type: 'nowhere', symbols: ['A'] }, 'type'],
    [{ type: 'binance', symbols: ['A'], mute_after: 1 }, 'mute_after'],
    [{ type: 'binance', symbols: ['A'], mute_after_ms: -1 }, 'mute_after_ms'],
    [{ type: 'binance', symbols: ['A'], connections: 3 }, 'connections'],
    [{ type: 'binance', symbols: ['A'], url: 'https://x' }, 'url'],
    [{ type: 'binance', symbols: ['A'], rate: 5 }, 'rate'],
    [{ type: 'synthetic', rate: 0 }, 'rate'],
    [{ type: 'synthetic', odd: { gap: 1.5 } }, 'gap'],
    [{ type: 'replay', path: 'x', venue: 'nasdaq' }, 'venue'],
    [{ type: 'replay', path: 'x', venue: 'binance', speed: 0 }, 'speed'],
    [{ type: 'replay', venue: 'binance' }, 'path'],
  ])('refuses %j, and names %s', (entry, key) => {
    expect(refusedAt(entry)).toBe(key);
  });

  test('names a source after its type, and refuses the same name twice', () => {
    expect(sourceName({ type: 'kraken' })).toBe('kraken');
    const kraken = { type: 'kraken', symbols: ['BTC/USD'] };
    expect(parse(kraken, kraken).success).toBe(false);
    expect(parse(kraken, { ...kraken, name: 'second' }).success).toBe(true);
  });
});
