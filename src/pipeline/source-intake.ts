import type { DropPolicy, RecordBuffer } from '../journal/record-buffer.ts';
import type { Intake, UnreadReason } from '../sources/source.ts';
import type { Ledger } from './ledger.ts';

export type SourceIntakeOptions = {
  readonly source: string;
  /**
   * The venue's id: `started` names it, so that the records can be read without a configuration.
   */
  readonly venue: string;
  /** The source can be read again (replay): it always waits for room, whatever the policy. */
  readonly rereadable: boolean;
  readonly policy: DropPolicy;
  readonly queue: RecordBuffer;
  readonly ledger: Ledger;
  /** The source itself gave a frame up. */
  readonly onDrop: (reason: UnreadReason) => void;
};

/** One source's way into the record queue: stamps the source's name, counts what is received. */
export const createSourceIntake = (options: SourceIntakeOptions): Intake => {
  const { source, venue, queue, ledger } = options;
  const waits = options.rereadable || options.policy === 'block';
  return {
    frame(receiveTime, connection, text) {
      ledger.frames.received += 1;
      queue.push({ kind: 'frame', receiveTime, source, connection, text });
    },
    frameBatch(receiveTime, connection, texts) {
      ledger.frames.received += texts.length;
      queue.pushFrames(
        texts.map((text) => ({ kind: 'frame', receiveTime, source, connection, text })),
      );
    },
    tick(receiveTime, connection, arrival) {
      queue.push({ kind: 'tick', receiveTime, source, connection, arrival });
    },
    state(receiveTime, connection, state, given = []) {
      const symbols = state === 'started' ? [venue] : given;
      queue.push({ kind: 'state', receiveTime, source, connection, state, symbols, count: 0 });
    },
    dropped(receiveTime, connection, reason) {
      ledger.frames.received += 1;
      options.onDrop(reason);
      const what = { state: 'dropped', symbols: [reason], count: 1 } as const;
      queue.push({ kind: 'state', receiveTime, source, connection, ...what });
    },
    get full() {
      return waits && queue.full;
    },
    async room(signal) {
      while (waits && queue.full && !signal.aborted) await queue.emptied(signal);
    },
  };
};
