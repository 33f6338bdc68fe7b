import type { Clock, Timer } from '../runtime/clock.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Output } from './context.ts';

const EVERY_MS = 500;
/** Rows that wait for the database are told from here on: below, they are on their way. */
const WORTH_SAYING = 1000;
const CLEAR_LINE = '\r\x1b[2K';

export type LiveLine = {
  /** Writes a log line above the live line. */
  readonly above: (text: string) => void;
  readonly stop: () => void;
};

/**
 * One line at the bottom of a terminal that tells how the pipeline is doing: trades a second, bars,
 * rows committed, how far the database is behind, and where to look.
 */
export const createLiveLine = (
  pipeline: Pipeline,
  clock: Clock,
  output: Output,
  look: string,
): LiveLine => {
  let shown = '';
  let last = { at: clock.now(), trades: 0 };
  const draw = (): void => {
    const now = clock.now();
    const trades = pipeline.ledger.rows.trade.decoded;
    const rate = ((trades - last.trades) * 1e6) / Math.max(1, now - last.at);
    last = { at: now, trades };
    shown = lineOf(pipeline, rate, look).slice(0, output.width - 1);
    output.write(CLEAR_LINE + shown);
  };
  const timer: Timer = clock.every(EVERY_MS, draw);
  return {
    above: (text) => output.write(CLEAR_LINE + text + shown),
    stop: () => {
      timer.cancel();
      draw();
      output.write('\n');
    },
  };
};

const lineOf = (pipeline: Pipeline, rate: number, look: string): string => {
  const { ledger, sinkStats } = pipeline;
  const committed = [...sinkStats.rowsCommitted.values()].reduce((sum, rows) => sum + rows, 0);
  const waiting = pipeline.waitingRows('trade') + pipeline.waitingRows('quote');
  const progress = progressOf(pipeline);
  return [
    `${number(rate)} trades/s`,
    `${number(ledger.rows.bar.decoded)} bars`,
    `${number(committed)} rows committed`,
    ...lagText(pipeline),
    ...(waiting > WORTH_SAYING ? [`${number(waiting)} waiting`] : []),
    ...(progress === undefined ? [] : [progress]),
    ...(look === '' ? [] : [look]),
  ].join(' · ');
};

/** Mean time from receipt to commit so far, as the histogram has it; nothing for recordings. */
const lagText = ({ sinkStats }: Pipeline): readonly string[] => {
  const { sum, count } = sinkStats.endToEnd;
  return count === 0 ? [] : [`lag ${((sum / count) * 1000).toFixed(0)} ms`];
};

const progressOf = (pipeline: Pipeline): string | undefined => {
  for (const source of pipeline.sources) {
    const { progress } = source.report();
    if (progress === undefined || progress.total === 0) continue;
    const share = Math.min(1, progress.done / progress.total);
    const filled = Math.round(share * 20);
    return `${'█'.repeat(filled)}${'░'.repeat(20 - filled)} ${(share * 100).toFixed(0)} %`;
  }
  return undefined;
};

const number = (value: number): string => Math.round(value).toLocaleString('en-US');
