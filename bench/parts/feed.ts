import type { FeedVenue } from '../feed/dialects.ts';
import { Child, underBun } from './child.ts';

export type Played = {
  readonly frames: number;
  readonly trades: number;
  /** `wallMs` of the first and behind the last write. */
  readonly began: number;
  readonly ended: number;
};

/** The feed server in its process. */
export type Feed = {
  readonly venue: FeedVenue;
  /** ws:// address without a path. */
  readonly url: string;
  /** Resolves when so many symbols are subscribed to, over all connections. */
  subscribed(symbols: number): Promise<void>;
  /** Resolves when the last frame has been written to the sockets. */
  play(frames: number, rate?: number): Promise<Played>;
  close(): Promise<void>;
};

export const startFeed = async (venue: FeedVenue = 'binance'): Promise<Feed> => {
  const child = new Child([...underBun('feed.ts'), venue]);
  const { port } = await child.hear('listening');
  return {
    venue,
    url: `ws://127.0.0.1:${port}`,
    subscribed: async (symbols) => {
      await child.hear('subscribed', (message) => message.symbols >= symbols);
    },
    play: (frames, rate = 0) => {
      child.order({ frames, rate }, 'played');
      return child.hear('played');
    },
    close: () => child.close(),
  };
};
