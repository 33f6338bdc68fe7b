import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMdp, type Environment, type Running, type Status } from '../../test/e2e/mdp.ts';
import { symbolsOf } from '../feed/dialects.ts';
import type { Contender, Run } from './contender.ts';
import type { Feed, Played } from './feed.ts';
import { wallMs } from './messages.ts';
import { cpuSeconds } from './process.ts';

export type MdpOptions = {
  readonly feed: Feed;
  readonly databaseUrl: string;
  /** Over all sources. */
  readonly symbols: number;
  /** A source each, with its share of the symbols. */
  readonly sources?: number;
  readonly environment?: Environment;
  /** Words in front of the executable that end in running it. */
  readonly through?: readonly string[];
};

export type Mdp = Contender & {
  /** Its working directory: where the journal is. */
  readonly directory: string;
  get(path: string): Promise<string>;
};

const doneMs = 120_000;
/** Between two questions: so long, or these shares of what the play has taken so far. */
const LEAST_PAUSE_MS = 5;
const LEAST_PAUSE_SHARE = 0.01;
const MOST_PAUSE_SHARE = 0.25;
/** Of the time that the play before took, until the first question. */
const FIRST_PAUSE_SHARE = 0.5;

/**
 * The executable with the defaults as shipped, but that it may drop nothing: what is compared is
 * work done. Resolves when the feed has all its subscriptions.
 */
export const startExecutable = async (options: MdpOptions): Promise<Mdp> => {
  const { feed, databaseUrl, symbols, environment = {}, through = [] } = options;
  const directory = mkdtempSync(join(tmpdir(), 'mdp-bench-run-'));
  // In a file, since ten thousand symbols are too long for an environment variable; JSON is YAML.
  writeFileSync(
    join(directory, 'config.yaml'),
    JSON.stringify({ sources: sourcesOf(options), queues: { drop_policy: 'block' } }),
  );
  const database = { DATABASE_URL: databaseUrl };
  const running = await startMdp(directory, { ...database, ...environment }, [], through);
  const kill = (): void => running.signal('SIGKILL');
  process.once('exit', kill);
  await Promise.race([feed.subscribed(symbols), endOf(running)]);
  let microsPerFrame = 0;
  return {
    pid: running.pid,
    directory,
    get: async (path) => (await running.get(path)).text(),
    play: async (frames, rate) => {
      const before = await running.status();
      const cpu = cpuSeconds(running.pid);
      const played = await feed.play(frames, rate);
      const beforeMs = (played.frames * microsPerFrame) / 1000;
      const after = await whenThrough(running, before, played, beforeMs);
      const ended = wallMs();
      microsPerFrame = ((ended - played.began) * 1000) / played.frames;
      requireKept(after);
      return runOf(played, ended, cpuSeconds(running.pid) - cpu);
    },
    close: async () => {
      const code = await running.stop();
      process.off('exit', kill);
      rmSync(directory, { recursive: true });
      if (code !== 0) throw new Error(`mdp exited with ${code}:\n${running.log()}`);
    },
  };
};

const endOf = async (running: Running): Promise<never> => {
  const code = await running.exited;
  throw new Error(`mdp exited with ${code}:\n${running.log()}`);
};

const sourcesOf = ({ feed, symbols, sources = 1 }: MdpOptions): readonly object[] => {
  const share = Math.ceil(symbols / sources);
  return Array.from({ length: sources }, (_, at) => ({
    type: feed.venue,
    name: `${feed.venue}-${at}`,
    url: feed.url,
    channels: ['trades'],
    symbols: symbolsOf(feed.venue, Math.min(share, symbols - at * share), at * share),
  }));
};

/**
 * The status when every frame is decoded and every trade's end known, or one is lost. An answer
 * costs the program a millisecond, with ten thousand symbols fifty, which would be a good part of
 * what is measured if it were asked all the time: it is asked when half of what is left may be
 * done, at the speed so far, and first after a part of the time of the play before, `beforeMs`.
 */
const whenThrough = async (
  running: Running,
  before: Status,
  played: Played,
  beforeMs: number,
): Promise<Status> => {
  const deadline = wallMs() + doneMs;
  await Bun.sleep(Math.max(0, beforeMs * FIRST_PAUSE_SHARE - (wallMs() - played.began)));
  for (;;) {
    const now = await running.status();
    const frames = framesIn(now) - framesIn(before);
    const trades = tradesOut(now) - tradesOut(before);
    const isThrough = frames >= played.frames && trades >= played.trades;
    if (isThrough || lost(now) > 0) return now;
    if (wallMs() > deadline) throw new Error(`not through: ${JSON.stringify(now.ledger)}`);
    const done = Math.min(frames / played.frames, trades / played.trades);
    const tookMs = wallMs() - played.began;
    const leftMs = (tookMs * (1 - done)) / Math.max(done, 0.01);
    const mostMs = tookMs * MOST_PAUSE_SHARE;
    const leastMs = Math.max(LEAST_PAUSE_MS, tookMs * LEAST_PAUSE_SHARE);
    await Bun.sleep(Math.max(Math.min(leftMs / 2, mostMs), leastMs));
  }
};

const framesIn = ({ ledger }: Status): number => ledger.frames['decoded'] ?? 0;

const tradesOut = ({ ledger }: Status): number => {
  const { decoded: all = 0, in_flight: waiting = 0 } = ledger.rows['trade'] ?? {};
  return all - waiting;
};

const lost = ({ ledger }: Status): number => {
  const { rejected = 0, duplicates = 0, dropped = 0 } = ledger.rows['trade'] ?? {};
  return (ledger.frames['dropped'] ?? 0) + rejected + duplicates + dropped;
};

/** A figure for work that was not done is none. */
const requireKept = (status: Status): void => {
  if (lost(status) === 0 && status.ledger.balanced) return;
  throw new Error(`mdp did not take every frame: ${JSON.stringify(status.ledger)}`);
};

const runOf = (
  played: { readonly frames: number; readonly trades: number; readonly began: number },
  ended: number,
  cpu: number,
): Run => ({
  frames: played.frames,
  trades: played.trades,
  seconds: (ended - played.began) / 1000,
  cpuSeconds: cpu,
});
