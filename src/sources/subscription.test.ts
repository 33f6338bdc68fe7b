import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { plainVenue } from '../../test/venue/plain-venue.ts';
import { Subscription } from './subscription.ts';

const wish = (symbols: readonly string[]) => ({
  symbols,
  channels: ['trades' as const],
  url: 'ws://x',
  trades: 'trade' as const,
});

const subscribe = (
  symbols: readonly string[],
  { perFrame = 10, confirmsPerSymbol = false, refusedBefore = [] as readonly string[] } = {},
) => {
  const venue = plainVenue({}, perFrame);
  const [plan] = venue.plan(wish(symbols));
  if (plan === undefined) throw new Error('no plan');
  return new Subscription({
    plan,
    confirmsPerSymbol,
    refusedBefore,
    frames: (some) => venue.plan(wish(some)).flatMap((one) => one.subscribe),
  });
};

/**
 * Plays a venue that refuses a frame as a whole for any bad name, and counts the frames it took.
 */
const answerAll = (subscription: Subscription, bad: ReadonlySet<string>, repeatsId: boolean) => {
  let frames = 0;
  for (let frame = subscription.next(); frame !== undefined; frame = subscription.next()) {
    frames += 1;
    const kind = frame.symbols.some((symbol) => bad.has(symbol)) ? 'refused' : 'ack';
    const symbols = kind === 'ack' ? frame.symbols : [];
    subscription.answer({ kind, id: repeatsId ? frame.id : '', symbols, reason: 'bad' });
  }
  return frames;
};

const names = fc.uniqueArray(
  fc.integer({ min: 0, max: 999 }).map((number) => `S${number}`),
  {
    minLength: 1,
    maxLength: 80,
  },
);

describe('subscription', () => {
  test('finds exactly the bad names of any list, in few frames, and takes all others', () => {
    fc.assert(
      fc.property(
        names,
        fc.func(fc.nat(9)),
        fc.integer({ min: 1, max: 60 }),
        fc.boolean(),
        (symbols, draw, perFrame, repeatsId) => {
          const bad = new Set(symbols.filter((symbol) => draw(symbol) === 0));
          const subscription = subscribe(symbols, { perFrame });
          const frames = answerAll(subscription, bad, repeatsId);
          expect(subscription.settled).toBe(true);
          for (const { symbol, state } of subscription.report()) {
            expect(state).toBe(bad.has(symbol) ? 'refused' : 'subscribed');
          }
          const lists = Math.ceil(symbols.length / perFrame);
          const levels = Math.ceil(Math.log2(Math.max(2, perFrame)));
          expect(frames).toBeLessThanOrEqual(lists + 2 * levels * bad.size);
        },
      ),
    );
  });

  test('asks for what was refused before alone and last', () => {
    const subscription = subscribe(['A', 'B', 'C'], { refusedBefore: ['B'] });
    expect(subscription.next()?.symbols).toEqual(['A', 'C']);
    expect(subscription.next()?.symbols).toEqual(['B']);
    expect(subscription.next()).toBeUndefined();
  });

  test('asks at once for the rest of a list whose bad name the venue tells', () => {
    const subscription = subscribe(['A', 'B', 'C', 'D']);
    subscription.next();
    const answer = { kind: 'refused', id: '', symbols: ['C'], reason: 'bad' } as const;
    expect(subscription.answer(answer)).toEqual({ subscribed: [], refused: ['C'] });
    expect(subscription.next()?.symbols).toEqual(['A', 'B', 'D']);
  });
});

describe('answers of a venue', () => {
  test('takes answers by name one at a time, and is settled by the last', () => {
    const subscription = subscribe(['A', 'B'], { confirmsPerSymbol: true });
    const frame = subscription.next();
    const of = (kind: 'ack' | 'refused', symbol: string) =>
      subscription.answer({ kind, id: frame?.id ?? '', symbols: [symbol], reason: '' });
    expect(of('ack', 'B')).toEqual({ subscribed: ['B'], refused: [] });
    expect(subscription.settled).toBe(false);
    expect(of('refused', 'A')).toEqual({ subscribed: [], refused: ['A'] });
    expect(subscription.settled).toBe(true);
    expect(subscription.next()).toBeUndefined();
  });

  test('counts a symbol as subscribed when all frames that name it are answered', () => {
    const plan = {
      url: 'ws://x',
      symbols: ['A'],
      subscribe: ['trades', 'quotes'].map((id) => ({ id, text: id, symbols: ['A'] })),
    };
    const subscription = new Subscription({
      plan,
      confirmsPerSymbol: true,
      refusedBefore: [],
      frames: () => [],
    });
    subscription.next();
    subscription.next();
    const ack = (id: string) =>
      subscription.answer({ kind: 'ack', id, symbols: ['A'], reason: '' }).subscribed;
    expect(ack('trades')).toEqual([]);
    expect(ack('trades')).toEqual([]);
    expect(ack('quotes')).toEqual(['A']);
  });

  test('has symbols that need no frame as soon as the socket is open', () => {
    const subscription = new Subscription({
      plan: { url: 'ws://x/stream?a', symbols: ['A', 'B'], subscribe: [] },
      confirmsPerSymbol: false,
      refusedBefore: [],
      frames: () => [],
    });
    expect(subscription.opened()).toEqual(['A', 'B']);
    expect(subscription.settled).toBe(true);
  });
});
