import { receiveTime } from '../market/time.ts';
import type { ReceiveTime } from '../market/time.ts';
import type { RecordedLine } from './replay-line.ts';
import { HFT } from './replay-line.ts';
import type { Intake } from './source.ts';
import { TIMING } from './timing.ts';

const TICK_US = TIMING.tickMs * 1000;
/**
 * No more ticks than this for one silence of a recording (10 min): after that the time is jumped
 * over.
 */
const MOST_TICKS = 2400;
/** A file without connections' names goes on with the one before it when it begins within this. */
const SAME_SESSION_US = 60_000_000;

/** A line that is to be handed on. */
export type Recorded = Exclude<RecordedLine, { readonly kind: 'skipped' }>;

type Open = { readonly number: number; arrival: ReceiveTime };

/**
 * The connections of a recording as it is read: numbers them, tells their states, and makes the
 * tick records that a live source would have appended, all in recorded time.
 */
export class RecordedSessions {
  readonly #intake: Intake;
  readonly #symbols: readonly string[];
  readonly #open = new Map<string, Open>();
  #numbers = 0;
  #last: ReceiveTime | undefined;
  #nextTick = 0;
  #newFile = true;
  #began: number | undefined;
  #started = false;

  constructor(intake: Intake, symbols: readonly string[]) {
    this.#intake = intake;
    this.#symbols = symbols;
  }

  get openCount(): number {
    return this.#open.size;
  }

  get opened(): number {
    return this.#numbers;
  }

  get last(): ReceiveTime | undefined {
    return this.#last;
  }

  /** Where the present stretch of recorded time began: pace is measured from there. */
  get began(): number | undefined {
    return this.#began;
  }

  fileBegins(): void {
    this.#newFile = true;
  }

  /**
   * Call for every line before anything else is done with it: ends the sessions that it does not
   * belong to.
   */
  meet(line: Recorded): void {
    if (this.#newFile && !this.#goesOn(line)) this.endAll();
    this.#newFile = false;
    if (!this.#started) this.#intake.state(line.at, 0, 'started');
    this.#started = true;
    if (this.#last === undefined) {
      this.#last = line.at;
      this.#nextTick = line.at + TICK_US;
      this.#began = line.at;
    }
  }

  /**
   * The recorded time of the next tick that is due at or before `at`; undefined when there is none.
   */
  tickDue(at: ReceiveTime): ReceiveTime | undefined {
    if (this.#nextTick > at) return undefined;
    this.#nextTick = Math.max(this.#nextTick, at - MOST_TICKS * TICK_US);
    return receiveTime(this.#nextTick);
  }

  tick(at: ReceiveTime): void {
    for (const { number, arrival } of this.#open.values()) this.#intake.tick(at, number, arrival);
    this.#nextTick = at + TICK_US;
  }

  /** Hands a line on. */
  take(line: Recorded): void {
    this.#last = line.at;
    if (line.kind === 'connect') {
      this.#lose(line.conn, line.at);
      this.#connect(line.conn, line.at);
      return;
    }
    const open = this.#open.get(line.conn) ?? this.#connect(line.conn, line.at);
    open.arrival = line.at;
    this.#intake.frame(line.at, open.number, line.text);
  }

  endAll(): void {
    if (this.#last === undefined) return;
    for (const conn of this.#open.keys()) this.#lose(conn, this.#last);
    this.#last = undefined;
  }

  #connect(conn: string, at: ReceiveTime): Open {
    this.#numbers += 1;
    const open = { number: this.#numbers, arrival: at };
    this.#open.set(conn, open);
    this.#intake.state(at, open.number, 'connected');
    if (this.#symbols.length > 0) {
      this.#intake.state(at, open.number, 'subscribed', this.#symbols);
    }
    return open;
  }

  #lose(conn: string, at: ReceiveTime): void {
    const open = this.#open.get(conn);
    if (open === undefined) return;
    this.#open.delete(conn);
    this.#intake.state(at, open.number, 'lost');
  }

  /** Recorders of the hft form begin a file a day on the same connection. */
  #goesOn({ at, conn }: Recorded): boolean {
    if (this.#last === undefined || conn !== HFT || !this.#open.has(HFT)) return false;
    return at >= this.#last && at - this.#last <= SAME_SESSION_US;
  }
}
