import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { MdpError } from '../../src/runtime/errors.ts';
import type { Channel, Subscription, Venue } from '../../src/venues/venue.ts';

const wish: Subscription = {
  symbols: ['AAA-USD'],
  channels: ['trades', 'quotes'],
  url: undefined,
  trades: 'trade',
};

/** How a venue that has connections asks for what was wished. */
export function describePlans(venue: Venue): void {
  if (venue.plan(wish).length === 0) return;

  describe('plan', () => {
    test('asks once for every symbol, within the limits of a connection', () => {
      const channels = fc.constantFrom<readonly Channel[]>(['trades'], ['quotes'], wish.channels);
      const count = fc.integer({ min: 1, max: 1500 });
      fc.assert(
        fc.property(count, channels, (length, some) => {
          const symbols = Array.from({ length }, (_, at) => `S${at}-USD`);
          const plans = venue.plan({ ...wish, symbols, channels: some });
          expect(plans.flatMap((plan) => plan.symbols)).toEqual(symbols);
          for (const { symbols: mine, subscribe } of plans) {
            expect(mine.length).toBeLessThanOrEqual(venue.facts.maxSymbolsPerConnection);
            const asked = subscribe.flatMap((frame) => frame.symbols);
            expect([...new Set(asked)]).toEqual([...mine]);
            expect(new Set(subscribe.map(({ id }) => id)).size).toBe(subscribe.length);
          }
        }),
        { numRuns: 30 },
      );
    });

    test('names every symbol of a frame in its text, in the spelling of the stream', () => {
      for (const { subscribe } of venue.plan({ ...wish, symbols: ['AAA-USD', 'BBB-USD'] })) {
        for (const { text, symbols } of subscribe) {
          expect(() => void JSON.parse(text)).not.toThrow();
          for (const symbol of symbols) expect(text.toUpperCase()).toContain(symbol);
        }
      }
    });

    test('uses the same path under another address', () => {
      const own = new URL(venue.plan(wish)[0]?.url ?? '');
      const [plan] = venue.plan({ ...wish, url: 'ws://127.0.0.1:9000' });
      expect(plan?.url).toBe(`ws://127.0.0.1:9000${own.pathname}`);
      expect(own.protocol).toBe('wss:');
    });

    test('asks for a symbol once though it was wished twice', () => {
      const [plan] = venue.plan({ ...wish, symbols: ['AAA-USD', 'AAA-USD'] });
      expect(plan?.symbols).toEqual(['AAA-USD']);
    });

    const impossible: readonly (readonly [string, Partial<Subscription>])[] = [
      ['no symbols', { symbols: [] }],
      ['no channels', { channels: [] }],
      ['an empty symbol', { symbols: ['AAA-USD', ''] }],
      ['a symbol with a space', { symbols: ['AAA USD'] }],
      ['an address that is none', { url: 'localhost:9000' }],
      ['an address of the web', { url: 'https://example.org' }],
    ];
    test.each(impossible)('refuses %s', (_name, part) => {
      const refused = (): unknown => venue.plan({ ...wish, ...part });
      expect(refused).toThrow(MdpError);
      expect(refused).toThrow(expect.objectContaining({ code: 'config' }));
    });
  });
}
