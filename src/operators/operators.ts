/**
 * The operators: market events in, rows out. Pure and synchronous; the only clock is the receive
 * time of records.
 *
 * A trade is validated, de-duplicated, judged late or not, tracked for gaps, and put into its bars,
 * in this order; its own row comes before the gaps and bars it causes. Nothing here waits, reads or
 * writes anything, and the state of an instrument is bounded. It can be saved and loaded between
 * any two records, and nothing that comes later shows it.
 */
import type { LateReason, Quote, Trade } from '../market/events.ts';
import type { Instrument } from '../market/instrument.ts';
import type { StateRecord, TickRecord } from '../market/record.ts';
import type { ReceiveTime } from '../market/time.ts';
import { MdpError } from '../runtime/errors.ts';
import { addTrade, closeUpTo, countLate, finish, resumeFilling, type BarRules } from './bars.ts';
import * as coverage from './coverage.ts';
import type { Connection, Feed } from './coverage.ts';
import { place } from './dedupe.ts';
import { breakOff, drainGaps, isAwaited, trackTrade } from './gaps.ts';
import { createInstrumentState, type InstrumentState } from './instrument-state.ts';
import { MICROS_PER_MS, NEVER } from './instants.ts';
import { ageConnection, ageQuietly, attach, detach, isLate, noteTrade } from './lateness.ts';
import type {
  MarketOperators,
  OperatorsOutput,
  OperatorsReport,
  OperatorsSettings,
  OperatorsState,
  RejectedReason,
} from './operator.ts';
import { publishBars, publishPartialBars } from './publish.ts';
import { isCopy } from './quotes.ts';
import { estimateBytes, loadInstrument, saveInstrument, STATE_VERSION } from './state.ts';
import { isStale, refuseQuote, refuseTrade, seriesOf } from './validate.ts';

/** Nothing known yet; `load` continues where another one saved. */
export function createOperators(
  settings: OperatorsSettings,
  output: OperatorsOutput,
): MarketOperators {
  return new Operators(settings, output);
}

class Operators implements MarketOperators {
  readonly #settings: OperatorsSettings;
  readonly #output: OperatorsOutput;
  readonly #rules: BarRules;
  readonly #feeds = new Map<string, Feed>();
  /** In the order of their first event: the order of everything that concerns several. */
  #states: InstrumentState[] = [];
  #byInstrument: (InstrumentState | undefined)[] = [];
  /** The connection of the last event: most often also that of the next one. */
  #current: Connection | undefined;
  /**
   * The states that each connection ages, in their order; undefined since one has changed hands.
   * Each tick is of one connection: to ask all states whose they are takes four hundredths of the
   * time where there are ten thousand.
   */
  #aged: ReadonlyMap<Connection, readonly InstrumentState[]> | undefined;

  constructor(settings: OperatorsSettings, output: OperatorsOutput) {
    this.#settings = settings;
    this.#output = output;
    this.#rules = {
      timeframes: settings.bars.timeframes,
      lateness: settings.bars.allowedLatenessMs * MICROS_PER_MS,
      flat: settings.bars.empty === 'flat',
    };
  }

  trade(trade: Trade, source: string, number: number): void {
    const connection = this.#connection(source, number, trade.receiveTime);
    const state = this.#state(trade.instrument);
    const refused = refuseTrade(trade, this.#settings.validate) ?? refuseSeries(state, trade);
    if (refused !== undefined) return this.#output.rejected(trade, refused);
    const placing = place(state.ids, trade, isAwaited(state.gaps, trade.id));
    if (placing === 'duplicate') return this.#output.duplicate(trade);

    const late = this.#judge(state, trade, placing === 'unplaced');
    this.#output.trade(late === undefined ? trade : { ...trade, late });
    const blemished = trackTrade(state, trade, placing, late, this.#output);
    const counts = late === undefined || late === 'late';
    const changed = counts && this.#build(state, trade, late === undefined, connection);
    if (changed || blemished) this.#publish(state);
  }

  quote(quote: Quote, source: string, number: number): void {
    const connection = this.#connection(source, number, quote.receiveTime);
    const refused = refuseQuote(quote, this.#settings.validate);
    if (refused !== undefined) return this.#output.rejected(quote, refused);
    const { quotes } = this.#state(quote.instrument);
    if (isCopy(quotes, quote, connection)) this.#output.duplicate(quote);
    else this.#output.quote(quote);
  }

  arrival(source: string, number: number, at: ReceiveTime): void {
    this.#connection(source, number, at);
  }

  tick(record: TickRecord): void {
    const connection = this.#feeds.get(record.source)?.connections.get(record.connection);
    if (connection === undefined) return;
    ageConnection(connection, record.receiveTime, record.arrival);
    this.#aged ??= byConnection(this.#states);
    for (const state of this.#aged.get(connection) ?? []) {
      if (ageQuietly(state.progress)) this.#advance(state);
    }
  }

  state(record: StateRecord): void {
    const feed = this.#feed(record.source);
    const connection = feed.connections.get(record.connection);
    switch (record.state) {
      case 'started':
        for (const each of feed.connections.values()) this.#close(each);
        this.#breakFeed(feed, 'down');
        break;
      case 'connected':
        if (connection !== undefined) this.#close(connection);
        coverage.openConnection(feed, record.connection, record.receiveTime);
        break;
      case 'subscribed':
        this.#subscribe(record);
        break;
      case 'refused':
        if (connection !== undefined) this.#refuse(connection, record.symbols);
        break;
      case 'mute':
      case 'lost':
        if (connection !== undefined) this.#close(connection);
        break;
      case 'dropped':
        this.#breakFeed(feed, 'dropped');
        break;
      case 'ended':
        // No more ticks: time stands still by itself.
        break;
    }
  }

  drain(at: ReceiveTime): void {
    for (const state of this.#states) {
      publishPartialBars(state, this.#settings.epoch, this.#output);
      drainGaps(state.gaps, state.instrument, state.progress.greatest, at, this.#output);
    }
  }

  save(): OperatorsState {
    return {
      version: STATE_VERSION,
      rules: this.#rules,
      feeds: [...this.#feeds.values()].map(coverage.saveFeed),
      instruments: this.#states.map(saveInstrument),
    };
  }

  load(saved: OperatorsState): void {
    if (saved.version !== STATE_VERSION) {
      throw new MdpError('input', 'the saved state is of another version of the program', {
        hint: 'run the version that wrote it, or remove the checkpoint to start anew',
        context: { found: saved.version, known: STATE_VERSION },
      });
    }
    this.#feeds.clear();
    for (const feed of saved.feeds) this.#feeds.set(feed.source, coverage.loadFeed(feed));
    this.#current = undefined;
    this.#aged = undefined;
    this.#states = [];
    this.#byInstrument = [];
    for (const json of saved.instruments) {
      const instrument = this.#settings.instrument(json.venue, json.symbol);
      const { tradeIds } = this.#settings.facts(json.venue);
      const context = { feeds: this.#feeds, before: saved.rules, now: this.#rules };
      this.#add(loadInstrument(json, instrument, tradeIds, context));
    }
  }

  report(): OperatorsReport {
    let openBars = 0;
    let stateBytes = 0;
    for (const state of this.#states) {
      for (const series of state.bars.published) openBars += series.windows.length;
      stateBytes += estimateBytes(state);
    }
    return { instruments: this.#states.length, openBars, stateBytes };
  }

  #judge(state: InstrumentState, trade: Trade, unplaced: boolean): LateReason | undefined {
    if (isStale(trade, this.#settings.validate)) return 'stale';
    if (unplaced) return 'unplaced';
    return isLate(state.progress, trade.eventTime, this.#rules.lateness) ? 'late' : undefined;
  }

  /**
   * Moves time on and puts the trade into its bars: true when published ones have to be published
   * again.
   */
  #build(state: InstrumentState, trade: Trade, inTime: boolean, connection: Connection): boolean {
    const { bars, progress } = state;
    this.#meet(state, trade, connection);
    if (noteTrade(progress, trade.eventTime, trade.receiveTime, connection)) this.#advance(state);
    if (!inTime) return countLate(bars, trade.eventTime);
    const changed = addTrade(bars, trade, state.byId);
    if (!bars.filling && state.gaps.broken === undefined) resumeFilling(bars, progress.watermark);
    return changed;
  }

  /**
   * A trade that counts shows that its connection brings the instrument, and since when it can be
   * whole.
   */
  #meet(state: InstrumentState, trade: Trade, connection: Connection): void {
    if (state.progress.connection === connection) return;
    this.#aged = undefined;
    const { symbol } = trade.instrument;
    const covered = coverage.cover(connection, symbol, trade.receiveTime);
    state.feed = connection.feed;
    if (state.progress.greatest !== NEVER) return;
    const heard = covered - this.#rules.lateness;
    for (const series of state.bars.published) {
      series.wholeAfter = Math.min(trade.eventTime, trade.eventTime - heard);
    }
  }

  #advance(state: InstrumentState): void {
    const { bars, progress } = state;
    if (progress.watermark < bars.dueAt) return;
    closeUpTo(bars, progress.watermark, this.#rules.flat);
    this.#publish(state);
    finish(bars, progress.watermark, this.#rules, state.byId);
  }

  #publish(state: InstrumentState): void {
    publishBars(state, this.#settings.epoch, this.#output);
  }

  #subscribe(record: StateRecord): void {
    const connection = this.#connection(record.source, record.connection, record.receiveTime);
    const symbols = new Set(record.symbols);
    this.#aged = undefined;
    for (const symbol of symbols) coverage.cover(connection, symbol, record.receiveTime);
    for (const state of this.#states) {
      if (state.feed !== connection.feed || !symbols.has(state.instrument.symbol)) continue;
      attach(state.progress, connection, record.receiveTime);
    }
  }

  #refuse(connection: Connection, symbols: readonly string[]): void {
    const lost = symbols.filter((symbol) => coverage.uncover(connection, symbol));
    this.#breakSymbols(connection.feed, new Set(lost));
  }

  #close(connection: Connection): void {
    const lost = coverage.closeConnection(connection);
    this.#aged = undefined;
    for (const state of this.#states) {
      if (state.progress.connection === connection) detach(state.progress);
    }
    this.#breakSymbols(connection.feed, lost);
    if (this.#current === connection) this.#current = undefined;
  }

  #breakSymbols(feed: Feed, symbols: ReadonlySet<string>): void {
    for (const state of this.#states) {
      if (state.feed === feed && symbols.has(state.instrument.symbol)) {
        this.#break(state, 'reconnect');
      }
    }
  }

  #breakFeed(feed: Feed, reason: 'down' | 'dropped'): void {
    for (const state of this.#states) {
      if (state.feed === feed) this.#break(state, reason);
    }
  }

  #break(state: InstrumentState, reason: 'reconnect' | 'down' | 'dropped'): void {
    breakOff(state.gaps, reason, state.progress.watermark);
    state.bars.filling = false;
  }

  #connection(source: string, number: number, at: ReceiveTime): Connection {
    const { feed, number: same } = this.#current ?? {};
    if (this.#current !== undefined && same === number && feed?.source === source) {
      return this.#current;
    }
    const owner = this.#feed(source);
    this.#current = owner.connections.get(number) ?? coverage.openConnection(owner, number, at);
    return this.#current;
  }

  #feed(source: string): Feed {
    let feed = this.#feeds.get(source);
    if (feed === undefined) this.#feeds.set(source, (feed = coverage.createFeed(source)));
    return feed;
  }

  #state(instrument: Instrument): InstrumentState {
    return (
      this.#byInstrument[instrument.id] ??
      this.#add(
        createInstrumentState(
          instrument,
          this.#settings.facts(instrument.venue),
          this.#rules.timeframes,
        ),
      )
    );
  }

  #add(state: InstrumentState): InstrumentState {
    this.#aged = undefined;
    this.#states.push(state);
    this.#byInstrument[state.instrument.id] = state;
    return state;
  }
}

const byConnection = (
  states: readonly InstrumentState[],
): ReadonlyMap<Connection, readonly InstrumentState[]> => {
  const aged = new Map<Connection, InstrumentState[]>();
  for (const state of states) {
    const { connection } = state.progress;
    if (connection === undefined) continue;
    const others = aged.get(connection);
    if (others === undefined) aged.set(connection, [state]);
    else others.push(state);
  }
  return aged;
};

/**
 * An instrument holds what its first trade was: trades, or aggregates, which the venue numbers
 * apart.
 */
function refuseSeries(state: InstrumentState, trade: Trade): RejectedReason | undefined {
  const series = seriesOf(trade);
  state.series ??= series;
  return state.series === series ? undefined : 'mixed_series';
}
