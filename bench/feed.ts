/**
 * The feed server, a process of its own: a venue over real WebSockets that sends trades with
 * contiguous ids and the present time, as fast as the clients take them or at a stated rate.
 * Started by `startFeed` (bench/parts/feed.ts); told what to do over IPC.
 *
 *     bun bench/feed.ts binance
 */
import * as v from 'valibot';
import { dialects, venueIds } from './feed/dialects.ts';
import { Reel, wireFrame } from './feed/reel.ts';
import { listen, type Peer } from './feed/web-socket.ts';
import { playOrder, tell, wallMs } from './parts/messages.ts';

/** Frames of one write: about 45 KB. */
const writeFrames = 256;
/** After so many writes that were all taken, others get their turn. */
const writesPerTurn = 64;

const dialect = dialects[v.parse(v.picklist(venueIds), process.argv[2])];
const listeners = new Map<Peer, Listener>();

/** A client that has subscribed, and its own reel: ids of a symbol go on over all plays. */
class Listener {
  readonly #peer: Peer;
  readonly symbols = new Set<string>();
  #reel: Reel | undefined;
  #at = 0;
  #drained: (() => void) | undefined;
  #playing = false;
  /** Answers to pings that came while a stretch of the reel may be half written. */
  readonly #owed: Buffer[] = [];

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  /** Builds the reel where symbols have come since, so that playing begins at once. */
  prepare(): void {
    if (this.#reel === undefined) {
      this.#reel = new Reel(dialect, [...this.symbols], Math.random);
      this.#at = 0;
    }
  }

  subscribe(symbols: readonly string[]): void {
    for (const symbol of symbols) this.symbols.add(symbol);
    this.#reel = undefined;
  }

  drain(): void {
    this.#drained?.();
    this.#drained = undefined;
  }

  answer(pong: Buffer): void {
    if (this.#playing) this.#owed.push(pong);
    else this.#peer.write(pong);
  }

  /** Returns how many trades were in them. `rate` in frames a second; 0 = as fast as taken. */
  async play(frames: number, rate: number): Promise<number> {
    if (this.#reel === undefined) return 0;
    this.#playing = true;
    const rows = await this.#play(this.#reel, frames, rate);
    this.#playing = false;
    return rows;
  }

  async #play(reel: Reel, frames: number, rate: number): Promise<number> {
    const began = performance.now();
    let rows = 0;
    let writes = 0;
    for (let sent = 0; sent < frames;) {
      const due = rate === 0 ? frames : Math.min(frames, dueAfter(performance.now() - began, rate));
      if (due === sent) {
        await Bun.sleep(1);
        continue;
      }
      const count = Math.min(due - sent, writeFrames, reel.length - this.#at);
      const bytes = reel.stretch(this.#at, this.#at + count, wallMs());
      rows += reel.rows(this.#at, this.#at + count);
      this.#at = (this.#at + count) % reel.length;
      sent += count;
      if (await this.#write(bytes)) writes += 1;
      for (const pong of this.#owed.splice(0)) await this.#write(pong);
      if (writes % writesPerTurn === 0) await turn();
    }
    return rows;
  }

  /** True when all was taken at once. */
  async #write(bytes: Buffer): Promise<boolean> {
    let rest = bytes;
    for (;;) {
      const taken = this.#peer.write(rest);
      if (taken < 0) throw new Error('a client has gone while the feed was playing');
      if (taken === rest.length) return rest === bytes;
      rest = rest.subarray(taken);
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
  }
}

const dueAfter = (ms: number, rate: number): number => Math.floor((ms / 1000) * rate);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const server = listen({
  text: (peer, text) => {
    const { symbols, frames } = dialect.answer(text);
    for (const frame of frames) peer.write(wireFrame(frame));
    const listener = listeners.get(peer) ?? new Listener(peer);
    listeners.set(peer, listener);
    listener.subscribe(symbols);
    const all = [...listeners.values()].reduce((sum, each) => sum + each.symbols.size, 0);
    tell({ kind: 'subscribed', connections: listeners.size, symbols: all });
  },
  pinged: (peer, answer) => {
    const listener = listeners.get(peer);
    if (listener === undefined) peer.write(answer);
    else listener.answer(answer);
  },
  drain: (peer) => listeners.get(peer)?.drain(),
  closed: (peer) => {
    // Who waits for room must learn that none will come.
    listeners.get(peer)?.drain();
    listeners.delete(peer);
  },
});

/** Each connection gets an equal share of the frames and of the rate. */
const play = async (frames: number, rate: number): Promise<void> => {
  const all = [...listeners.values()];
  for (const listener of all) listener.prepare();
  const share = Math.floor(frames / all.length);
  const began = wallMs();
  const rows = await Promise.all(all.map((listener) => listener.play(share, rate / all.length)));
  tell({
    kind: 'played',
    frames: share * all.length,
    trades: rows.reduce((sum, count) => sum + count, 0),
    began,
    ended: wallMs(),
  });
};

process.on('message', (message: unknown) => {
  const { frames, rate } = v.parse(playOrder, message);
  play(frames, rate).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit(0));
tell({ kind: 'listening', port: server.port });
