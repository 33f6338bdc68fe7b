import { expect, test } from 'bun:test';
import { createTestDatabase } from '../postgres/database.ts';
import { binanceAck, startFeed } from './feed.ts';
import { inDirectory, mdp, startMdp, until } from './mdp.ts';

const ROWS = 5000;
const POISON = 2345;

const frameOf = (id: number): string => {
  const now = Date.now();
  const price = id === POISON ? '666.6' : '60000.5';
  const trade = { e: 'trade', E: now, s: 'BTCUSDT', t: id, p: price, q: '0.01', T: now, m: true };
  return JSON.stringify({ stream: 'btcusdt@trade', data: trade });
};

test('a row that PostgreSQL refuses becomes a dead letter, and its 4,999 neighbours rows', () =>
  inDirectory(async (directory) => {
    const database = await createTestDatabase();
    const env = { DATABASE_URL: database.url };
    expect((await mdp(directory, ['migrate'], env)).code).toBe(0);
    await database.query('alter table mdp.trade add constraint sound check (price <> 666.6)');
    const frames = Array.from({ length: ROWS }, (_, n) => frameOf(n + 1));
    const feed = startFeed({ frames, acknowledge: binanceAck });
    const source = { type: 'binance', symbols: ['BTCUSDT'], channels: ['trades'], url: feed.url };
    const run = await startMdp(directory, {
      ...env,
      PIPELINE_SOURCES: JSON.stringify([source]),
      PIPELINE_FLUSH_MS: '1000',
    });
    const { ledger } = await until(
      () => run.status(),
      (seen) => (seen.ledger.rows['trade']?.['committed'] ?? 0) === ROWS - 1,
    );
    expect(ledger.rows['trade']?.['deadLettered']).toBe(1);
    expect(ledger.rows['dead_letter']?.['committed']).toBe(1);
    const metrics = await (await run.get('/metrics')).text();
    expect(metrics).toContain('mdp_dead_letters_total{reason="constraint_violation"} 1');
    // Nothing waits, and the memory of its rows is there for the next ones.
    expect(metrics).toMatch(/^mdp_memory_spare_bytes [1-9]/m);
    expect(await run.stop()).toBe(0);
    await feed.stop();
    const letters = await database.query(
      `select stage, reason, sqlstate, convert_from(payload, 'utf8') as payload
       from mdp.dead_letter`,
    );
    expect(letters).toMatchObject([{ stage: 'sink', sqlstate: '23514' }]);
    expect(String(letters[0]?.['payload'])).toContain('666.6');
    expect(run.log()).not.toContain('666.6');
    await database.drop();
  }));
