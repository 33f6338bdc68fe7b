import { MdpError } from '../runtime/errors.ts';
import { ok, warn, type Finding } from '../runtime/finding.ts';
import type { Recounted } from './gap-recount.ts';

const ABOUT = 'gaps';

/** Rows were to be changed and may not be, or who asks may not look. */
export type Refusal = { readonly isRefused: (error: MdpError) => boolean; readonly cure: string };

/**
 * Recounts, and says what came of it. That it may not or cannot is no fault of the program's: the
 * rows stay as they are.
 */
export const gapsFinding = async (
  recount: () => Promise<Recounted>,
  { isRefused, cure }: Refusal,
): Promise<Finding> => {
  try {
    return recountedFinding(await recount());
  } catch (error) {
    if (!(error instanceof MdpError)) throw error;
    if (error.code === 'locked') {
      const text = 'some hold trades that are stored, and who writes now has yet to tell';
      return ok(ABOUT, `${text}: ${error.message}`);
    }
    const text = isRefused(error) ? 'this role or user may not' : error.message;
    const hint = isRefused(error) ? cure : (error.hint ?? cure);
    return warn(ABOUT, `rows could not be held against the trades: ${text}`, hint);
  }
};

const recountedFinding = ({ unfilled, narrowed, filled }: Recounted): Finding => {
  if (unfilled === 0) return ok(ABOUT, 'no hole of trade ids is unfilled');
  const found = `${unfilled} unfilled holes of trade ids`;
  if (narrowed === 0) return ok(ABOUT, `${found}, none with trades that are stored by now`);
  const rest = `${narrowed - filled} more lack less`;
  return ok(ABOUT, `${found} recounted: ${filled} are filled by trades that are stored, ${rest}`);
};
