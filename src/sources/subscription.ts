import type { Classified, ConnectionPlan, SubscribeFrame } from '../venues/venue.ts';
import type { SymbolReport } from './source.ts';

/**
 * What an answer changed: symbols that the venue will send from now on, and symbols that it will
 * not.
 */
export type Answered = {
  readonly subscribed: readonly string[];
  readonly refused: readonly string[];
};

export type SubscriptionParts = {
  readonly plan: ConnectionPlan;
  /**
   * Whether the venue answers for each symbol by name; else a refusal of a list may be due to one
   * bad name in it.
   */
  readonly confirmsPerSymbol: boolean;
  /** Subscribe frames for some of the plan's symbols. */
  readonly frames: (symbols: readonly string[]) => readonly SubscribeFrame[];
  /**
   * Refused on an earlier connection: asked for again, but alone and last, so that they take no
   * other down.
   */
  readonly refusedBefore: readonly string[];
};

type Asked = { readonly frame: SubscribeFrame; readonly waiting: Set<string> };

/** `report` says where it stands; it is replaced, never changed. */
type SymbolState = { frames: number; report: SymbolReport };

/**
 * The subscriptions of one connection: which frames are still to be sent, which answers are
 * awaited, and where each symbol stands. A refused list of a venue that does not say which name was
 * bad is halved until the bad name stands alone. Venues answer in the order they were asked; an
 * answer is matched by the frame's id where the venue repeats it.
 */
export class Subscription {
  readonly #parts: SubscriptionParts;
  readonly #symbols = new Map<string, SymbolState>();
  readonly #unsent: SubscribeFrame[] = [];
  readonly #asked: Asked[] = [];
  #gaveUp = false;

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
    for (const symbol of parts.plan.symbols) {
      this.#symbols.set(symbol, { frames: 0, report: pending(symbol) });
    }
    for (const frame of this.#firstFrames()) this.#queue(frame);
  }

  /**
   * Symbols that need no frame: the venue sends them on this address by itself. Call once, when the
   * socket is open.
   */
  opened(): readonly string[] {
    const symbols: string[] = [];
    for (const [symbol, entry] of this.#symbols) {
      if (entry.frames === 0) symbols.push(symbol);
    }
    return this.#mark(symbols, 'subscribed', undefined);
  }

  /** Asks for further symbols on the same connection; those that it has already are passed over. */
  add(symbols: readonly string[]): void {
    const further = symbols.filter((symbol) => !this.#symbols.has(symbol));
    if (further.length === 0) return;
    for (const symbol of further) {
      this.#symbols.set(symbol, { frames: 0, report: pending(symbol) });
    }
    this.#gaveUp = false;
    for (const frame of this.#parts.frames(further)) this.#queue(frame);
  }

  /** Whether the symbol is one of this connection's. */
  has(symbol: string): boolean {
    return this.#symbols.has(symbol);
  }

  /** The next frame to send; counts as sent. */
  next(): SubscribeFrame | undefined {
    const frame = this.#unsent.shift();
    if (frame !== undefined) this.#asked.push({ frame, waiting: new Set(frame.symbols) });
    return frame;
  }

  get hasUnsent(): boolean {
    return this.#unsent.length > 0;
  }

  /** Every frame was sent, and answered or given up. */
  get settled(): boolean {
    return this.#unsent.length === 0 && (this.#asked.length === 0 || this.#gaveUp);
  }

  /** Takes an acknowledgement or refusal. One that answers nothing we asked changes nothing. */
  answer(answer: Extract<Classified, { readonly kind: 'ack' | 'refused' }>): Answered {
    return answer.kind === 'ack'
      ? { subscribed: this.#accepted(answer.id, answer.symbols), refused: [] }
      : { subscribed: [], refused: this.#refused(answer.id, answer.symbols, answer.reason) };
  }

  /** The venue did not answer in time: what it said nothing about is unconfirmed until it does. */
  giveUpWaiting(): void {
    this.#gaveUp = true;
    for (const entry of this.#symbols.values()) {
      const { report } = entry;
      if (report.state === 'pending') entry.report = { ...report, state: 'unconfirmed' };
    }
  }

  report(): readonly SymbolReport[] {
    return [...this.#symbols.values()].map((entry) => entry.report);
  }

  #firstFrames(): readonly SubscribeFrame[] {
    const { plan, frames, refusedBefore } = this.#parts;
    if (refusedBefore.length === 0) return plan.subscribe;
    const apart = new Set(refusedBefore);
    const others = plan.symbols.filter((symbol) => !apart.has(symbol));
    return [
      ...(others.length === 0 ? [] : frames(others)),
      ...refusedBefore.flatMap((symbol) => frames([symbol])),
    ];
  }

  /**
   * A frame that is already on its way is not asked for twice (each channel's refusal asks for all
   * channels anew).
   */
  #queue(frame: SubscribeFrame): void {
    const under = [...this.#unsent, ...this.#asked.map((asked) => asked.frame)];
    if (under.some(({ text }) => text === frame.text)) return;
    this.#unsent.push(frame);
    for (const symbol of frame.symbols) {
      const entry = this.#symbols.get(symbol);
      if (entry !== undefined) entry.frames += 1;
    }
  }

  #accepted(id: string, named: readonly string[]): readonly string[] {
    const confirmed: string[] = [];
    for (const asked of this.#asking(id, named)) {
      const symbols = named.length === 0 ? [...asked.waiting] : named;
      for (const symbol of symbols) {
        if (asked.waiting.delete(symbol) && this.#answered(symbol)) confirmed.push(symbol);
      }
    }
    this.#forgetAnswered();
    return this.#mark(confirmed, 'subscribed', undefined);
  }

  #refused(id: string, named: readonly string[], reason: string): readonly string[] {
    const refused = this.#asking(id, named).flatMap((asked) => {
      const bad = this.#badNames(asked, named);
      for (const symbol of bad) {
        asked.waiting.delete(symbol);
        this.#answered(symbol);
      }
      if (!this.#parts.confirmsPerSymbol) this.#askAgain(asked, bad.length > 0);
      return bad;
    });
    this.#forgetAnswered();
    return this.#mark(refused, 'refused', reason);
  }

  /** Which of a refused frame's symbols are to blame; none where that is not known yet. */
  #badNames({ waiting }: Asked, named: readonly string[]): readonly string[] {
    const known = named.filter((symbol) => waiting.has(symbol));
    if (known.length > 0) return known;
    const all = this.#parts.confirmsPerSymbol ? named.length === 0 : waiting.size === 1;
    return all ? [...waiting] : [];
  }

  /**
   * Of a refused list the venue took nothing: its good names are asked for again, by halves until
   * they are known.
   */
  #askAgain(asked: Asked, badIsKnown: boolean): void {
    const symbols = [...asked.waiting];
    for (const symbol of symbols) this.#answered(symbol);
    asked.waiting.clear();
    this.#forgetAnswered();
    const half = badIsKnown ? symbols.length : Math.ceil(symbols.length / 2);
    for (const list of [symbols.slice(0, half), symbols.slice(half)]) {
      if (list.length === 0) continue;
      for (const frame of this.#parts.frames(list)) this.#queue(frame);
    }
  }

  /**
   * The frames an answer is for: those of its id, else those that wait for the symbols named, else
   * the oldest.
   */
  #asking(id: string, named: readonly string[]): readonly Asked[] {
    if (id !== '') {
      const same = this.#asked.find(({ frame }) => frame.id === id);
      return same === undefined ? [] : [same];
    }
    if (named.length === 0) return this.#asked.slice(0, 1);
    return this.#asked.filter(({ waiting }) => named.some((symbol) => waiting.has(symbol)));
  }

  /** One frame fewer to wait for; true when it was the symbol's last. */
  #answered(symbol: string): boolean {
    const entry = this.#symbols.get(symbol);
    if (entry === undefined) return false;
    entry.frames = Math.max(0, entry.frames - 1);
    return entry.frames === 0;
  }

  #forgetAnswered(): void {
    for (let at = this.#asked.length - 1; at >= 0; at -= 1) {
      if (this.#asked[at]?.waiting.size === 0) this.#asked.splice(at, 1);
    }
  }

  #mark(
    symbols: readonly string[],
    state: 'subscribed' | 'refused',
    reason: string | undefined,
  ): readonly string[] {
    return symbols.filter((symbol) => {
      const entry = this.#symbols.get(symbol);
      if (entry === undefined || entry.report.state === state) return false;
      entry.report = { symbol, state, reason };
      return true;
    });
  }
}

/** Asked for, and not answered yet. */
export const pending = (symbol: string): SymbolReport => ({
  symbol,
  state: 'pending',
  reason: undefined,
});
