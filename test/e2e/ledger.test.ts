import { expect, test } from 'bun:test';
import { inDirectory, mdp, startMdp, until } from './mdp.ts';

const QUIET = { PIPELINE_SOURCES: '[{"type":"synthetic","rate":2000}]' };

const committed = async (run: Awaited<ReturnType<typeof startMdp>>): Promise<number> =>
  (await run.status()).ledger.rows['trade']?.['committed'] ?? 0;

/** What `mdp doctor` says of the ledger. */
const account = async (directory: string, environment = {}): Promise<string> => {
  const { stdout } = await mdp(directory, ['doctor'], { ...QUIET, ...environment });
  return stdout.split('\n').find((line) => line.includes('ledger:')) ?? stdout;
};

test(
  'the ledger of a drained run balances with the trades stored, over a kill and a restart',
  () =>
    inDirectory(async (directory) => {
      const first = await startMdp(directory, QUIET);
      await until(
        () => committed(first),
        (count) => count > 12_000,
      );
      first.signal('SIGKILL');
      await first.exited;
      expect(await account(directory)).toMatch(/ok +ledger: \d+ trades stored.*was killed/);
      const second = await startMdp(directory, QUIET);
      await until(
        () => committed(second),
        (count) => count > 14_000,
      );
      expect(await second.stop()).toBe(0);
      expect(await account(directory)).toMatch(/ok +ledger: \d{5,} trades stored.*it balances/);
      const retention = { PIPELINE_DATABASE_RETENTION: '30d' };
      expect(await account(directory, retention)).toContain('database.retention');
    }),
  60_000,
);
