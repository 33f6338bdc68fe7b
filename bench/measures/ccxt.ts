/**
 * ccxt.pro on Node with the same feed, for reference (beside d): parsing only, and stored through
 * postgres.js. Installed by npm into a temporary directory; skipped, and said so, where that fails.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { perSecond, startScript } from '../parts/contender.ts';
import { startFeed } from '../parts/feed.ts';
import type { Figure } from '../parts/figures.ts';
import { repeat, symbolCount, type Bench } from '../parts/plan.ts';

const packages = ['ccxt@4.5.84', 'postgres@3.4.9'];
/** Of what the others get: it is slower by more than that. */
const shareOfFrames = 0.2;

export const measureCcxt = async (bench: Bench): Promise<readonly Figure[]> => {
  const directory = mkdtempSync(join(tmpdir(), 'mdp-bench-ccxt-'));
  try {
    const command = await install(directory);
    if (command === undefined) {
      bench.say(`SKIPPED: ccxt needs node, npm and a registry that has ${packages.join(' and ')}`);
      return [];
    }
    return [
      await rate(bench, command, 'parsing only', []),
      await rate(bench, command, 'stored', [bench.database.url]),
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
};

/** The command that starts the script; undefined where it cannot be had. */
const install = async (directory: string): Promise<readonly string[] | undefined> => {
  const [node, npm] = [Bun.which('node'), Bun.which('npm')];
  if (node === null || npm === null) return undefined;
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const installed = Bun.spawnSync([npm, 'install', ...quiet, ...packages], {
    cwd: directory,
    stdout: 'ignore',
    stderr: 'ignore',
  });
  if (!installed.success) return undefined;
  await Bun.build({
    entrypoints: [join(import.meta.dir, '../ccxt-reference.ts')],
    outdir: directory,
    target: 'node',
    naming: '[name].mjs',
    external: ['ccxt', 'postgres'],
  });
  return [node, join(directory, 'ccxt-reference.mjs')];
};

const rate = async (
  bench: Bench,
  command: readonly string[],
  what: string,
  args: readonly string[],
): Promise<Figure> => {
  const feed = await startFeed();
  const script = await startScript(command, feed, symbolCount, args);
  try {
    const samples = await repeat(bench, `ccxt, ${what}`, async () => {
      await bench.database.empty('plain_trade');
      const run = await script.play(bench.plan.stored * shareOfFrames);
      return perSecond(run.trades, run);
    });
    return { id: `ccxt-${what}`, title: `ccxt.pro on Node, ${what}`, unit: '/s', samples };
  } finally {
    await script.close();
    await feed.close();
  }
};
