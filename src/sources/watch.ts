import type { Channel, LastTrade } from '../venues/venue.ts';
import { Hearing } from './hearing.ts';
import type { HearingOptions } from './hearing.ts';
import type { MuteSubject } from './patience.ts';
import { Silence } from './silence.ts';
import type { Timing } from './timing.ts';

export type WatchOptions = Omit<HearingOptions, 'overdueMs'> & { readonly timing: Timing };

/** What is to be done about a silence; a dead connection is over, and a mute one without data. */
export type Finding =
  | { readonly kind: 'ping' }
  | { readonly kind: 'dead'; readonly reason: string }
  | {
      readonly kind: 'mute';
      readonly subject: MuteSubject;
      readonly reason: string;
      /** Other channels do bring data. */
      readonly othersFlow: boolean;
    };

/**
 * What the silences of one connection mean. Nothing arrives, not even a pong: it is dead. Frames
 * come, but no data, or not those of a channel: it is mute. No frame comes: it is pinged, so that
 * the next pong tells.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #withoutArrival = new Silence();
  readonly #withoutFrame = new Silence();
  readonly #withoutData = new Silence();
  readonly #hearing: Hearing;
  #hasData = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#hearing = new Hearing({ ...options, overdueMs: options.timing.overdueMs });
  }

  /** Whether market data has come. */
  get hasData(): boolean {
    return this.#hasData;
  }

  /** A frame, a ping or a pong. */
  arrived(): void {
    this.#withoutArrival.break();
  }

  frame(): void {
    this.#withoutFrame.break();
  }

  /** True for the first data of their channel. */
  data(channel: Channel, lastTrade: LastTrade | undefined): boolean {
    this.#hasData = true;
    this.#withoutData.break();
    return this.#hearing.data(channel, lastTrade);
  }

  /** One that names a symbol's last trade. */
  heartbeat(lastTrade: LastTrade): void {
    if (this.#hearing.heartbeat(lastTrade)) this.#withoutData.break();
  }

  tick(): Finding | undefined {
    const { timing } = this.#options;
    for (const silence of [this.#withoutArrival, this.#withoutFrame, this.#withoutData]) {
      silence.tick(timing.tickMs);
    }
    this.#hearing.tick(timing.tickMs);
    if (this.#withoutArrival.ms >= timing.deadMs) {
      const reason = `nothing arrived for ${timing.deadMs} ms, not even an answer to our pings`;
      return { kind: 'dead', reason };
    }
    const silentMs = this.#withoutFrame.ms;
    const isPingDue = silentMs > 0 && silentMs % timing.pingMs < timing.tickMs;
    return this.#mute() ?? (isPingDue ? { kind: 'ping' } : undefined);
  }

  #mute(): Finding | undefined {
    const { muteAfterMs, patience } = this.#options;
    if (muteAfterMs === 0) return undefined;
    const silentMs = this.#withoutData.ms;
    const patienceMs = this.#hasData ? muteAfterMs : patience.stretch('connection', muteAfterMs);
    if (silentMs >= patienceMs) {
      const reason = `connected, but no data for ${patienceMs} ms`;
      return { kind: 'mute', subject: 'connection', reason, othersFlow: false };
    }
    const othersFlow = this.#hasData && silentMs < muteAfterMs;
    const mute = this.#hearing.mute(othersFlow);
    return mute && { kind: 'mute', subject: mute.channel, reason: mute.reason, othersFlow };
  }
}
