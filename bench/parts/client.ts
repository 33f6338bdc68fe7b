import * as v from 'valibot';
import { VENUES } from '../../src/venues/registry.ts';
import { symbolsOf, venueIds } from '../feed/dialects.ts';

/** Connects as the venue's plan says and hands every frame on. `args`: VENUE URL SYMBOLS. */
export const subscribe = (args: readonly string[], take: (text: string) => void): void => {
  const venue = v.parse(v.picklist(venueIds), args[0]);
  const symbols = symbolsOf(venue, Number(args[2]));
  const plans = VENUES[venue].plan({
    symbols,
    channels: ['trades'],
    url: args[1],
    trades: 'trade',
  });
  for (const plan of plans) {
    const socket = new WebSocket(plan.url, { perMessageDeflate: false });
    socket.addEventListener('open', () => {
      for (const frame of plan.subscribe) socket.send(frame.text);
    });
    socket.addEventListener('message', (event: MessageEvent<string>) => take(event.data));
  }
};
