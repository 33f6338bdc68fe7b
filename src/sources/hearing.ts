import { compareInteger } from '../market/integer.ts';
import type { Integer } from '../market/integer.ts';
import type { Channel, LastTrade } from '../venues/venue.ts';
import type { Patience } from './patience.ts';
import { Silence } from './silence.ts';

export type HearingOptions = {
  readonly channels: readonly Channel[];
  readonly patience: Patience;
  /** A channel that is silent for this long while others flow is mute. */
  readonly muteAfterMs: number;
  /** The venue's time to bring a trade that its heartbeat has named. */
  readonly overdueMs: number;
  /** Whether the connection asked for a symbol: of others nothing is remembered. */
  readonly asked: (symbol: string) => boolean;
};

/** A channel that does not bring what it should, and why we think so, in words for an operator. */
export type MuteChannel = { readonly channel: Channel; readonly reason: string };

type Overdue = { readonly id: Integer; readonly silence: Silence };

type Heard = {
  readonly channel: Channel;
  readonly silence: Silence;
  /** The newest trade that came, by symbol; kept only where the venue's heartbeats name trades. */
  readonly newest: Map<string, Integer>;
  /** The first trade that a heartbeat named and that has not come, by symbol. */
  readonly overdue: Map<string, Overdue>;
  /** For how long it has not been silent for `muteAfterMs`. */
  livelyMs: number;
  isHeard: boolean;
};

/**
 * What one connection hears of each of its channels. Trades may fall silent while quotes flow, and
 * the other way round. Where the venue's heartbeats name the last trade, they decide: a channel
 * that lacks it is mute however much else it brings, and one that has it is only quiet. Time is
 * counted in ticks, as every silence is.
 */
export class Hearing {
  readonly #options: HearingOptions;
  readonly #channels: readonly Heard[];

  constructor(options: HearingOptions) {
    this.#options = options;
    this.#channels = options.channels.map((channel) => ({
      channel,
      silence: new Silence(),
      newest: new Map(),
      overdue: new Map(),
      livelyMs: 0,
      isHeard: false,
    }));
  }

  /** Data came; true for the first of their channel. */
  data(channel: Channel, lastTrade: LastTrade | undefined): boolean {
    for (const heard of this.#channels) {
      if (heard.channel === channel) return this.#came(heard, lastTrade);
    }
    return false;
  }

  #came(heard: Heard, lastTrade: LastTrade | undefined): boolean {
    heard.silence.break();
    if (lastTrade !== undefined && this.#options.asked(lastTrade.symbol)) came(heard, lastTrade);
    const first = !heard.isHeard;
    heard.isHeard = true;
    return first;
  }

  /** A heartbeat named a symbol's last trade; true when no channel lacks it: all is only quiet. */
  heartbeat(lastTrade: LastTrade): boolean {
    if (!this.#options.asked(lastTrade.symbol)) return false;
    return this.#channels.filter((heard) => !has(heard, lastTrade)).length === 0;
  }

  tick(tickMs: number): void {
    const { patience, muteAfterMs } = this.#options;
    for (const heard of this.#channels) {
      heard.silence.tick(tickMs);
      if (heard.isHeard) forgiveStrangers(heard);
      for (const overdue of heard.overdue.values()) overdue.silence.tick(tickMs);
      const lively = heard.silence.ms < muteAfterMs && heard.overdue.size === 0;
      heard.livelyMs = lively ? heard.livelyMs + tickMs : 0;
      const { channel, livelyMs } = heard;
      if (livelyMs > patience.stretch(channel, muteAfterMs)) patience.restore(channel);
    }
  }

  /** The channel that is mute, if one is. `othersFlow`: the connection as a whole is not silent. */
  mute(othersFlow: boolean): MuteChannel | undefined {
    const { patience, muteAfterMs, overdueMs } = this.#options;
    for (const { channel, silence, overdue } of this.#channels) {
      const limitMs = patience.stretch(channel, Math.min(overdueMs, muteAfterMs));
      for (const [symbol, { id, silence: without }] of overdue) {
        if (without.ms < limitMs) continue;
        const reason = `the heartbeat named trade ${id} of ${symbol}, which is not among the`;
        return { channel, reason: `${reason} ${channel} after ${limitMs} ms` };
      }
      const patienceMs = patience.stretch(channel, muteAfterMs);
      if (othersFlow && silence.ms >= patienceMs) {
        return { channel, reason: `connected, but no ${channel} for ${patienceMs} ms` };
      }
    }
    return undefined;
  }
}

const came = ({ newest, overdue }: Heard, { symbol, id }: LastTrade): void => {
  if (compareInteger(id, newest.get(symbol) ?? 0) > 0) newest.set(symbol, id);
  const awaited = overdue.get(symbol);
  if (awaited !== undefined && compareInteger(id, awaited.id) >= 0) overdue.delete(symbol);
};

/**
 * A product that is halted may have heartbeats and no last trade on the channel that brings the
 * others: it is awaited only from the next trade on that a heartbeat names.
 */
const forgiveStrangers = ({ newest, overdue }: Heard): void => {
  for (const [symbol, { id }] of overdue) {
    if (newest.has(symbol)) continue;
    newest.set(symbol, id);
    overdue.delete(symbol);
  }
};

/** Whether the trade that a heartbeat names has come; else it is awaited from now on. */
const has = ({ silence, newest, overdue }: Heard, { symbol, id }: LastTrade): boolean => {
  if (compareInteger(id, newest.get(symbol) ?? 0) <= 0) {
    silence.break();
    return true;
  }
  if (!overdue.has(symbol)) {
    const without = new Silence();
    without.break();
    overdue.set(symbol, { id, silence: without });
  }
  return false;
};
