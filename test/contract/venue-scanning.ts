/** What a venue's scan takes, held against what its decode makes of the same bytes as text. */
import type { Quote, Trade } from '../../src/market/events.ts';
import type { Frame } from '../../src/market/frame.ts';
import { Instruments } from '../../src/market/instrument.ts';
import type { ScanContext, Venue } from '../../src/venues/venue.ts';
import { received } from './venue-decoding.ts';

type Heard = {
  readonly events: readonly (Trade | Quote)[];
  readonly rejected: number;
  /** How many positions were asked for. */
  readonly positions: number;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What stands around a frame in a chunk of the journal, as hard to tell from it as can be. */
const before = encoder.encode('{"e":"trade","E":1');
const behind = encoder.encode('}0123456789"}]}}');

export const bytesOf = (text: string): Uint8Array => encoder.encode(text);

/** The frame with other bytes before and behind it, or at the very end of its memory. */
const placed = (frame: Uint8Array, isLast: boolean): Frame => {
  const bytes = new Uint8Array(before.length + frame.length + (isLast ? 0 : behind.length));
  bytes.set(before);
  bytes.set(frame, before.length);
  if (!isLast) bytes.set(behind, before.length + frame.length);
  const to = before.length + frame.length;
  return { bytes, view: new DataView(bytes.buffer), from: before.length, to };
};

/** One venue's scan beside its decode, over the same instruments. */
export class ScanTrial {
  readonly #venue: Venue;
  readonly #instruments = new Instruments();
  /** Frames that the scan took, and those that it should have: decode found only good rows. */
  taken = 0;
  good = 0;

  constructor(venue: Venue) {
    this.#venue = venue;
  }

  /** How the scan of these bytes differs from decode; undefined where it does not. */
  difference(frame: Uint8Array): string | undefined {
    const text = decoder.decode(frame);
    const [outcome, slow] = this.#hear((context, emit) => this.#venue.decode(text, context, emit));
    if (outcome === 'data' && slow.events.length > 0 && slow.rejected === 0) this.good++;
    for (const isLast of [true, false]) {
      const place = placed(frame, isLast);
      const [taken, fast] = this.#hear((context, emit) => this.#venue.scan(place, context, emit));
      const silent = { events: [], rejected: 0, positions: 0 };
      if (taken && outcome !== 'data') return `took what decode calls ${outcome}: ${text}`;
      if (!isSame(fast, taken ? slow : silent)) return `${taken}: ${text}`;
      if (taken && isLast) this.taken++;
    }
    return undefined;
  }

  #hear<T>(read: (context: ScanContext, emit: Parameters<Venue['scan']>[2]) => T): [T, Heard] {
    const events: (Trade | Quote)[] = [];
    let rejected = 0;
    let positions = 0;
    const context: ScanContext = {
      receiveTime: received,
      instrument: (symbol) => {
        const instrument = this.#instruments.intern(this.#venue.id, symbol);
        if (instrument === undefined) throw new Error('more symbols than any venue has');
        return instrument;
      },
      known: (bytes, from, to) => this.#instruments.symbols(this.#venue.id).find(bytes, from, to),
      position: () => ++positions,
    };
    const outcome = read(context, {
      trade: (trade) => void events.push(trade),
      quote: (quote) => void events.push(quote),
      reject: () => void rejected++,
    });
    return [outcome, { events, rejected, positions }];
  }
}

/** Equal to the order of the fields, which makes a hidden class. */
const isSame = (a: Heard, b: Heard): boolean =>
  Bun.deepEquals(a, b, true) &&
  a.events.every((event, at) => keysOf(event) === keysOf(b.events[at] ?? {}));

const keysOf = (event: object): string => Object.keys(event).join();
