import { ROW_KINDS } from '../../src/pipeline/ledger.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { World } from './world.ts';

/**
 * Above the bound: what the documentation allows sockets to deliver after their pause, and a block
 * or batch under way.
 */
const HARD_FACTOR = 2;
const SLACK_BYTES = 1024 * 1024;
/** What may wait for the syncs of a disk that is only slow, whatever the bound. */
const UNSYNCED_BYTES = 16 * 1024 * 1024;

/** Looks on from outside while the program runs: what must hold at every moment. */
export class Inspector {
  readonly #pipeline: Pipeline;
  readonly #world: World;
  readonly #seen: string[];

  /** Complaints are added to `seen`. */
  constructor(pipeline: Pipeline, world: World, seen: string[]) {
    this.#pipeline = pipeline;
    this.#world = world;
    this.#seen = seen;
  }

  look(): void {
    this.#ledgerBalances();
    this.#nothingIsToldTooEarly();
    this.#memoryIsBounded();
  }

  #ledgerBalances(): void {
    const { ledger } = this.#pipeline;
    const waiting = this.#pipeline.waitingFrames();
    // Frames of an earlier process count as received when they are read, and those given up wait
    // for the record that tells of them.
    const least = this.#pipeline.recovering ? 0 : waiting;
    const most = waiting + this.#pipeline.pendingDrops.total;
    if (ledger.unread() < least || ledger.unread() > most) {
      this.#say(`${ledger.unread()} frames have no outcome, ${waiting} wait`);
    }
    for (const kind of ROW_KINDS) {
      const [open, found] = [ledger.inFlight(kind), this.#pipeline.waitingRows(kind)];
      if (open !== found) this.#say(`${open} ${kind} rows have no outcome, ${found} wait`);
    }
  }

  /** Nothing is counted as committed that is not in the tables. */
  #nothingIsToldTooEarly(): void {
    const { trade, quote } = this.#pipeline.ledger.rows;
    const { tables } = this.#world.database;
    for (const [counts, table, name] of [
      [trade, tables.trade, 'trade'],
      [quote, tables.quote, 'quote'],
    ] as const) {
      if (counts.committed > table.size) {
        this.#say(`${counts.committed} ${name} rows count as committed, ${table.size} are there`);
      }
    }
  }

  #memoryIsBounded(): void {
    const { memory, journal } = this.#pipeline;
    const { total, limit } = memory;
    const { state, unsyncedBytes } = journal?.report() ?? { state: 'away', unsyncedBytes: 0 };
    const syncing = state === 'writing' ? Math.min(unsyncedBytes, UNSYNCED_BYTES) : 0;
    if (total < 0) this.#say(`waiting data are ${total} bytes`);
    if (total > HARD_FACTOR * limit + SLACK_BYTES + syncing) {
      this.#say(`${total} bytes wait, the bound is ${limit}`);
    }
  }

  #say(what: string): void {
    const at = Math.round((this.#world.clock.now() - this.#pipeline.startedAt) / 1000);
    if (this.#seen.length < 20) this.#seen.push(`after ${at} ms: ${what}`);
  }
}
