/**
 * One entry of `sources:` in the configuration, as a schema: names, units, bounds and defaults of
 * every kind of source. A venue's id is a type of source: a new line in the registry of venues
 * brings it here by itself.
 */
import * as v from 'valibot';
import { VENUES } from '../venues/registry.ts';
import type { Channel } from '../venues/venue.ts';

type VenueId = keyof typeof VENUES;
type LiveVenueId = Exclude<VenueId, 'synthetic'>;

const isVenue = (id: string): id is VenueId => id in VENUES;
const isLive = (id: VenueId): id is LiveVenueId => id !== 'synthetic';
const venueIds = Object.keys(VENUES).filter(isVenue);

const MAX_SYMBOLS = 10_000;
const MAX_SOURCES = 64;
const MIB = 1024 * 1024;
/** Bun's client gives up a message above this by itself. */
const LARGEST_FRAME_BYTES = 128 * MIB;

const described = <S extends v.GenericSchema>(
  schema: S,
  text: string,
  notes: { readonly unit?: string; readonly allowed?: string } = {},
) => v.pipe(schema, v.description(text), v.metadata(notes));

const integer = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));

const share = () => v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 0);

const name = described(
  v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/))),
  'Label in logs, metrics and records; unique among the sources. Default: the type.',
  { allowed: 'up to 64 letters, digits, dots, dashes and underscores' },
);

const symbolList = v.pipe(
  v.array(v.pipe(v.string(), v.nonEmpty())),
  v.minLength(1),
  v.maxLength(MAX_SYMBOLS),
  v.check((symbols) => new Set(symbols).size === symbols.length, 'A symbol is named twice.'),
);

const channels = described(
  v.optional(v.pipe(v.array(v.picklist(['trades', 'quotes'])), v.minLength(1)), [
    'trades',
    'quotes',
  ]),
  'What to take: trades, quotes (best bid and offer), or both.',
);

const venueEntry = v.strictObject({
  type: v.picklist(venueIds.filter(isLive)),
  name,
  symbols: described(symbolList, "Instruments in the venue's own spelling."),
  channels,
  url: described(
    v.optional(v.pipe(v.string(), v.regex(/^wss?:\/\/\S+$/))),
    "Replaces the venue's address, for proxies and tests.",
    { allowed: 'an address that begins with ws:// or wss://' },
  ),
  trades: described(
    v.optional(v.picklist(['trade', 'aggTrade']), 'trade'),
    'Single trades, or aggregates where the venue has them (binance).',
  ),
  mute_after_ms: described(
    v.optional(integer(0, 86_400_000), 60_000),
    'A connection or channel silent for this long is replaced; doubles while no help; 0 = off.',
    { unit: 'ms' },
  ),
  connect_timeout_ms: described(
    v.optional(integer(100, 600_000), 10_000),
    'Longest wait for the WebSocket to open, in ms.',
    { unit: 'ms' },
  ),
  max_frame_bytes: described(
    v.optional(integer(1024, LARGEST_FRAME_BYTES), MIB),
    'A larger frame is counted, not taken, and the connection is replaced.',
    { unit: 'bytes' },
  ),
  compression: described(
    v.optional(v.boolean(), false),
    'Offer permessage-deflate: less traffic for more CPU.',
  ),
  proxy: described(
    v.optional(v.pipe(v.string(), v.regex(/^https?:\/\/\S+$/))),
    'Proxy to connect through; credentials in it are sent to it and shown nowhere.',
    { allowed: 'an address such as http://user:password@host:3128' },
  ),
  ca_file: described(
    v.optional(v.pipe(v.string(), v.nonEmpty())),
    "Certificates (PEM) to trust for this source instead of the system's.",
  ),
  connections: described(
    v.optional(integer(1, 2), 1),
    'Connections for the same symbols: with 2, either may die without a gap.',
  ),
});

const syntheticEntry = v.strictObject({
  type: v.literal('synthetic'),
  name,
  symbols: described(v.optional(symbolList), 'Instruments by name. Default: SYN-001, ….'),
  count: described(
    v.optional(integer(1, MAX_SYMBOLS), 5),
    'How many instruments, where `symbols` names none.',
  ),
  channels,
  rate: described(
    v.optional(v.pipe(v.number(), v.minValue(0.01), v.maxValue(1_000_000)), 100),
    'Trades per second, of all instruments together.',
  ),
  seed: described(
    v.optional(integer(0, 2 ** 32 - 1), 1),
    'The same seed gives the same walk: instruments, ids, prices, sizes and sides.',
  ),
  odd: described(
    v.optional(v.strictObject({ late: share(), duplicate: share(), gap: share() }), {}),
    'Shares (0-1) of trades that come late, twice, or not at all.',
  ),
});

/** A recording. Exported for `mdp replay`, which makes one from its arguments. */
export const replayEntry = v.strictObject({
  type: v.literal('replay'),
  name,
  path: described(
    v.pipe(
      v.union([v.string(), v.array(v.string())]),
      v.transform((path) => (typeof path === 'string' ? [path] : path)),
      v.array(v.pipe(v.string(), v.nonEmpty())),
      v.minLength(1),
    ),
    'Recorded files and directories (ws-*.ndjson[.gz], hft-*[.gz]), in this order.',
  ),
  venue: described(v.picklist(venueIds), 'Which venue the recorded frames are from.'),
  symbols: described(
    v.optional(symbolList),
    'Which symbols the recording is subscribed to, where that is known.',
  ),
  speed: described(
    v.optional(v.union([v.literal('max'), v.pipe(v.number(), v.minValue(0.001))]), 'max'),
    'Times the recorded pace; max = as fast as it can be stored.',
  ),
});

const sourceEntry = v.variant('type', [venueEntry, syntheticEntry, replayEntry]);

type Shared = { readonly name?: string | undefined; readonly channels: readonly Channel[] };

/** The entries as the program holds them: the schemas above in camel case. */
export type VenueEntry = Shared & {
  readonly type: LiveVenueId;
  readonly symbols: readonly string[];
  readonly url?: string | undefined;
  readonly trades: 'trade' | 'aggTrade';
  readonly muteAfterMs: number;
  readonly connectTimeoutMs: number;
  readonly maxFrameBytes: number;
  readonly compression: boolean;
  readonly proxy?: string | undefined;
  readonly caFile?: string | undefined;
  readonly connections: number;
};

export type SyntheticEntry = Shared & {
  readonly type: 'synthetic';
  readonly symbols?: readonly string[] | undefined;
  readonly count: number;
  readonly rate: number;
  readonly seed: number;
  readonly odd: { readonly late: number; readonly duplicate: number; readonly gap: number };
};

export type ReplayEntry = {
  readonly type: 'replay';
  readonly name?: string | undefined;
  readonly path: readonly string[];
  readonly venue: VenueId;
  readonly symbols?: readonly string[] | undefined;
  readonly speed: number | 'max';
};

export type SourceEntry = VenueEntry | SyntheticEntry | ReplayEntry;

/** The source's label: its `name`, else its type. */
export const sourceName = (entry: {
  readonly name?: string | undefined;
  readonly type: string;
}): string => entry.name ?? entry.type;

/** The list under `sources:`; names are unique. */
export const sourcesSettings = v.pipe(
  v.array(sourceEntry),
  v.maxLength(MAX_SOURCES),
  v.check(
    (entries) => new Set(entries.map(sourceName)).size === entries.length,
    'Two sources have the same name; give each its own `name`.',
  ),
);
