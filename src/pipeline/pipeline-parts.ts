import type { DropPolicy } from '../journal/record-buffer.ts';
import type { OperatorsSettings } from '../operators/operator.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { DeliveringTracer } from '../runtime/spans.ts';
import type { Sink } from '../sinks/sink.ts';
import type { Venue } from '../venues/venue.ts';
import type { JournalPart } from './journal-part.ts';
import type { RecordingPart } from './recording-part.ts';
import type { Span, Store } from './rows.ts';
import type { Shard } from './shard.ts';
import type { BackpressurePolicy } from './sink-queue.ts';
import type { SourcePart } from './source-set.ts';

/** What a pipeline is made of. */
export type PipelineParts = {
  readonly settings: PipelineSettings;
  readonly sources: readonly SourcePart[];
  readonly sink: Sink;
  readonly venueOf: (id: string) => Venue | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Where positions begin without a journal; the same for the same input. */
  readonly start: number;
  /** undefined: records wait in memory, and a kill loses them. */
  readonly journal: JournalPart | undefined;
  /** Records of another journal, read from its beginning instead of what sources bring. */
  readonly recording?: RecordingPart | undefined;
  /** undefined: nobody traces. */
  readonly tracer?: DeliveringTracer | undefined;
};

export type PipelineSettings = {
  readonly batchSize: number;
  readonly flushMs: number;
  readonly maxBytes: number;
  readonly drainMs: number;
  readonly opQueueMax: number;
  readonly sinkQueueMax: number;
  readonly maxMemoryBytes: number;
  readonly dropPolicy: DropPolicy;
  readonly sinkWorkers: number;
  readonly backpressurePolicy: BackpressurePolicy;
  readonly maxMsgsPerSec: number;
  readonly burst: number;
  readonly store: Store;
  readonly shard: Shard;
  readonly operators: Pick<OperatorsSettings, 'validate' | 'bars' | 'epoch'>;
  /** Only rows of this time are stored. */
  readonly span?: Span | undefined;
};

/** How a run ended: what was left behind, all 0 when everything is committed. */
export type Outcome = { readonly frames: number; readonly rows: number };
