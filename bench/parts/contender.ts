import { Child } from './child.ts';
import type { Feed } from './feed.ts';
import { cpuSeconds } from './process.ts';

/** One play of the feed, taken to its end. */
export type Run = {
  readonly frames: number;
  readonly trades: number;
  /** From the feed's first write until the contender was through with the last frame. */
  readonly seconds: number;
  /** User and system time that the contender's process spent on it. */
  readonly cpuSeconds: number;
};

/** Whoever takes frames from the feed: the executable, or a script that it is measured against. */
export type Contender = {
  readonly pid: number;
  /** Lets the feed play and waits until everything is done that is done with a frame. */
  play(frames: number, rate?: number): Promise<Run>;
  close(): Promise<void>;
};

/** A command that obeys `expectOrder`. VENUE, URL, SYMBOLS and `args` are added to it. */
export const startScript = async (
  command: readonly string[],
  feed: Feed,
  symbols: number,
  args: readonly string[] = [],
): Promise<Contender> => {
  const child = new Child([...command, feed.venue, feed.url, String(symbols), ...args]);
  await Promise.race([feed.subscribed(symbols), child.ended()]);
  return {
    pid: child.pid,
    play: async (frames, rate) => {
      child.order({ count: frames }, 'expecting', 'reached');
      await child.hear('expecting');
      const cpu = cpuSeconds(child.pid);
      const [played, reached] = await Promise.all([feed.play(frames, rate), child.hear('reached')]);
      return {
        frames: played.frames,
        trades: played.trades,
        seconds: (reached.at - played.began) / 1000,
        cpuSeconds: cpuSeconds(child.pid) - cpu,
      };
    },
    close: () => child.close(),
  };
};

export const perSecond = (count: number, { seconds }: Run): number => count / seconds;

export const cpuMicrosPerTrade = (run: Run): number => (run.cpuSeconds * 1e6) / run.trades;
