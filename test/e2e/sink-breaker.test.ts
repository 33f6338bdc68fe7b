import { expect, test } from 'bun:test';
import { inDirectory, startMdp, until } from './mdp.ts';

/** A port on which nothing listens. */
const AWAY = {
  DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nowhere',
  PIPELINE_SOURCES: JSON.stringify([{ type: 'synthetic' }]),
  PIPELINE_SINK_WORKERS: '4',
  PIPELINE_DRAIN_MS: '200',
};

test(
  'the breaker opens while the database is away, and shows',
  () =>
    inDirectory(async (directory) => {
      const run = await startMdp(directory, AWAY);
      const state = async (): Promise<number> => {
        const text = await (await run.get('/metrics')).text();
        return Number(/^mdp_sink_breaker_state\{sink="postgres"\} (\d)$/m.exec(text)?.[1]);
      };
      await until(state, (value) => value === 2);
      expect(await (await run.get('/status')).json()).toMatchObject({
        sink: { up: false, breaker: { openings: 1 } },
      });
      expect(run.log().split('one worker asks for all').length).toBe(2);
      run.signal('SIGTERM');
      run.signal('SIGTERM');
      expect(await run.exited).toBe(3);
    }),
  30_000,
);
