import * as v from 'valibot';
import { openDirectSocket } from '../../src/sources/web-socket/direct-client.ts';
import { VENUES } from '../../src/venues/registry.ts';
import type { ConnectionPlan } from '../../src/venues/venue.ts';
import { symbolsOf, venueIds } from '../feed/dialects.ts';

type Take = (text: string) => void;

const nothing = (): void => {};

/**
 * Connects with Bun's client as the venue's plan says, and hands every frame on. `args`: VENUE URL
 * SYMBOLS.
 */
export const subscribe = (args: readonly string[], take: Take): void => {
  for (const plan of plansOf(args)) {
    const socket = new WebSocket(plan.url, { perMessageDeflate: false });
    socket.addEventListener('open', () => {
      for (const frame of plan.subscribe) socket.send(frame.text);
    });
    socket.addEventListener('message', (event: MessageEvent<string>) => take(event.data));
  }
};

/** The same with the program's own client, which is its stage socket. */
export const subscribeDirectly = (args: readonly string[], take: Take): void => {
  for (const plan of plansOf(args)) {
    const options = { maxFrameBytes: 2 ** 20, compression: false, proxy: undefined, ca: undefined };
    const socket = openDirectSocket(plan.url, options, {
      opened: () => {
        for (const frame of plan.subscribe) socket.send(frame.text);
      },
      received: nothing,
      told: nothing,
      message: take,
      pinged: nothing,
      ponged: nothing,
      failed: ({ message }) => {
        throw new Error(message);
      },
      closed: nothing,
    });
  }
};

const plansOf = (args: readonly string[]): readonly ConnectionPlan[] => {
  const venue = v.parse(v.picklist(venueIds), args[0]);
  return VENUES[venue].plan({
    symbols: symbolsOf(venue, Number(args[2])),
    channels: ['trades'],
    url: args[1],
    trades: 'trade',
  });
};
