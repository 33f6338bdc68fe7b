import type { Clock } from '../../src/runtime/clock.ts';
import type { OpenSocket } from '../../src/sources/socket.ts';
import { DIALECTS, type VenueId } from './dialects/dialects.ts';
import type { Dialect, Request } from './dialects/dialect.ts';
import type { FaultCount } from './faults.ts';
import { Market, type TrueQuote, type TrueTrade } from './market.ts';
import { Peer, type FrameFaults, type Parcel } from './peer.ts';
import type { Chance } from './random.ts';

type Range = readonly [least: number, most: number];

/** A venue and how it misbehaves. Times in ms; a mean of 0 = never. */
export type VenuePlan = {
  readonly id: VenueId;
  readonly symbols: readonly string[];
  /** Of trades, all symbols together. */
  readonly meanTradeMs: number;
  readonly mostTradesAtOnce: number;
  readonly quotesPerTrade: number;
  readonly latencyMs: Range;
  /** Cuts every connection at this age. */
  readonly maxAgeMs: number | undefined;
  /** How many of the last trades a subscription brings; undefined = as the venue does. */
  readonly replays: number | undefined;
  readonly frames: FrameFaults;
  /** Probabilities, per dial. */
  readonly dials: {
    readonly refused: number;
    readonly throttled: number;
    readonly unanswered: number;
  };
  /** Mean times from opening to what happens then. */
  readonly connections: {
    readonly dropped: number;
    readonly closed: number;
    readonly mute: number;
    /** Trades or quotes alone. */
    readonly channelMute: number;
    readonly dead: number;
    /** Drops a connection only while another one brings the same. */
    readonly sparesLast: boolean;
  };
  /** Per subscribe frame. */
  readonly subscriptionUnanswered: number;
  /** Mean times between steps of the venue's clock, which last some seconds. */
  readonly clock: { readonly ahead: number; readonly behind: number };
};

export type VenueParts = {
  readonly plan: VenuePlan;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly faults: FaultCount;
  readonly oversizedBytes: number;
};

/** Longer than anything is in flight. */
const SETTLED_US = 2_000_000;
const HEARTBEAT_MS = 1000;
const PING_MS = 20_000;
const CLOSE_CODES = [1000, 1001, 1008, 1011, 1012, 1013] as const;
const SKEW_LASTS_MS = [2000, 20_000] as const;
/** Within what is taken (60 s), and far beyond. */
const AHEAD_MS: readonly [Range, Range] = [
  [2000, 50_000],
  [120_000, 7_200_000],
];
const BEHIND_MS = [1000, 30_000] as const;

/** A simulated exchange: a market that goes on by itself, and the connections that listen to it. */
export class SimulatedVenue {
  readonly market: Market;
  /** When each connection was tried, in µs. */
  readonly dialledAt: number[] = [];
  mostOpen = 0;
  /** What the client was given, the moment it was. */
  onDelivered: (parcel: Parcel) => void = () => undefined;
  readonly #parts: VenueParts;
  readonly #dialect: Dialect;
  readonly #peers = new Set<Peer>();
  /** Those that are still being dialled, too. */
  readonly #sockets = new Set<Peer>();
  #nextTradeAt: number;
  #skewUs = 0;
  #calm = false;

  constructor(parts: VenueParts) {
    const { plan, clock, chance } = parts;
    this.#parts = parts;
    this.#dialect = DIALECTS[plan.id];
    this.market = new Market(plan.symbols, chance.fork());
    this.#nextTradeAt = clock.now();
    this.#trade();
    clock.every(HEARTBEAT_MS, () => this.#heartbeat());
    clock.every(PING_MS, () => {
      for (const peer of this.#peers) peer.alive();
    });
    this.#skewSometimes();
  }

  readonly openSocket: OpenSocket = (_url, _options, events) => {
    const { plan, clock, chance, faults, oversizedBytes } = this.#parts;
    this.dialledAt.push(clock.now());
    const peer: Peer = new Peer(
      {
        clock,
        chance,
        faults,
        oversizedBytes,
        onDelivered: (parcel) => this.onDelivered(parcel),
        frameFaults: plan.frames,
        latencyMs: plan.latencyMs,
        onRequest: (from, text) => this.#request(from, text),
        onGone: (gone) => {
          this.#peers.delete(gone);
          this.#sockets.delete(gone);
        },
      },
      events,
    );
    this.#sockets.add(peer);
    this.#answer(peer);
    return peer;
  };

  /** The client is no more. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.cut();
  }

  /** From now on nothing more goes wrong with new connections. */
  calm(): void {
    this.#calm = true;
  }

  #answer(peer: Peer): void {
    const { plan, chance, faults } = this.#parts;
    const dice = this.#calm ? 1 : chance.next();
    const { refused, throttled, unanswered } = plan.dials;
    const ms = chance.between(...plan.latencyMs) * 2;
    if (dice < refused) {
      faults.fired('connect_refused');
      peer.later(ms, () => peer.cut({ message: 'connection refused' }));
    } else if (dice < refused + throttled) {
      faults.fired('connect_throttled');
      peer.later(ms, () => peer.cut({ message: 'the upgrade was answered with 429', status: 429 }));
    } else if (dice < refused + throttled + unanswered) {
      faults.fired('connect_unanswered');
    } else {
      peer.later(ms, () => this.#opened(peer));
    }
  }

  #opened(peer: Peer): void {
    const { plan, chance, faults } = this.#parts;
    this.#peers.add(peer);
    this.mostOpen = Math.max(this.mostOpen, this.#peers.size);
    peer.accept();
    if (plan.maxAgeMs !== undefined) {
      peer.later(plan.maxAgeMs, () => {
        faults.fired('connection_aged_out');
        peer.closeAs(1001);
      });
    }
    const { dropped, closed, mute, channelMute, dead } = plan.connections;
    this.#sometime(peer, dropped, () => this.#drop(peer));
    this.#sometime(peer, closed, () => {
      faults.fired('connection_closed');
      peer.closeAs(chance.pick(CLOSE_CODES));
    });
    this.#sometime(peer, mute, () => {
      faults.fired('connection_mute');
      peer.mute = true;
    });
    this.#sometime(peer, channelMute, () => {
      faults.fired('channel_mute');
      peer.muteStream = chance.pick(['trades', 'quotes']);
    });
    this.#sometime(peer, dead, () => {
      faults.fired('connection_dead');
      peer.dead = true;
    });
  }

  #drop(peer: Peer): void {
    const { plan, faults } = this.#parts;
    const { sparesLast, dropped } = plan.connections;
    if (sparesLast && !this.#hasTwin(peer)) {
      this.#sometime(peer, dropped, () => this.#drop(peer));
      return;
    }
    faults.fired('connection_dropped');
    peer.cut();
  }

  /** Whether everything that comes on this connection has come on another for a while. */
  #hasTwin(peer: Peer): boolean {
    return [...this.#peers].some(
      (other) =>
        other !== peer &&
        other.isOpen &&
        other.subscribedAt < this.#parts.clock.now() - SETTLED_US &&
        peer.streams.isSubsetOf(other.streams),
    );
  }

  #sometime(peer: Peer, mean: number, happen: () => void): void {
    if (mean > 0 && !this.#calm) peer.later(this.#parts.chance.waitFor(mean), happen);
  }

  #request(peer: Peer, text: string): void {
    const { plan, chance, faults } = this.#parts;
    const request = this.#dialect.read(text);
    const known = request.wanted.filter(({ symbol }) => plan.symbols.includes(symbol));
    const bad = request.wanted.find(({ symbol }) => !plan.symbols.includes(symbol))?.symbol;
    if (bad !== undefined && this.#dialect.badNames !== 'ignored') {
      faults.fired('subscription_refused');
      for (const frame of this.#dialect.refuse(request, bad)) peer.tell(words(frame));
      if (this.#dialect.badNames === 'refuse_all') return;
    }
    if (chance.happens(plan.subscriptionUnanswered)) faults.fired('subscription_unanswered');
    else this.#accept(peer, { ...request, wanted: known });
    peer.subscribedAt = this.#parts.clock.now();
    for (const { stream, symbol } of known) {
      peer.streams.add(`${stream} ${symbol}`);
      if (stream === 'trades') this.#replay(peer, symbol);
    }
  }

  #accept(peer: Peer, request: Request): void {
    for (const frame of this.#dialect.accept(request)) peer.tell(words(frame));
  }

  #replay(peer: Peer, symbol: string): void {
    const count = this.#parts.plan.replays ?? this.#dialect.replays;
    const all = this.market.trades(symbol);
    const last = all.slice(Math.max(0, all.length - count));
    if (count === 0 || last.length === 0) return;
    this.#parts.faults.fired('trades_replayed');
    const frames = this.#dialect.replay(last);
    if (frames.length === 1) peer.tell({ text: frames[0] ?? '', trades: last, quotes: [] });
    else {
      for (const [at, text] of frames.entries()) {
        const trade = last[at];
        peer.tell({ text, trades: trade === undefined ? [] : [trade], quotes: [] });
      }
    }
  }

  /**
   * The market goes on while the process stands still: what it missed then happens with its own
   * times.
   */
  #trade(): void {
    const { plan, clock, chance } = this.#parts;
    const now = clock.now();
    while (this.#nextTradeAt <= now) {
      const count = chance.integer(1, plan.mostTradesAtOnce);
      for (let made = 0; made < count; made += 1) this.#tradeOnce(this.#nextTradeAt);
      const wait = chance.waitFor(plan.meanTradeMs * ((1 + plan.mostTradesAtOnce) / 2));
      this.#nextTradeAt += Math.max(1, Math.round(wait * 1000));
    }
    clock.after((this.#nextTradeAt - now) / 1000, () => this.#trade());
  }

  #tradeOnce(at: number): void {
    const { plan, chance } = this.#parts;
    const { grainUs } = this.#dialect;
    const symbol = plan.symbols[chance.integer(0, plan.symbols.length - 1)] ?? '';
    const micros = Math.floor((at + this.#skewUs) / grainUs) * grainUs;
    this.#publishTrade(this.market.trade(symbol, micros));
    if (!chance.happens(plan.quotesPerTrade)) return;
    this.#publishQuote(this.market.quote(symbol, micros));
  }

  #publishTrade(trade: TrueTrade): void {
    const stream = `trades ${trade.symbol}`;
    let parcel: Parcel | undefined;
    for (const peer of this.#peers) {
      if (!peer.streams.has(stream) || peer.muteStream === 'trades') continue;
      parcel ??= { text: this.#dialect.trade(trade), trades: [trade], quotes: [] };
      peer.publish(parcel, () => this.#dialect.trade({ ...trade, symbol: '' }));
    }
  }

  #publishQuote(quote: TrueQuote): void {
    const stream = `quotes ${quote.symbol}`;
    let parcel: Parcel | undefined;
    for (const peer of this.#peers) {
      if (!peer.streams.has(stream) || peer.muteStream === 'quotes') continue;
      parcel ??= { text: this.#dialect.quote(quote), trades: [], quotes: [quote] };
      peer.publish(parcel, () => this.#dialect.quote({ ...quote, symbol: '' }));
    }
  }

  #heartbeat(): void {
    for (const symbol of this.#parts.plan.symbols) {
      const frame = this.#dialect.heartbeat(this.market.trades(symbol).at(-1));
      if (frame === undefined) continue;
      for (const peer of this.#peers) {
        if (peer.streams.has(`trades ${symbol}`)) peer.tell(words(frame));
      }
    }
  }

  #skewSometimes(): void {
    const { plan, chance, faults, clock } = this.#parts;
    const { ahead, behind } = plan.clock;
    const skew = (mean: number, ms: () => number, kind: 'ahead' | 'behind'): void => {
      if (mean === 0) return;
      clock.after(chance.waitFor(mean), () => {
        faults.fired(`venue_clock_${kind}`);
        this.#skewUs = Math.round(ms() * 1000);
        clock.after(chance.between(...SKEW_LASTS_MS), () => {
          this.#skewUs = 0;
          skew(mean, ms, kind);
        });
      });
    };
    skew(ahead, () => chance.between(...chance.pick(AHEAD_MS)), 'ahead');
    skew(behind, () => -chance.between(...BEHIND_MS), 'behind');
  }
}

const words = (text: string): Parcel => ({ text, trades: [], quotes: [] });
