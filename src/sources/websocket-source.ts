import { receiveTime } from '../market/time.ts';
import { createLines } from './lines.ts';
import type { WebSocketSourceParts, WebSocketSourceSettings } from './lines.ts';
import type { LineReport } from './line.ts';
import type { Source, SourcePhase, SourceReport, SymbolReport } from './source.ts';
import { noTraffic, trafficOf } from './traffic.ts';

export type { WebSocketSourceParts, WebSocketSourceSettings };

/** The phase of the whole is that of its worst line, in this order. */
const WORST_FIRST: readonly SourcePhase[] = [
  'backing_off',
  'mute',
  'connecting',
  'subscribing',
  'open',
];
/** A symbol on several lines is as well off as on the best of them. */
const BEST_FIRST: readonly SymbolReport['state'][] = [
  'subscribed',
  'unconfirmed',
  'pending',
  'refused',
];

/** A venue's live feed, as it can be changed while it runs. */
export interface WebSocketSource extends Omit<Source, 'revise'> {
  /** Throws `config`, before anything is changed, where the venue cannot fulfil the wish. */
  revise(settings: WebSocketSourceSettings): void;
}

/**
 * A venue's live feed: the venue's plan spread over lines, each kept connected for ever. Throws
 * `config` where the venue cannot fulfil the wish.
 */
export const createWebSocketSource = (
  settings: WebSocketSourceSettings,
  parts: WebSocketSourceParts,
): WebSocketSource => {
  const { venue, clock, intake } = parts;
  const { name } = settings;
  const traffic = noTraffic();
  const lines = createLines(settings, { ...parts, traffic });
  const created = receiveTime(clock.now());
  let begun = false;
  let stopping: Promise<void> | undefined;

  const stop = async (): Promise<void> => {
    await lines.stop();
    if (begun) intake.state(receiveTime(clock.now()), 0, 'ended');
  };

  return {
    name,
    venue: venue.id,
    start: () => {
      begun = true;
      intake.state(receiveTime(clock.now()), 0, 'started');
      lines.start();
    },
    stop: () => (stopping ??= stop()),
    revise: (next) => lines.revise(next),
    report: () => {
      const reports = lines.reports();
      return {
        name,
        venue: venue.id,
        ...phaseOf(reports, begun ? nothingToDo(created) : idle(created)),
        ...trafficOf(traffic),
        ...lines.counts,
        connectionsOpen: reports.reduce((open, report) => open + report.open, 0),
        /** As it is now, made when it is read: most readers of a report have no use for it. */
        get symbols() {
          return symbolsOf(reports);
        },
        progress: undefined,
      };
    },
  };
};

type PhaseReport = Pick<SourceReport, 'phase' | 'since' | 'reason'>;

const idle = (since: SourceReport['since']): PhaseReport => ({
  phase: 'idle',
  since,
  reason: undefined,
});

/** One of several processes may get none of a source's symbols as its share. */
const nothingToDo = (since: SourceReport['since']): PhaseReport => ({
  phase: 'open',
  since,
  reason: 'no symbol falls to this process',
});

const phaseOf = (reports: readonly LineReport[], withoutLines: PhaseReport): PhaseReport => {
  const [first] = reports;
  const worst = WORST_FIRST.map((phase) => reports.find((report) => report.phase === phase));
  const { phase, since, reason } =
    worst.find((report) => report !== undefined) ?? first ?? withoutLines;
  return { phase, since, reason };
};

const symbolsOf = (reports: readonly LineReport[]): readonly SymbolReport[] => {
  const [only] = reports;
  if (only !== undefined && reports.length === 1) return only.symbols;
  const best = new Map<string, SymbolReport>();
  for (const { symbols } of reports) {
    for (const report of symbols) {
      const known = best.get(report.symbol);
      const better =
        known === undefined || BEST_FIRST.indexOf(report.state) < BEST_FIRST.indexOf(known.state);
      if (better) best.set(report.symbol, report);
    }
  }
  return [...best.values()];
};
