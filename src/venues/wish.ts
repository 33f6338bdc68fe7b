/**
 * What every venue's `plan` needs: the wish checked, the address, lists cut to size, ids for
 * subscribe frames.
 */
import { stableId } from '../market/id.ts';
import { MdpError } from '../runtime/errors.ts';
import { isSymbol } from './rows.ts';
import type { Subscription } from './venue.ts';

/**
 * Refuses what no venue can do: no symbols, no channels, a symbol that cannot be one, aggregate
 * trades where there are none. Gives the symbols, each once.
 */
export function wishedSymbols(
  venue: string,
  wish: Subscription,
  allows: { readonly aggregates: boolean; readonly example: string },
): readonly string[] {
  if (wish.symbols.length === 0)
    throw refusal(venue, 'no symbols', `for example ${allows.example}`);
  if (wish.channels.length === 0) throw refusal(venue, 'no channels', 'trades, quotes');
  if (wish.trades === 'aggTrade' && !allows.aggregates) {
    throw refusal(venue, 'has no aggregate trades', 'remove `trades: aggTrade`');
  }
  const bad = wish.symbols.find((symbol) => !isSymbol(symbol));
  if (bad !== undefined) {
    throw refusal(venue, `${JSON.stringify(bad)} is no symbol`, `for example ${allows.example}`);
  }
  return [...new Set(wish.symbols)];
}

export function refusal(venue: string, what: string, hint: string): MdpError {
  return new MdpError('config', `${venue}: ${what}`, { hint, context: { venue } });
}

/**
 * The address to connect to: `path` under the venue's own base, or under the `url` option. With
 * `url: ws://127.0.0.1:9000` and path `/stream` that is `ws://127.0.0.1:9000/stream`; a `url` that
 * ends in the path already is taken as it is.
 */
export function address(
  venue: string,
  base: string,
  path: string,
  url: string | undefined,
): string {
  const parsed = URL.parse(url ?? base);
  if (parsed === null || (parsed.protocol !== 'ws:' && parsed.protocol !== 'wss:')) {
    throw refusal(venue, 'url is not a WebSocket address', 'ws://host:port or wss://host:port');
  }
  const folder = parsed.pathname.replace(/\/+$/, '');
  parsed.pathname = folder.endsWith(path) ? folder : folder + path;
  return parsed.href;
}

/** `items` in order, in lists of at most `size`. */
export function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const lists: (readonly T[])[] = [];
  for (let at = 0; at < items.length; at += size) lists.push(items.slice(at, at + size));
  return lists;
}

/**
 * The id of a subscribe frame: a number below 2^53 made of its content, so that two frames never
 * share one.
 */
export function frameId(content: string): number {
  return Number(BigInt.asUintN(53, BigInt(stableId(content))));
}
