import { Instruments } from '../../market/instrument.ts';
import { integerOf } from '../../market/integer.ts';
import type { Quote, Trade } from '../../market/events.ts';
import type { ReceiveTime } from '../../market/time.ts';
import { receiveTime } from '../../market/time.ts';
import type { Intake } from '../../sources/source.ts';
import type { DecodeContext, Emit, Venue } from '../../venues/venue.ts';

/** What was heard of a venue: who spoke, and how old what he said was. Keeps no frames. */
export type Hearing = {
  readonly intake: Intake;
  readonly symbols: ReadonlySet<string>;
  /** Least receive time minus event time in ms; undefined before an event told its time. */
  leastLagMs(): number | undefined;
};

export const createHearing = (venue: Venue): Hearing => {
  const instruments = new Instruments();
  const symbols = new Set<string>();
  let leastLagMs: number | undefined;
  let rows = 0n;
  let now = receiveTime(0);

  const context: DecodeContext = {
    get receiveTime(): ReceiveTime {
      return now;
    },
    instrument: (symbol) => instruments.intern(venue.id, symbol) ?? { id: 0, venue: '', symbol },
    position: () => integerOf((rows += 1n)),
  };
  const hear = ({ instrument, eventTime }: Trade | Quote): void => {
    symbols.add(instrument.symbol);
    if (eventTime === undefined) return;
    const lagMs = (now - eventTime) / 1000;
    leastLagMs = Math.min(leastLagMs ?? lagMs, lagMs);
  };
  const decode = (at: ReceiveTime, text: string): void => {
    now = at;
    venue.decode(text, context, emit);
  };
  const emit: Emit = { trade: hear, quote: hear, reject: () => undefined };

  return {
    symbols,
    leastLagMs: () => leastLagMs,
    intake: {
      frame: (at, _connection, text) => decode(at, text),
      frameBatch: (at, _connection, texts) => {
        for (const text of texts) decode(at, text);
      },
      tick: () => undefined,
      state: () => undefined,
      dropped: () => undefined,
      full: false,
      room: () => Promise.resolve(),
    },
  };
};
