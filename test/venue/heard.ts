import type { SourceState } from '../../src/market/record.ts';
import type { ReceiveTime } from '../../src/market/time.ts';
import { Bell } from '../../src/runtime/waiting.ts';
import type { Intake, UnreadReason } from '../../src/sources/source.ts';

export type HeardFrame = {
  readonly receiveTime: ReceiveTime;
  readonly connection: number;
  readonly text: string;
};
export type HeardTick = {
  readonly receiveTime: ReceiveTime;
  readonly connection: number;
  readonly arrival: ReceiveTime;
};
export type HeardState = {
  readonly receiveTime: ReceiveTime;
  readonly connection: number;
  readonly state: SourceState;
  readonly symbols: readonly string[];
};

/** An intake that keeps everything it is given; full when a test says so. */
export class Heard implements Intake {
  readonly frames: HeardFrame[] = [];
  readonly ticks: HeardTick[] = [];
  readonly states: HeardState[] = [];
  /** Frames, ticks and states as words, in the order in which they came. */
  readonly order: string[] = [];
  readonly #bell = new Bell();
  full = false;

  frame(receiveTime: ReceiveTime, connection: number, text: string): void {
    this.frames.push({ receiveTime, connection, text });
    this.order.push(`frame ${connection}`);
  }

  frameBatch(receiveTime: ReceiveTime, connection: number, texts: readonly string[]): void {
    for (const text of texts) this.frame(receiveTime, connection, text);
  }

  tick(receiveTime: ReceiveTime, connection: number, arrival: ReceiveTime): void {
    this.ticks.push({ receiveTime, connection, arrival });
    this.order.push(`tick ${connection}`);
  }

  state(
    receiveTime: ReceiveTime,
    connection: number,
    state: SourceState,
    symbols: readonly string[] = [],
  ): void {
    this.states.push({ receiveTime, connection, state, symbols });
    this.order.push(`${state} ${connection}`);
  }

  dropped(_receiveTime: ReceiveTime, connection: number, reason: UnreadReason): void {
    this.order.push(`dropped ${connection} ${reason}`);
  }

  async room(signal: AbortSignal): Promise<void> {
    while (this.full && !signal.aborted) await this.#bell.wait(signal);
  }

  makeRoom(): void {
    this.full = false;
    this.#bell.ring();
  }

  /** The states alone, as `started 0`, `connected 1`, …. */
  stateWords(): readonly string[] {
    return this.states.map(({ state, connection }) => `${state} ${connection}`);
  }

  symbolsOf(state: SourceState): readonly string[] {
    return this.states.flatMap((heard) => (heard.state === state ? heard.symbols : []));
  }
}
