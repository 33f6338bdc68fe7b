import * as v from 'valibot';
import { expectOrder, tell, wallMs } from './messages.ts';

/**
 * Obeys `expectOrder`: the returned function counts what has come since the order, and tells when
 * it is all.
 */
export const answerExpectations = (): ((count: number) => void) => {
  let left = 0;
  process.on('message', (message: unknown) => {
    left = v.parse(expectOrder, message).count;
    tell({ kind: 'expecting' });
  });
  process.on('disconnect', () => process.exit(0));
  return (count) => {
    const before = left;
    left -= count;
    if (before > 0 && left <= 0) tell({ kind: 'reached', at: wallMs() });
  };
};
