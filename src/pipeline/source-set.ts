import type { Instrument } from '../market/instrument.ts';
import { MdpError } from '../runtime/errors.ts';
import type { Intake, Source } from '../sources/source.ts';
import type { SourceEntry } from '../sources/settings.ts';
import type { Venue, VenueFacts } from '../venues/venue.ts';
import type { ReadSource } from './reader.ts';
import { belongsTo, type Shard } from './shard.ts';
import { SourceStats } from './source-stats.ts';

export type SourcePart = {
  readonly name: string;
  readonly venue: Venue;
  /** Can be read again: waits for room whatever the policy, and its end is the end of the run. */
  readonly rereadable: boolean;
  /** Symbols and channels it was asked for; undefined = whatever it brings. */
  readonly symbols: ReadonlySet<string> | undefined;
  /** What it is made of: parts with equal entries are the same. */
  readonly entry: SourceEntry;
  readonly create: (intake: Intake) => Source;
};

export type SourceSetOptions = {
  readonly shard: Shard;
  readonly intake: (part: SourcePart) => Intake;
  readonly venueOf: (id: string) => Venue | undefined;
  /** The venue's id of sources of earlier runs, by name; and of every other one, if known. */
  readonly heard?: Readonly<Record<string, string>>;
  readonly formerVenue?: string | undefined;
  /** Every source has ended by itself. */
  readonly onThrough: () => void;
};

/** The names of what a replacement touched. */
export type SourceChanges = {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
};

/** A source with what the reader needs to know of its records. */
type Generation = {
  part: SourcePart;
  readonly source: Source;
  readonly read: ReadSource & { want(symbols: ReadonlySet<string> | undefined): void };
  /** Its last record has been read. */
  through: boolean;
  /** Removed from the configuration, or replaced. */
  retired: boolean;
};

/**
 * The sources of the pipeline, which may come and go while it runs. Records outlive their source in
 * the queue, so the reader finds what it needs by name until the source's `ended` record has been
 * read, and only then what stands under the same name behind it. Counters stay for good.
 */
export class SourceSet {
  readonly stats = new Map<string, SourceStats>();
  readonly #options: SourceSetOptions;
  /** By name, oldest first: records of the first are being read, the last is the one that works. */
  readonly #generations = new Map<string, Generation[]>();
  readonly #venues = new Map<string, Venue>();
  /** Of earlier runs: what they received is kept, whatever the configuration says now. */
  readonly #former = new Map<string, ReadSource>();
  /** The venue's id of every source that was heard of, by name. */
  readonly #heard = new Map<string, string>();
  readonly #initial: ReadonlySet<Source>;
  #stopping = false;
  #changing: Promise<unknown> = Promise.resolve();

  constructor(parts: readonly SourcePart[], options: SourceSetOptions) {
    this.#options = options;
    for (const part of parts) this.#add(part, part.create(options.intake(part)));
    this.#initial = new Set(this.present);
    for (const [name, venue] of Object.entries(options.heard ?? {})) this.heard(name, venue);
  }

  /** Those of the present configuration. */
  get present(): readonly Source[] {
    return this.#latest.filter(({ retired }) => !retired).map(({ source }) => source);
  }

  /** Those of them that were there at the start. */
  get initial(): readonly Source[] {
    return this.present.filter((source) => this.#initial.has(source));
  }

  /** The present ones, and those that were removed since the start. */
  get all(): readonly Source[] {
    return this.#latest.map(({ source }) => source);
  }

  /** What the reader must know of the source whose records it has come to. */
  read(name: string): ReadSource | undefined {
    return this.#generations.get(name)?.[0]?.read;
  }

  /** The same for records of an earlier run. */
  readFormer(name: string): ReadSource | undefined {
    const known = this.#former.get(name) ?? this.read(name);
    const { formerVenue } = this.#options;
    if (known !== undefined || formerVenue === undefined) return known;
    this.heard(name, formerVenue);
    return this.#former.get(name);
  }

  /** A source began, in this run or an earlier one whose records are read again. */
  heard(name: string, venueId: string): void {
    if (this.#heard.get(name) === venueId) return;
    this.#heard.set(name, venueId);
    const venue = this.#options.venueOf(venueId);
    if (venue === undefined) return;
    this.#venues.set(venueId, venue);
    const stats = this.stats.get(name) ?? new SourceStats(name);
    this.stats.set(name, stats);
    this.#former.set(name, { name, venue, stats, wanted: () => true });
  }

  heardVenues(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#heard);
  }

  facts(venue: string): VenueFacts {
    const known = this.#venues.get(venue);
    if (known !== undefined) return known.facts;
    throw new MdpError('invariant', `no source has the venue ${venue}`);
  }

  start(): void {
    for (const source of this.present) source.start();
  }

  /** No further record after it resolves. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#changing;
    await Promise.all(this.present.map((source) => source.stop()));
  }

  /** The reader has come to a source's last record. Removal is no end of the run. */
  ended(name: string): void {
    const generations = this.#generations.get(name);
    const [first] = generations ?? [];
    if (generations === undefined || first === undefined) return;
    first.through = true;
    if (generations.length > 1) generations.shift();
    const present = this.#latest.filter(({ retired }) => !retired);
    if (!first.retired && present.every(({ through }) => through)) this.#options.onThrough();
  }

  /**
   * Makes `parts` the sources: what is equal is not touched, what is new starts, what can take its
   * change over while it runs does, what is gone stops. Call one at a time. Throws what a part's
   * `create` throws before anything is touched.
   */
  replace(parts: readonly SourcePart[]): Promise<SourceChanges> {
    const changing = this.#replace(parts);
    this.#changing = changing.catch(() => undefined);
    return changing;
  }

  async #replace(parts: readonly SourcePart[]): Promise<SourceChanges> {
    const names = new Set(parts.map(({ name }) => name));
    const removed = this.present.filter(({ name }) => !names.has(name));
    const fresh = parts
      .filter((part) => !this.#has(part))
      .map((part) => ({ part, source: part.create(this.#options.intake(part)) }));
    const changed = fresh.filter(({ part }) => this.#presentOf(part.name) !== undefined);
    const added = fresh.filter((each) => !changed.includes(each));
    for (const { part, source } of added) this.#start(part, source);
    await Promise.all([
      ...changed.map(({ part, source }) => this.#change(part, source)),
      ...removed.map(({ name }) => this.#retire(name)),
    ]);
    return {
      added: added.map(({ part }) => part.name),
      removed: removed.map(({ name }) => name),
      changed: changed.map(({ part }) => part.name),
    };
  }

  async #change(part: SourcePart, source: Source): Promise<void> {
    const present = this.#presentOf(part.name);
    if (present?.source.revise?.(part.entry) === true) {
      present.part = part;
      present.read.want(part.symbols);
      return;
    }
    await this.#retire(part.name);
    this.#start(part, source);
  }

  async #retire(name: string): Promise<void> {
    const present = this.#presentOf(name);
    if (present === undefined) return;
    present.retired = true;
    await present.source.stop();
  }

  #start(part: SourcePart, source: Source): void {
    if (this.#stopping) return;
    this.#add(part, source);
    source.start();
  }

  #add(part: SourcePart, source: Source): void {
    const { name, venue } = part;
    const stats = this.stats.get(name) ?? new SourceStats(name);
    this.stats.set(name, stats);
    this.#venues.set(venue.id, venue);
    const read = readSource(part, stats, this.#options.shard);
    const generation = { part, source, read, through: false, retired: false };
    const unread = (this.#generations.get(name) ?? []).filter(({ through }) => !through);
    this.#generations.set(name, [...unread, generation]);
  }

  #has(part: SourcePart): boolean {
    const present = this.#presentOf(part.name);
    return present !== undefined && Bun.deepEquals(present.part.entry, part.entry);
  }

  #presentOf(name: string): Generation | undefined {
    const last = this.#generations.get(name)?.at(-1);
    return last?.retired === false ? last : undefined;
  }

  get #latest(): readonly Generation[] {
    return [...this.#generations.values()].flatMap((generations) => generations.slice(-1));
  }
}

/** A symbol that was asked for once is taken for as long as records of it come. */
const readSource = (part: SourcePart, stats: SourceStats, shard: Shard): Generation['read'] => {
  let known: (boolean | undefined)[] = [];
  let asked = part.symbols;
  return {
    name: part.name,
    venue: part.venue,
    stats,
    wanted: ({ id, venue, symbol }: Instrument) =>
      (known[id] ??= (asked?.has(symbol) ?? true) && belongsTo(shard, venue, symbol)),
    want: (symbols) => {
      asked = asked === undefined || symbols === undefined ? undefined : asked.union(symbols);
      known = [];
    },
  };
};
