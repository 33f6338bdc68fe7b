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
  /**
   * What the next trade is compared with, here and not in `first`, `last`, `high` and `low`: with
   * many instruments each would be a miss of the cache.
   */
  #firstTime: number;
  #firstId: Integer;
  #lastTime: number;
  #lastId: Integer;
  /** Units of `high` and `low`, where both are numbers of one scale; else the scale is -1. */
  #rangeScale = -1;
  #highUnits = 0;
  #lowUnits = 0;

  private constructor(first: Edge, from?: BarAccumulator) {
    const last = from?.last ?? first;
    this.first = first;
    this.last = last;
    this.#firstTime = first.eventTime;
    this.#firstId = first.id;
    this.#lastTime = last.eventTime;
    this.#lastId = last.id;
    this.high = from?.high ?? first.price;
    this.low = from?.low ?? first.price;
    this.priceScale = from?.priceScale ?? first.price.scale;
    this.count = from?.count ?? 0;
    this.volume = from?.volume.clone() ?? new DecimalSum();
    this.quoteVolume = from?.quoteVolume.clone() ?? new DecimalSum();
    this.buyVolume = from?.buyVolume.clone() ?? new DecimalSum();
    this.#ranged();
  }

  static of(trade: Trade): BarAccumulator {
    const accumulator = new BarAccumulator(trade);
    accumulator.#sum(trade);
    return accumulator;
  }

  static fromJson(json: AccumulatorJson): BarAccumulator {
    const accumulator = new BarAccumulator(loadEdge(json.first));
    accumulator.#end(loadEdge(json.last));
    accumulator.high = loadDecimal(json.high);
    accumulator.low = loadDecimal(json.low);
    accumulator.#ranged();
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
    const { units, scale } = price;
    const isInside =
      scale === this.#rangeScale && units <= this.#highUnits && units >= this.#lowUnits;
    if (!isInside) this.#widen(price, price);
    if (scale > this.priceScale) this.priceScale = scale;
    this.#sum(trade);
  }

  /** Adds trades that lie in another interval, or arrived after all that are in this one. */
  merge(other: BarAccumulator, byId: boolean): void {
    this.#stretch(other.first, other.last, byId);
    this.#widen(other.high, other.low);
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
    const behind = last.eventTime - this.#lastTime;
    if (behind > 0 || (behind === 0 && (!byId || last.id >= this.#lastId))) this.#end(last);
    const before = this.#firstTime - first.eventTime;
    if (before > 0 || (before === 0 && byId && first.id < this.#firstId)) this.#begin(first);
  }

  #begin(first: Edge): void {
    this.first = first;
    this.#firstTime = first.eventTime;
    this.#firstId = first.id;
  }

  #end(last: Edge): void {
    this.last = last;
    this.#lastTime = last.eventTime;
    this.#lastId = last.id;
  }

  #widen(high: Decimal, low: Decimal): void {
    if (compareDecimal(high, this.high) > 0) this.high = high;
    if (compareDecimal(low, this.low) < 0) this.low = low;
    this.#ranged();
  }

  #ranged(): void {
    const { high, low } = this;
    const isPlain =
      high.scale === low.scale && typeof high.units === 'number' && typeof low.units === 'number';
    this.#rangeScale = isPlain ? high.scale : -1;
    this.#highUnits = isPlain ? high.units : 0;
    this.#lowUnits = isPlain ? low.units : 0;
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
