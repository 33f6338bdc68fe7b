/** From the start of the process to the first committed row: synthetic market, SQLite, no file. */
import { inDirectory, startMdp, until } from '../../test/e2e/mdp.ts';
import type { Figure } from '../parts/figures.ts';
import { repeat, type Bench } from '../parts/plan.ts';

export const measureStartup = async (bench: Bench): Promise<readonly Figure[]> => {
  const samples = await repeat(bench, 'starting', () => inDirectory(firstRow));
  return [{ id: 'startup', title: 'start → first row (synthetic, SQLite)', unit: 's', samples }];
};

const firstRow = async (directory: string): Promise<number> => {
  const began = performance.now();
  const running = await startMdp(directory);
  await until(
    () => running.status(),
    ({ ledger }) => (ledger.rows['trade']?.['committed'] ?? 0) > 0,
  );
  const seconds = (performance.now() - began) / 1000;
  await running.stop();
  return seconds;
};
