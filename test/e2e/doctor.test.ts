/** What `mdp doctor` finds, where all is well and where it is not. */
import { expect, test } from 'bun:test';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { binanceAck, startFeed } from './feed.ts';
import { startMarket } from './market.ts';
import { examined, listeningTo } from './examined.ts';
import { inDirectory, mdp, startMdp, until } from './mdp.ts';

test('finds nothing wrong where all is well, and leaves nothing behind', () =>
  inDirectory(async (directory) => {
    const market = startMarket(['AAA', 'BBB']);
    const source = { type: 'binance', symbols: ['AAA', 'BBB'], channels: ['trades'] };
    const found = await examined(directory, listeningTo({ ...source, url: market.url }));
    expect(found.unwell).toEqual([]);
    expect(found.text).toContain('configuration ok');
    expect(found.text).toContain('open files ok');
    expect(found.text).toMatch(/container ok: \d+ MiB of memory allowed/);
    expect(found.text).toContain('http ok: http.port is 0: a free port is taken at the start');
    expect(found.text).toMatch(/disk \(journal\) \w+: 4 MiB and a sync take .* MiB\/s/);
    expect(found.text).toMatch(/disk \(journal\) \w+: a sync takes \d/);
    expect(found.text).toMatch(/source binance ok: ws:\S+ opened in \d+ ms/);
    expect(found.text).toContain('source binance ok: 2 of 2 symbols subscribed, 2 heard');
    expect(found.text).toMatch(/source binance ok: the venue's freshest time is \d+ ms/);
    expect(readdirSync(directory)).toEqual([]);
    await market.stop();
  }));

const krakenRequest = v.object({
  req_id: v.number(),
  params: v.object({ channel: v.string(), symbol: v.array(v.string()) }),
});

/** Answers for one symbol as Kraken does, and refuses what it does not know. */
const krakenAnswer = (request: string): string => {
  const { req_id, params } = v.parse(krakenRequest, JSON.parse(request));
  const [symbol = ''] = params.symbol;
  const answer = symbol.startsWith('BTC')
    ? { success: true, result: { channel: params.channel, symbol, snapshot: true } }
    : { success: false, symbol, error: `Currency pair not supported ${symbol}` };
  return JSON.stringify({ method: 'subscribe', req_id, ...answer });
};

test('names the symbol that a venue refuses, and tells the time by its HTTP server', () =>
  inDirectory(async (directory) => {
    const feed = startFeed({ frames: [], acknowledge: krakenAnswer });
    const source = { type: 'kraken', channels: ['trades'], url: feed.url };
    const found = await examined(
      directory,
      listeningTo(
        { ...source, name: 'right', symbols: ['BTC/USD'] },
        { ...source, name: 'wrong', symbols: ['NO/NE'] },
      ),
    );
    expect(found.status).toBe('fail');
    expect(found.text).toContain('source wrong fail: the venue refuses NO/NE: Currency pair not');
    expect(found.text).toContain('source wrong ok: 0 of 1 symbols subscribed');
    expect(found.text).toContain('source right ok: 1 of 1 symbols subscribed, 0 heard');
    expect(found.text).toMatch(/source right ok: the venue's freshest time is/);
    await feed.stop();
  }));

test('warns of names that a venue takes without knowing them, or does not answer for', () =>
  inDirectory(async (directory) => {
    const market = startMarket(['AAA']);
    const mute = startFeed({ frames: [], acknowledge: () => undefined });
    const source = { type: 'binance', channels: ['trades'] };
    const found = await examined(
      directory,
      listeningTo(
        { ...source, name: 'typo', symbols: ['AAA', 'AAAA'], url: market.url },
        { ...source, name: 'mute', symbols: ['AAA'], url: mute.url },
      ),
    );
    expect(found.status).toBe('warn');
    expect(found.text).toContain('source typo warn: nothing came for AAAA within 3 s');
    expect(found.text).toContain('source mute warn: the venue did not answer for AAA');
    await Promise.all([market.stop(), mute.stop()]);
  }));

test.each([
  [3_600_000, 'fail', 'ahead of ours: trades would be refused'],
  [-1_800_000, 'fail', 'behind ours: trades would be in no bar'],
  [10_000, 'warn', 'ahead of ours'],
  [-10_000, 'warn', 'behind ours'],
])('tells a venue whose clock is %p ms from ours: %s', (awayMs, status, fate) =>
  inDirectory(async (directory) => {
    const time = Date.now() + awayMs;
    const data = { e: 'trade', E: time, s: 'AAA', t: 1, p: '1', q: '1', T: time, m: false };
    const frames = [JSON.stringify({ stream: 'aaa@trade', data })];
    const feed = startFeed({ frames, acknowledge: binanceAck });
    const source = { type: 'binance', symbols: ['AAA'], channels: ['trades'], url: feed.url };
    const found = await examined(directory, listeningTo(source));
    expect(found.text).toMatch(new RegExp(`source binance ${status}: .* ${fate}`));
    await feed.stop();
  }),
);

test('tells what cannot be reached: a closed port, a directory behind a file, a database', () =>
  inDirectory(async (directory) => {
    const closed = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
    const { port } = closed;
    await closed.stop(true);
    writeFileSync(join(directory, 'file'), '');
    const found = await examined(directory, {
      ...listeningTo({ type: 'coinbase', symbols: ['BTC-USD'], url: `ws://127.0.0.1:${port}` }),
      PIPELINE_JOURNAL_DIR: './file/journal',
      DATABASE_URL: `postgres://mdp:secret@127.0.0.1:${port}/mdp`,
    });
    expect(found.text).toContain(`source coinbase fail: ws://127.0.0.1:${port}/ does not open`);
    expect(found.text).toContain('disk (journal) fail: ./file/journal cannot be written (ENOTDIR');
    expect(found.text).toContain(
      'database fail: the connection to PostgreSQL failed: ECONNREFUSED',
    );
    expect(found.text).not.toContain('secret');
  }));

test('tells what is wrong or unwise in the configuration, and looks at the rest as well', () =>
  inDirectory(async (directory) => {
    const bad = await mdp(directory, ['doctor'], { PIPELINE_BATCH_SIZE: 'many' });
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(/^fail {2}configuration: PIPELINE_BATCH_SIZE: pipeline\.batch_size/);
    const unwise = await examined(directory, { PIPELINE_SINK_BACKPRESSURE_POLICY: 'drop_oldest' });
    expect(unwise.status).toBe('warn');
    expect(unwise.text).toContain('configuration warn: PIPELINE_SINK_BACKPRESSURE_POLICY');
    const nothing = await examined(directory, { DATABASE_URL: 'postgres://127.0.0.1:1/x' });
    expect(nothing.text).toContain('configuration fail');
    expect(nothing.text).toContain('database fail');
    expect((await mdp(directory, ['doctor', '--format', 'xml'])).code).toBe(2);
  }));

test('may run beside the program, and says who writes the database', () =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory);
    await until(
      () => run.status(),
      ({ ledger }) => (ledger.rows['trade']?.['committed'] ?? 0) > 0,
    );
    const found = await examined(directory, {});
    expect(found.unwell).toEqual([]);
    expect(found.text).toMatch(/database ok: \S+mdp\.db has schema version \d+/);
    expect(found.text).toContain(`locked by process ${run.pid}`);
    expect(await run.stop()).toBe(0);
  }));
