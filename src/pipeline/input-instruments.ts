import { Instruments, type Instrument } from '../market/instrument.ts';
import { receiveTime, type ReceiveTime } from '../market/time.ts';
import { MdpError } from '../runtime/errors.ts';
import type { DecodeContext, Emit, Venue } from '../venues/venue.ts';

/** A frame of an input that is looked through before it is replayed. */
export type InputFrame = {
  readonly venue: Venue;
  readonly receiveTime: ReceiveTime;
  readonly text: string;
};

/** Every instrument that the frames have a trade or a quote of. */
export const instrumentsOf = async (
  frames: AsyncIterable<InputFrame>,
): Promise<readonly Instrument[]> => {
  const found = new Set<Instrument>();
  const instruments = new Instruments();
  let position = 0;
  const context: DecodeContext & { receiveTime: ReceiveTime; venue: string } = {
    receiveTime: receiveTime(0),
    venue: '',
    instrument: (symbol) => {
      const instrument = instruments.intern(context.venue, symbol);
      if (instrument !== undefined) return instrument;
      throw new MdpError('instrument_limit', 'more instruments than this process holds');
    },
    position: () => position++,
  };
  const emit: Emit = {
    trade: ({ instrument }) => found.add(instrument),
    quote: ({ instrument }) => found.add(instrument),
    reject: () => undefined,
  };
  for await (const { venue, text, receiveTime: at } of frames) {
    context.venue = venue.id;
    context.receiveTime = at;
    try {
      venue.decode(text, context, emit);
    } catch {
      // The replay itself meets this frame again, and counts it.
    }
  }
  return [...found];
};
