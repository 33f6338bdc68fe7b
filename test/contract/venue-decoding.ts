import type { Quote, Trade } from '../../src/market/events.ts';
import { Instruments } from '../../src/market/instrument.ts';
import { receiveTime } from '../../src/market/time.ts';
import type {
  DecodeContext,
  DecodeOutcome,
  Emit,
  RejectReason,
  Venue,
} from '../../src/venues/venue.ts';

/** What a venue made of a frame, or of many. */
export type Decoded = {
  readonly outcome: DecodeOutcome;
  readonly trades: readonly Trade[];
  readonly quotes: readonly Quote[];
  readonly rejected: readonly `${'trade' | 'quote'} ${RejectReason}`[];
};

export const received = receiveTime(1_795_435_200_000_000);

/** Decodes one frame, with instruments and positions of its own unless a context is given. */
export function decoded(venue: Venue, frame: string, context = freshContext(venue)): Decoded {
  const trades: Trade[] = [];
  const quotes: Quote[] = [];
  const rejected: `${'trade' | 'quote'} ${RejectReason}`[] = [];
  const emit: Emit = {
    trade: (trade) => void trades.push(trade),
    quote: (quote) => void quotes.push(quote),
    reject: (kind, reason) => void rejected.push(`${kind} ${reason}`),
  };
  const outcome = venue.decode(frame, context, emit);
  return { outcome, trades, quotes, rejected };
}

/** Positions count from 1; instruments are the venue's. */
export function freshContext(venue: Venue): DecodeContext {
  const instruments = new Instruments();
  let position = 0;
  return {
    receiveTime: received,
    instrument(symbol) {
      const instrument = instruments.intern(venue.id, symbol);
      if (instrument === undefined) throw new Error('more symbols than any venue has');
      return instrument;
    },
    position: () => ++position,
  };
}
