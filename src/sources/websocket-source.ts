import { receiveTime } from '../market/time.ts';
import type { Subscription as Wish } from '../venues/venue.ts';
import { ConnectLimit } from './connect-limit.ts';
import type { ConnectionParts, ConnectionSettings } from './connection.ts';
import { noTraffic, trafficOf } from './traffic.ts';
import { Line } from './line.ts';
import type { LineCounts, LineReport } from './line.ts';
import type { Source, SourcePhase, SourceReport, SymbolReport } from './source.ts';

export type WebSocketSourceSettings = Omit<ConnectionSettings, 'url' | 'muteAtFirstMs'> & {
  readonly name: string;
  readonly wish: Wish;
  /** Connections for the same symbols: 2 = either may die without a gap. */
  readonly copies: number;
};

export type WebSocketSourceParts = Omit<ConnectionParts, 'traffic'> & {
  readonly random: () => number;
};

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

/**
 * A venue's live feed: the venue's plan spread over lines, each kept connected for ever. Throws
 * `config` where the venue cannot fulfil the wish.
 */
export const createWebSocketSource = (
  settings: WebSocketSourceSettings,
  parts: WebSocketSourceParts,
): Source => {
  const { venue, clock, intake } = parts;
  const { name, wish, copies, ...connection } = settings;
  const traffic = noTraffic();
  const counts: LineCounts = { connects: 0, disconnects: 0, reconnects: 0, mutes: 0 };
  const connects = new ConnectLimit(clock, venue.facts.maxConnectsPerMinute);
  let opened = 0;
  const plans = wish.symbols.length === 0 ? [] : venue.plan(wish);
  const lines = plans.flatMap((plan) =>
    Array.from(
      { length: copies },
      () =>
        new Line(plan, {
          ...parts,
          traffic,
          counts,
          connects,
          settings: connection,
          frames: (symbols) =>
            venue.plan({ ...wish, symbols }).flatMap(({ subscribe }) => subscribe),
          number: () => (opened += 1),
        }),
    ),
  );
  const created = receiveTime(clock.now());
  let begun = false;
  let stopping: Promise<void> | undefined;

  const stop = async (): Promise<void> => {
    await Promise.all(lines.map((line) => line.stop()));
    if (begun) intake.state(receiveTime(clock.now()), 0, 'ended');
  };

  return {
    name,
    venue: venue.id,
    start: () => {
      begun = true;
      intake.state(receiveTime(clock.now()), 0, 'started');
      for (const line of lines) line.start();
    },
    stop: () => (stopping ??= stop()),
    report: () => {
      const reports = lines.map((line) => line.report());
      return {
        name,
        venue: venue.id,
        ...phaseOf(reports, begun ? nothingToDo(created) : idle(created)),
        ...trafficOf(traffic),
        ...counts,
        connectionsOpen: reports.reduce((open, report) => open + report.open, 0),
        symbols: symbolsOf(reports),
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
  const best = new Map<string, SymbolReport>();
  for (const report of reports.flatMap(({ symbols }) => symbols)) {
    const known = best.get(report.symbol);
    const better =
      known === undefined || BEST_FIRST.indexOf(report.state) < BEST_FIRST.indexOf(known.state);
    if (better) best.set(report.symbol, report);
  }
  return [...best.values()];
};
