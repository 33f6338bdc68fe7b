/**
 * What the manifests allow: the executable as shipped, in a control group of half a core and
 * 512 MiB, takes 20,000 trades a second from a WebSocket into PostgreSQL, which runs outside the
 * group. It must keep up (everything is committed within a second of the last frame), drop nothing
 * and stay within its memory. The kernel counts.
 *
 *     ./scripts/dev.sh soak cgroup [SECONDS] [TRADES_PER_SECOND]
 */
import { makeControlGroup, type ControlGroup } from '../test/deploy/cgroup.ts';
import type { Run } from './parts/contender.ts';
import { Database } from './parts/database.ts';
import { startFeed } from './parts/feed.ts';
import { startExecutable, type Mdp } from './parts/mdp.ts';
import { symbolCount } from './parts/plan.ts';
import { peakMiB } from './parts/process.ts';

const MIB = 1024 ** 2;
const limits = { memoryBytes: 512 * MIB, cpus: 0.5 };
const late = 1;

const seconds = Number(process.argv[2] ?? 60);
const rate = Number(process.argv[3] ?? 20_000);

/** The journal and its policy as shipped, not as the benchmark has them. */
const shipped = { PIPELINE_DROP_POLICY: 'oldest' };

async function main(): Promise<boolean> {
  const group = makeControlGroup(limits);
  const database = await Database.start();
  const feed = await startFeed();
  const mdp = await startExecutable({
    feed,
    databaseUrl: database.url,
    symbols: symbolCount,
    environment: shipped,
    through: group.enter,
  });
  try {
    // What compiles and grows at first is not what a service does all day.
    await mdp.play(5 * rate, rate);
    const before = group.periods();
    const run = await mdp.play(seconds * rate, rate);
    await database.requireRows('mdp.trade', (seconds + 5) * rate);
    return report(run, mdp, group, before);
  } finally {
    await mdp.close();
    await feed.close();
    await database.close();
    group.remove();
  }
}

function report(
  run: Run,
  mdp: Mdp,
  group: ControlGroup,
  before: ReturnType<ControlGroup['periods']>,
): boolean {
  const { all, throttled } = group.periods();
  const waited = (100 * (throttled - before.throttled)) / Math.max(1, all - before.all);
  const overtime = run.seconds - run.trades / rate;
  const perTrade = (1e6 * run.cpuSeconds) / run.trades;
  const keepsUp = overtime <= late;
  process.stdout.write(
    [
      `${run.trades} trades at ${rate} a second in ${limits.cpus} cores and 512 MiB: all stored`,
      `committed ${overtime.toFixed(2)} s behind the last frame's time, bound ${late} s`,
      `CPU ${(run.cpuSeconds / run.seconds).toFixed(2)} cores, ${perTrade.toFixed(2)} µs a trade`,
      `waited for CPU in ${waited.toFixed(0)} % of the periods of 100 ms`,
      `resident ${peakMiB(mdp.pid).toFixed(0)} MiB at most; with the files' pages ` +
        `${(group.peakBytes() / MIB).toFixed(0)} MiB`,
      keepsUp ? 'pass' : 'FAIL',
      '',
    ].join('\n'),
  );
  return keepsUp;
}

process.exitCode = (await main()) ? 0 : 1;
