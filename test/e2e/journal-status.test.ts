import { expect, test } from 'bun:test';
import { inDirectory, startMdp, until, type Running } from './mdp.ts';

const metric = async (run: Running, name: string): Promise<number> => {
  const lines = (await (await run.get('/metrics')).text()).split('\n');
  const line = lines.find((one) => one.startsWith(`${name} `));
  return line === undefined ? Number.NaN : Number(line.slice(name.length));
};

test(
  'the journal tells its bytes, lag, checkpoints and the hours that are left',
  () =>
    inDirectory(async (directory) => {
      const run = await startMdp(directory);
      const checkpoints = await until(
        () => metric(run, 'mdp_checkpoints_total'),
        (count) => count > 0,
      );
      expect(checkpoints).toBe(1);
      expect(await metric(run, 'mdp_journal_bytes')).toBeGreaterThan(1000);
      expect(await metric(run, 'mdp_journal_lag_bytes')).toBeLessThan(1_000_000);
      expect(await metric(run, 'mdp_journal_lag_seconds')).toBeLessThan(5);
      expect(await metric(run, 'mdp_checkpoint_age_seconds')).toBeLessThan(5);
      expect(await metric(run, 'mdp_journal_dropped_frames_total')).toBe(0);
      expect(await metric(run, 'mdp_journal_state{state="writing"}')).toBe(1);
      const number: unknown = expect.any(Number);
      expect(await (await run.get('/status')).json()).toMatchObject({
        journal: {
          state: 'writing',
          errno: null,
          bytes: number,
          hours_left: number,
          recovering: false,
          damaged: 0,
        },
      });
      expect(await run.stop()).toBe(0);
    }),
  30_000,
);

test('without a journal there are no series of one, and status says null', () =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory, { PIPELINE_JOURNAL_ENABLED: 'false' });
    expect(await metric(run, 'mdp_journal_bytes')).toBeNaN();
    const status = await (await run.get('/status')).json();
    expect(status).toMatchObject({ journal: null });
    expect(await run.stop()).toBe(0);
  }));
