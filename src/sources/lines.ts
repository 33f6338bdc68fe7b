import type { ConnectionPlan, Subscription as Wish } from '../venues/venue.ts';
import { ConnectLimit } from './connect-limit.ts';
import type { ConnectionParts, ConnectionSettings } from './connection.ts';
import { Line } from './line.ts';
import type { LineCounts, LineReport } from './line.ts';
import { spread } from './spread.ts';

export type WebSocketSourceSettings = Omit<ConnectionSettings, 'url' | 'channels'> & {
  readonly name: string;
  readonly wish: Wish;
  /** Connections for the same symbols: 2 = either may die without a gap. */
  readonly copies: number;
};

export type WebSocketSourceParts = Omit<ConnectionParts, 'traffic' | 'patience'> & {
  readonly random: () => number;
};

type LinesParts = Omit<ConnectionParts, 'patience'> & Pick<WebSocketSourceParts, 'random'>;

/** The lines of a source: a wish spread over them, and spread anew when the wish changes. */
export interface Lines {
  readonly counts: LineCounts;
  start(): void;
  /** Throws `config`, before anything is changed, where the venue cannot fulfil the wish. */
  revise(settings: WebSocketSourceSettings): void;
  /** Resolves when no connection is left. Call once. */
  stop(): Promise<void>;
  reports(): readonly LineReport[];
}

/** The symbols that share a connection, and its lines: one, or one a copy. */
type Group = { plan: ConnectionPlan; lines: Line[] };

/** Throws `config` where the venue cannot fulfil the wish. */
export const createLines = (first: WebSocketSourceSettings, parts: LinesParts): Lines => {
  const { venue, clock } = parts;
  const counts: LineCounts = { connects: 0, disconnects: 0, reconnects: 0, mutes: 0 };
  const connects = new ConnectLimit(clock, venue.facts.maxConnectsPerMinute);
  let settings = first;
  let opened = 0;
  let begun = false;
  let leaving: Promise<unknown> = Promise.resolve();

  const plansOf = (wish: Wish): readonly ConnectionPlan[] =>
    wish.symbols.length === 0 ? [] : venue.plan(wish);
  const plansFor = (symbols: readonly string[]) => plansOf({ ...settings.wish, symbols });
  const newLine = (plan: ConnectionPlan): Line =>
    new Line(plan, {
      ...parts,
      counts,
      connects,
      settings: connectionOf(settings),
      frames: (symbols) => plansFor(symbols).flatMap(({ subscribe }) => subscribe),
      number: () => (opened += 1),
    });
  const newGroup = (plan: ConnectionPlan): Group => ({
    plan,
    lines: Array.from({ length: settings.copies }, () => newLine(plan)),
  });
  const leave = (lines: readonly Line[]): void => {
    leaving = Promise.all([leaving, ...lines.map((line) => line.stop())]);
  };
  let groups: readonly Group[] = plansOf(settings.wish).map(newGroup);

  /** The group under its new plan, with as many lines as there are to be copies. */
  const revised = (group: Group, plan: ConnectionPlan, anew: boolean): Group => {
    const stay = group.lines.slice(0, settings.copies);
    leave(group.lines.slice(settings.copies));
    for (const line of stay) line.revise(plan, anew ? connectionOf(settings) : undefined);
    const more = Array.from({ length: settings.copies - stay.length }, () => newLine(plan));
    if (begun) for (const line of more) line.start();
    return { plan, lines: [...stay, ...more] };
  };

  const revise = (next: WebSocketSourceSettings): void => {
    const wanted = plansOf(next.wish).flatMap(({ symbols }) => symbols);
    const anew = !sameButSymbols(settings, next);
    settings = next;
    const had = groups.map(({ plan }) => plan.symbols);
    const { kept, rest } = spread(had, wanted, venue.facts.maxSymbolsPerConnection);
    const stay = groups.flatMap((group, index) => {
      const [plan] = plansFor(kept[index] ?? []);
      if (plan === undefined) leave(group.lines);
      return plan === undefined ? [] : [revised(group, plan, anew)];
    });
    const fresh = plansFor(rest).map(newGroup);
    if (begun) for (const line of fresh.flatMap(({ lines }) => lines)) line.start();
    groups = [...stay, ...fresh];
  };

  return {
    counts,
    start: () => {
      begun = true;
      for (const line of groups.flatMap(({ lines }) => lines)) line.start();
    },
    revise,
    stop: async () => {
      leave(groups.flatMap(({ lines }) => lines));
      await leaving;
    },
    reports: () => groups.flatMap(({ lines }) => lines.map((line) => line.report())),
  };
};

const connectionOf = (settings: WebSocketSourceSettings) => {
  const { name: _name, wish, copies: _copies, ...connection } = settings;
  return { ...connection, channels: wish.channels };
};

/** Whether the two differ in their symbols, or the number of copies, at most. */
const sameButSymbols = (a: WebSocketSourceSettings, b: WebSocketSourceSettings): boolean => {
  const rest = ({ wish, ...others }: WebSocketSourceSettings): string =>
    JSON.stringify({ ...others, ...wish, copies: 0, symbols: [] });
  return rest(a) === rest(b);
};
