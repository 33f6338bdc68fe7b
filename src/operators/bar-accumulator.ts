import { compareDecimal, DecimalSum, type Decimal } from '../market/decimal.ts';
import type { Trade } from '../market/events.ts';
import { addInteger, subtractInteger, type Integer } from '../market/integer.ts';
import { eventTime } from '../market/time.ts';
import {
  loadDecimal,
  loadInteger,
  loadOptional,
  must,
  saveDecimal,
  saveInteger,
  saveOptional,
  type IntegerJson,
} from './json.ts';

/** What a bar keeps of its first and its last trade. */
type Edge = Pick<Trade, 'eventTime' | 'id' | 'price' | 'firstId' | 'lastId'>;

type EdgeJson = {
  readonly eventTime: number;
  readonly id: IntegerJson;
  readonly price: string;
  readonly firstId: IntegerJson | null;
  readonly lastId: IntegerJson | null;
};

export type AccumulatorJson = {
  readonly first: EdgeJson;
  readonly last: EdgeJson;
  readonly high: string;
  readonly low: string;
  readonly priceScale: number;
  readonly count: IntegerJson;
  readonly volume: string;
  readonly quoteVolume: string;
  readonly buyVolume: string;
};

/**
 * The trades of an interval, added up exactly: the same sum in every order of adding and merging.
 * Trades of one event time stand in the order of their ids where `byId` says that the venue's ids
 * increase, else in that of arrival.
 */
export class BarAccumulator {
  first: Edge;
  last: Edge;
  high: Decimal;
  low: Decimal;
  /** The finest scale among the prices. */
  priceScale: number;
  /** The venue's trades: an aggregate counts as many as it holds. */
  count: Integer;
  readonly volume: DecimalSum;
  readonly quoteVolume: DecimalSum;
  readonly buyVolume: DecimalSum;

  private constructor(first: Edge, from?: BarAccumulator) {
    this.first = first;
    this.last = from?.last ?? first;
    this.high = from?.high ?? first.price;
    this.low = from?.low ?? first.price;
    this.priceScale = from?.priceScale ?? first.price.scale;
    this.count = from?.count ?? 0;
    this.volume = from?.volume.clone() ?? new DecimalSum();
    this.quoteVolume = from?.quoteVolume.clone() ?? new DecimalSum();
    this.buyVolume = from?.buyVolume.clone() ?? new DecimalSum();
  }

  static of(trade: Trade): BarAccumulator {
    const accumulator = new BarAccumulator(trade);
    accumulator.#sum(trade);
    return accumulator;
  }

  static fromJson(json: AccumulatorJson): BarAccumulator {
    const accumulator = new BarAccumulator(loadEdge(json.first));
    accumulator.last = loadEdge(json.last);
    accumulator.high = loadDecimal(json.high);
    accumulator.low = loadDecimal(json.low);
    accumulator.priceScale = json.priceScale;
    accumulator.count = loadInteger(json.count);
    accumulator.volume.merge(must(DecimalSum.fromJson(json.volume)));
    accumulator.quoteVolume.merge(must(DecimalSum.fromJson(json.quoteVolume)));
    accumulator.buyVolume.merge(must(DecimalSum.fromJson(json.buyVolume)));
    return accumulator;
  }

  clone(): BarAccumulator {
    return new BarAccumulator(this.first, this);
  }

  add(trade: Trade, byId: boolean): void {
    this.#stretch(trade, trade, byId);
    const { price } = trade;
    if (compareDecimal(price, this.high) > 0) this.high = price;
    else if (compareDecimal(price, this.low) < 0) this.low = price;
    if (price.scale > this.priceScale) this.priceScale = price.scale;
    this.#sum(trade);
  }

  /** Adds trades that lie in another interval, or arrived after all that are in this one. */
  merge(other: BarAccumulator, byId: boolean): void {
    this.#stretch(other.first, other.last, byId);
    if (compareDecimal(other.high, this.high) > 0) this.high = other.high;
    if (compareDecimal(other.low, this.low) < 0) this.low = other.low;
    this.priceScale = Math.max(this.priceScale, other.priceScale);
    this.count = addInteger(this.count, other.count);
    this.volume.merge(other.volume);
    this.quoteVolume.merge(other.quoteVolume);
    this.buyVolume.merge(other.buyVolume);
  }

  toJson(): AccumulatorJson {
    return {
      first: saveEdge(this.first),
      last: saveEdge(this.last),
      high: saveDecimal(this.high),
      low: saveDecimal(this.low),
      priceScale: this.priceScale,
      count: saveInteger(this.count),
      volume: this.volume.toJson(),
      quoteVolume: this.quoteVolume.toJson(),
      buyVolume: this.buyVolume.toJson(),
    };
  }

  #stretch(first: Edge, last: Edge, byId: boolean): void {
    const behind = last.eventTime - this.last.eventTime;
    if (behind > 0 || (behind === 0 && (!byId || last.id >= this.last.id))) this.last = last;
    const before = this.first.eventTime - first.eventTime;
    if (before > 0 || (before === 0 && byId && first.id < this.first.id)) this.first = first;
  }

  #sum(trade: Trade): void {
    const { size, side, firstId, lastId } = trade;
    this.volume.add(size);
    this.quoteVolume.addProduct(trade.price, size);
    if (side === 'buy') this.buyVolume.add(size);
    const further =
      firstId === undefined || lastId === undefined ? 0 : subtractInteger(lastId, firstId);
    this.count = addInteger(this.count, addInteger(further, 1));
  }
}

function saveEdge(edge: Edge): EdgeJson {
  return {
    eventTime: edge.eventTime,
    id: saveInteger(edge.id),
    price: saveDecimal(edge.price),
    firstId: saveOptional(edge.firstId, saveInteger),
    lastId: saveOptional(edge.lastId, saveInteger),
  };
}

function loadEdge(json: EdgeJson): Edge {
  return {
    eventTime: eventTime(json.eventTime),
    id: loadInteger(json.id),
    price: loadDecimal(json.price),
    firstId: loadOptional(json.firstId, loadInteger),
    lastId: loadOptional(json.lastId, loadInteger),
  };
}
