import { Checkpoints } from '../journal/checkpoint.ts';
import { listSegments } from '../journal/inspect.ts';
import type { MemoryShare, RecordBuffer } from '../journal/record-buffer.ts';
import { Recording } from '../journal/recording.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { contentOf } from './journal-part.ts';

/** A journal's records as the input of a pipeline. */
export type RecordingPart = {
  readonly read: (memory: MemoryShare) => RecordBuffer;
  /** The venue's id of every source, by name, as far as is known. */
  readonly venues: Readonly<Record<string, string>>;
  /** The venue of every other source, whose beginning is no longer recorded. */
  readonly venue: string | undefined;
};

type Around = { readonly clock: Clock; readonly log: Log };

/** Whether a directory holds a journal. */
export const holdsJournal = async (directory: string): Promise<boolean> => {
  try {
    return (await listSegments(directory)).length > 0;
  } catch {
    // Not there, a file, or not readable: whoever reads it as something else says so.
    return false;
  }
};

/**
 * The journal in a directory as the input of a replay. `venue`: of sources whose beginning is no
 * longer recorded, and that its checkpoint does not name either.
 */
export const openRecording = async (
  directory: string,
  venue: string | undefined,
  { clock, log }: Around,
): Promise<RecordingPart> => {
  const checkpoint = await new Checkpoints({ directory, clock, log }).load();
  const found = checkpoint === undefined ? undefined : contentOf(checkpoint.state, log);
  const onDamage = (position: number): void =>
    log.warn('A damaged place of the journal was passed over', { directory, position });
  const read = (memory: MemoryShare): Recording => new Recording(directory, memory, onDamage);
  return { read, venues: found?.venues ?? {}, venue };
};
