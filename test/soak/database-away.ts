/**
 * PostgreSQL away while 20,000 trades a second come in, with the deployment guide's batch, queue
 * and worker sizes and pacing 0: once with both policies `block`, once with the guide's own.
 *
 *     ./scripts/dev.sh soak database-away [SECONDS] [TRADES_PER_SECOND] [block|guide]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { symbolsOf } from '../../bench/feed/dialects.ts';
import { startFeed, type Feed, type Played } from '../../bench/parts/feed.ts';
import { peakMiB, residentMiB } from '../../bench/parts/process.ts';
import { startMdp, until, type Environment, type Running, type Status } from '../e2e/mdp.ts';
import { execute, PrivateServer } from '../postgres/server.ts';

export type AwayOptions = {
  readonly seconds: number;
  readonly rate: number;
  readonly policies: 'block' | 'guide';
  /** Trades a second at which the backlog must be committed under `block`. */
  readonly leastPerSecond: number;
};

export type AwayReport = {
  readonly sent: number;
  readonly stored: number;
  /** Trades that were given up, by the ledger. */
  readonly dropped: number;
  /** Trades that gap rows of reason `dropped` miss. */
  readonly missing: number;
  /** Those rows: as few as hold it, not one an instrument and batch. */
  readonly droppedGaps: number;
  readonly otherGaps: number;
  readonly balanced: boolean;
  /** Of the program, from its start to the end of the drain. */
  readonly peakMiB: number;
  readonly residentMiB: readonly number[];
  /** Trades that waited when the database came back, and how fast they were committed. */
  readonly backlog: number;
  readonly drainedPerSecond: number;
};

/** Of the guide's environment; the policies are those of its own, or `block`. */
const SIZES: Environment = {
  PIPELINE_BATCH_SIZE: '1000',
  PIPELINE_FLUSH_MS: '50',
  PIPELINE_MAX_BYTES: '1048576',
  PIPELINE_OP_QUEUE_MAX: '16',
  PIPELINE_SINK_WORKERS: '4',
  PIPELINE_SINK_QUEUE_MAX: '200',
  PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: '0',
};
const POLICIES: Readonly<Record<AwayOptions['policies'], Environment>> = {
  block: { PIPELINE_DROP_POLICY: 'block', PIPELINE_SINK_BACKPRESSURE_POLICY: 'block' },
  guide: { PIPELINE_DROP_POLICY: 'newest', PIPELINE_SINK_BACKPRESSURE_POLICY: 'drop_oldest' },
};
export const LEAST_PER_SECOND = 60_000;
const SYMBOLS = 20;
/** Holes of dropped trades end where a row is on its way: at a checkpoint, and at the end. */
const MOST_GAPS = SYMBOLS * 10;
/** As a server is set up that is to keep what it is given. */
const SERVER = { fsync: 'on', shared_buffers: '256MB', max_wal_size: '4GB' };
/** Trades go in before the database goes. */
const BEFORE_MS = 2000;
const SAMPLE_MS = 250;
const LONGEST_DRAIN_MS = 1_800_000;

export const databaseAway = async (options: AwayOptions): Promise<AwayReport> => {
  const server = await PrivateServer.start({ settings: SERVER });
  const feed = await startFeed();
  const directory = mkdtempSync(join(tmpdir(), 'mdp-away-'));
  try {
    return await away(options, server, feed, directory);
  } finally {
    await feed.close();
    await server.remove();
    rmSync(directory, { recursive: true });
  }
};

const away = async (
  options: AwayOptions,
  server: PrivateServer,
  feed: Feed,
  directory: string,
): Promise<AwayReport> => {
  const run = await start(server, feed, directory, POLICIES[options.policies]);
  const samples: number[] = [];
  const sampling = setInterval(() => samples.push(residentMiB(run.pid)), SAMPLE_MS);
  try {
    return await outage(options, { run, server, feed, samples, sampling });
  } finally {
    clearInterval(sampling);
    run.signal('SIGKILL');
  }
};

type Stage = {
  readonly run: Running;
  readonly server: PrivateServer;
  readonly feed: Feed;
  readonly samples: readonly number[];
  readonly sampling: Timer;
};

const outage = async (
  { seconds, rate }: AwayOptions,
  { run, server, feed, samples, sampling }: Stage,
): Promise<AwayReport> => {
  const playing = feed.play(Math.round((seconds + BEFORE_MS / 1000) * rate), rate);
  await Bun.sleep(BEFORE_MS);
  await until(
    () => run.status(),
    (now) => committed(now) > 0,
  );
  await server.stop();
  const played = await playing;
  const waiting = played.trades - committed(await run.status());
  await server.start();
  const drained = await drain(run, played);
  clearInterval(sampling);
  const peak = peakMiB(run.pid);
  const { ledger } = drained.status;
  if ((await run.stop()) !== 0) throw new Error(`it did not drain:\n${run.log()}`);
  return {
    ...(await storedIn(server)),
    sent: played.trades,
    dropped: (ledger.rows['trade']?.['dropped'] ?? 0) + (ledger.frames['dropped'] ?? 0),
    balanced: ledger.balanced,
    peakMiB: peak,
    residentMiB: samples,
    backlog: waiting,
    drainedPerSecond: drained.perSecond,
  };
};

const start = async (
  server: PrivateServer,
  feed: Feed,
  directory: string,
  policies: Environment,
): Promise<Running> => {
  const source = {
    type: feed.venue,
    url: feed.url,
    channels: ['trades'],
    symbols: symbolsOf(feed.venue, SYMBOLS, 0),
  };
  writeFileSync(join(directory, 'config.yaml'), JSON.stringify({ sources: [source] }));
  const run = await startMdp(directory, { DATABASE_URL: server.url(), ...SIZES, ...policies });
  await feed.subscribed(SYMBOLS);
  return run;
};

const committed = ({ ledger }: Status): number => ledger.rows['trade']?.['committed'] ?? 0;

type Drained = { readonly status: Status; readonly perSecond: number };

/** Until nothing waits any more: how fast, from the first commit after the return. */
const drain = async (run: Running, played: Played): Promise<Drained> => {
  const before = await run.status();
  const began = await until(
    async () => ({ at: performance.now(), status: await run.status() }),
    ({ status }) => committed(status) > committed(before),
    LONGEST_DRAIN_MS,
  );
  const ended = await until(
    async () => ({ at: performance.now(), status: await run.status() }),
    ({ status }) => isThrough(status, played),
    LONGEST_DRAIN_MS,
  );
  const trades = committed(ended.status) - committed(began.status);
  return { status: ended.status, perSecond: trades / ((ended.at - began.at) / 1000) };
};

const isThrough = ({ ledger }: Status, { frames }: Played): boolean => {
  const { received = 0, unread = 0 } = ledger.frames;
  const waiting = Object.values(ledger.rows).some((row) => (row['in_flight'] ?? 0) > 0);
  return received >= frames && unread === 0 && !waiting;
};

const storedIn = async (
  server: PrivateServer,
): Promise<Pick<AwayReport, 'stored' | 'missing' | 'droppedGaps' | 'otherGaps'>> => {
  const [trades] = await execute(server.url(), 'select count(*)::int as n from mdp.trades');
  const [gaps] = await execute(
    server.url(),
    `select coalesce(sum(missing) filter (where reason = 'dropped'), 0)::int as missing,
       count(*) filter (where reason = 'dropped')::int as dropped,
       count(*) filter (where reason <> 'dropped')::int as others from mdp.gaps`,
  );
  return {
    stored: Number(trades?.['n']),
    missing: Number(gaps?.['missing']),
    droppedGaps: Number(gaps?.['dropped']),
    otherGaps: Number(gaps?.['others']),
  };
};

/** What is asked of it; empty = all is met. */
export const complaintsAbout = (
  { policies, leastPerSecond }: AwayOptions,
  report: AwayReport,
): readonly string[] => {
  const { sent, stored, dropped, missing, droppedGaps, otherGaps } = report;
  const { balanced, backlog, drainedPerSecond } = report;
  const met: readonly (readonly [boolean, string])[] = [
    [balanced, 'the ledger does not balance'],
    [stored + dropped === sent, `${stored} stored and ${dropped} dropped of ${sent}`],
    [missing === dropped, `gap rows miss ${missing} trades of ${dropped} dropped`],
    [droppedGaps <= MOST_GAPS, `${droppedGaps} gap rows tell of what was dropped`],
    [otherGaps === 0, `${otherGaps} gaps of another reason`],
    [report.peakMiB < 256, `${report.peakMiB.toFixed(0)} MiB were resident`],
    [policies !== 'block' || dropped === 0, `${dropped} dropped under block`],
    [policies !== 'block' || backlog > 0, 'nothing waited'],
    [
      policies !== 'block' || drainedPerSecond >= leastPerSecond,
      `committed ${drainedPerSecond.toFixed(0)} trades/s afterwards`,
    ],
    [policies !== 'guide' || dropped > 0, 'nothing was dropped'],
  ];
  return met.filter(([isMet]) => !isMet).map(([, complaint]) => complaint);
};

const main = async (): Promise<void> => {
  const [seconds = 600, rate = 20_000] = Bun.argv.slice(2, 4).map(Number);
  const only = Bun.argv[4];
  for (const policies of ['block', 'guide'] as const) {
    if (only !== undefined && only !== policies) continue;
    const options = { seconds, rate, policies, leastPerSecond: LEAST_PER_SECOND };
    const report = await databaseAway(options);
    const complaints = complaintsAbout(options, report);
    if (complaints.length > 0) process.exitCode = 1;
    const every = Math.ceil(report.residentMiB.length / 12);
    const curve = report.residentMiB
      .filter((_, at) => at % every === 0)
      .map((each) => each.toFixed(0));
    console.log(
      [
        `${policies}: away ${seconds} s at ${rate} trades/s`,
        `  ${report.sent} sent, ${report.stored} stored`,
        `  ${report.dropped} dropped, in ${report.droppedGaps} gap rows`,
        `  peak ${report.peakMiB.toFixed(1)} MiB: ${curve.join(' ')}`,
        `  ${report.backlog} waited, committed at ${report.drainedPerSecond.toFixed(0)} trades/s`,
        ...complaints.map((complaint) => `  FAIL: ${complaint}`),
      ].join('\n'),
    );
  }
};

if (import.meta.main) await main();
