/**
 * What must be in the tables when a simulated life is over, by a model that shares no line with the
 * program: it knows what was given to the program (`Witness`), what truly happened (`Market`) and
 * what the rules of the schema say. A verdict is a list of complaints; none is the only good one.
 */
import type { Life } from '../simulate.ts';
import { judgeBars } from './bars.ts';
import { judgeConnects } from './connects.ts';
import { judgeGaps } from './gaps.ts';
import { judgeLedger } from './ledger.ts';
import { judgeQuotes } from './quotes.ts';
import { judgeTrades } from './trades.ts';

/** Of each kind of complaint; the first ones say enough. */
const MOST_TOLD = 5;

export const judge = (life: Life): readonly string[] =>
  [
    life.seen,
    judgeLedger(life),
    judgeTrades(life),
    judgeGaps(life),
    judgeBars(life),
    judgeQuotes(life),
    judgeConnects(life),
  ].flatMap((complaints) => complaints.slice(0, MOST_TOLD));
