import * as v from 'valibot';
import { VENUES } from '../../src/venues/registry.ts';
import { symbolsOf, venueIds } from '../feed/dialects.ts';
import { expectOrder, tell, wallMs } from './messages.ts';

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

/**
 * Obeys `expectOrder`: the returned function counts what has come since the order, and tells when
 * it is all.
 */
export const answerExpectations = (): ((count: number) => void) => {
  let left = 0;
  process.on('message', (message: unknown) => {
    left = v.parse(expectOrder, message).count;
    tell({ kind: 'expecting' });
  });
  process.on('disconnect', () => process.exit(0));
  return (count) => {
    const before = left;
    left -= count;
    if (before > 0 && left <= 0) tell({ kind: 'reached', at: wallMs() });
  };
};
