import * as v from 'valibot';
import type { Config } from '../config/config.ts';
import { Checkpoints } from '../journal/checkpoint.ts';
import type { Disk } from '../journal/disk.ts';
import type { Journal } from '../journal/journal.ts';
import { openJournal } from '../journal/open.ts';
import type { Mark } from '../journal/record-buffer.ts';
import type { OperatorsState } from '../operators/operator.ts';
import type { Clock } from '../runtime/clock.ts';
import type { FileLock } from '../runtime/file-lock.ts';
import type { Log } from '../runtime/log.ts';
import type { CheckpointContent, CheckpointStore } from './checkpointer.ts';
import { MemoryBudget } from './memory.ts';

/** The journal, opened where the checkpoint that was found says, and what it shares. */
export type JournalPart = {
  readonly journal: Journal;
  readonly store: CheckpointStore;
  /** What the checkpoint held; undefined where there is none, or none that this program reads. */
  readonly found: CheckpointContent | undefined;
  readonly memory: MemoryBudget;
  readonly drops: Drops;
};

/** Who listens to frames being given up: the journal is open before the pipeline is built. */
export class Drops {
  #listener: (source: string, count: number) => void = () => undefined;

  listen(listener: (source: string, count: number) => void): void {
    this.#listener = listener;
  }

  tell(source: string, count: number): void {
    this.#listener(source, count);
  }
}

type Around = {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Default: the system's. */
  readonly disk?: Disk;
  /** Default: `flock`. */
  readonly lock?: (path: string) => FileLock;
};

/**
 * Opens the journal of the configuration; undefined where it is switched off. Throws `MdpError`:
 * `locked` when another process has it, `disk` when its directory cannot be used.
 */
export const openJournalPart = async (
  config: Config,
  around: Around,
): Promise<JournalPart | undefined> => {
  const { enabled, dir: directory, ...settings } = config.journal;
  if (!enabled) return undefined;
  const checkpoints = new Checkpoints({ directory, ...around });
  const loaded = await checkpoints.load();
  const found = loaded === undefined ? undefined : contentOf(loaded.state, around.log);
  const memory = new MemoryBudget(config.queues.maxMemoryBytes);
  const drops = new Drops();
  const journal = await openJournal({
    directory,
    fsyncMs: settings.fsyncMs,
    maxBytes: settings.maxBytes,
    minFreeBytes: settings.minFreeBytes,
    retainMs: settings.retain,
    policy: config.queues.dropPolicy,
    maxBlocks: config.queues.opQueueMax,
    memory,
    from: loaded?.mark,
    onDrop: (source, count) => drops.tell(source, count),
    ...around,
  });
  return { journal, store: storeOf(journal, checkpoints), found, memory, drops };
};

const storeOf = (journal: Journal, checkpoints: Checkpoints): CheckpointStore => ({
  persist: (position, signal) => journal.persist(position, signal),
  save: (mark: Mark, content) => checkpoints.publish(mark, content),
  settle: (position) => journal.settle(position),
  get wantsSettling() {
    return journal.wantsSettling;
  },
});

const content = v.object({
  version: v.literal(1),
  operators: v.custom<OperatorsState>((state) => typeof state === 'object' && state !== null),
  counters: v.record(v.string(), v.number()),
  writer: v.string(),
  venues: v.record(v.string(), v.string()),
});

/**
 * A checkpoint of another form is not used: its records are read again, without what came before.
 */
export const contentOf = (state: unknown, log: Log): CheckpointContent | undefined => {
  const parsed = v.safeParse(content, state);
  if (parsed.success) return parsed.output;
  log.error('The checkpoint has a form that this program does not read: it is not used');
  return undefined;
};
