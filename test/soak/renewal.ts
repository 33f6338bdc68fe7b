/**
 * A million frames over connections that are renewed every simulated minute, and a million over two
 * connections of which one is dropped again and again: no trade is lost or doubled.
 *
 *     ./scripts/dev.sh soak renewal [FRAMES] [SEED]
 */
import { renewals, twins } from '../simulator/lives.ts';
import { live } from '../simulator/simulate.ts';
import { judgeUnbroken } from '../simulator/verdict/unbroken.ts';
import { judge } from '../simulator/verdict/verdict.ts';

const FRAMES = 1_000_000;

const [frames = FRAMES, seed = 1] = Bun.argv.slice(2).map(Number);
let failed = false;
for (const [name, scenario] of [
  ['renewed', renewals(seed, 'binance', frames)],
  ['twins', twins(seed, 'binance', frames)],
] as const) {
  const began = performance.now();
  const life = await live(scenario, { lookEveryMs: 60_000 });
  const complaints = [...judge(life), ...judgeUnbroken(life)];
  const { committed, duplicates } = life.pipeline.ledger.rows.trade;
  const { connects = 0 } = life.pipeline.sources[0]?.report() ?? {};
  console.log(
    `${name}: ${life.witness.frames} frames over ${connects} connections, ` +
      `${committed} trades stored, ${duplicates} copies, ` +
      `${Math.round(performance.now() - began)} ms`,
  );
  for (const complaint of complaints) console.log(`  ${complaint}`);
  failed ||= complaints.length > 0;
}
process.exitCode = failed ? 1 : 0;
