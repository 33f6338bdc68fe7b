import { receiveTime } from '../market/time.ts';
import { MdpError } from '../runtime/errors.ts';
import type { DeadLetter } from './sink.ts';

const STAGES = ['decode', 'validate', 'sink'] as const;

/** A stored dead letter from its columns; `micros` is its receive time. */
export const letterOf = (row: Readonly<Record<string, unknown>>, micros: number): DeadLetter => {
  const { payload, sqlstate } = row;
  const stage = STAGES.find((each) => each === row['stage']);
  if (stage === undefined || !(payload instanceof Uint8Array)) {
    throw new MdpError('input', 'a stored dead letter has another form than this program writes');
  }
  return {
    kind: 'dead_letter',
    position: BigInt(String(row['position'])),
    row: Number(row['row']),
    receiveTime: receiveTime(micros),
    source: String(row['source']),
    stage,
    reason: String(row['reason']),
    sqlstate: typeof sqlstate === 'string' ? sqlstate : undefined,
    payload,
  };
};
