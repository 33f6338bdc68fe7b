/** The configuration read again while the program runs: sources and symbols come and go. */
import { expect, test } from 'bun:test';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { startScriptedVenue, type Script } from '../venue/scripted-venue.ts';
import { startMarket, type Market } from './market.ts';
import { inDirectory, query, startMdp, until, type Environment, type Running } from './mdp.ts';

type Entry = Readonly<Record<string, unknown>>;

const source = (market: Market, name: string, symbols: readonly string[], more: Entry = {}) => ({
  type: 'binance',
  name,
  symbols,
  channels: ['trades'],
  url: market.url,
  ...more,
});

const fileOf = (sources: readonly Entry[], more = ''): string =>
  `${more}sources: ${JSON.stringify(sources)}\n`;

type Stage = {
  readonly directory: string;
  readonly run: Running;
  readonly market: Market;
  /** Puts another text in the place of config.yaml, as editors do. */
  readonly write: (text: string) => void;
};

const SYMBOLS = ['AAA', 'BBB', 'CCC', 'DDD'];

const onStage = (
  sources: (market: Market) => readonly Entry[],
  play: (stage: Stage) => Promise<void>,
  environment: Environment = {},
) =>
  inDirectory(async (directory) => {
    const market = startMarket(SYMBOLS);
    const write = (text: string): void => {
      writeFileSync(join(directory, 'config.new'), text);
      renameSync(join(directory, 'config.new'), join(directory, 'config.yaml'));
    };
    write(fileOf(sources(market)));
    const run = await startMdp(directory, environment);
    try {
      await play({ directory, run, market, write });
    } finally {
      run.signal('SIGKILL');
      await run.exited;
      await market.stop();
    }
  });

const said = (run: Running, text: string, times = 1) =>
  until(
    () => Promise.resolve(run.log()),
    (log) => log.split(text).length > times,
  );

/** Waits until the program has heard `trades` more of a symbol. */
const heard = async ({ run }: Stage, name: string, symbol: string, trades = 50): Promise<void> => {
  const label = `mdp_source_items_total{source="${name}",symbol="${symbol}"}`;
  const count = async (): Promise<number> => {
    const text = await (await run.get('/metrics')).text();
    const line = text.split('\n').find((each) => each.startsWith(label));
    return Number(line?.slice(label.length) ?? 0);
  };
  const before = await count();
  await until(count, (now) => now >= before + trades);
};

/** Stops trading, then the program, and gives the stored ids of a symbol in order. */
const ended = async ({ market, run }: Stage): Promise<void> => {
  market.quiet();
  await Bun.sleep(200);
  expect(await run.stop()).toBe(0);
};

const idsOf = async ({ directory }: Stage, symbol: string): Promise<readonly number[]> => {
  const trades = await query(directory, 'trades', symbol);
  return trades.map((row) => Number(row['trade_id'])).toSorted((a, b) => a - b);
};

/** Every trade from the first heard to the last one made is there, once, and no hole was noted. */
const expectWhole = async (stage: Stage, symbol: string): Promise<void> => {
  const ids = await idsOf(stage, symbol);
  const [first = 0] = ids;
  const whole = Array.from({ length: ids.length }, (_, index) => first + index);
  expect(ids.length).toBeGreaterThan(100);
  expect(ids).toEqual(whole);
  expect(ids.at(-1)).toBe(stage.market.last(symbol));
  expect(await query(stage.directory, 'gaps', symbol)).toEqual([]);
  const bars = await query(stage.directory, 'bars', symbol, {}, ['--timeframe', '1s']);
  for (const bar of bars.slice(1, -1)) expect(bar).toMatchObject({ complete: true, gap: false });
};

test('a new symbol is asked for on the connection that is there, the others go on', () =>
  onStage(
    (market) => [source(market, 'spot', ['AAA', 'BBB'])],
    async (stage) => {
      await heard(stage, 'spot', 'AAA');
      stage.write(fileOf([source(stage.market, 'spot', ['CCC', 'AAA', 'BBB'])]));
      await said(stage.run, '"changed":"spot"');
      await heard(stage, 'spot', 'CCC', 200);
      expect(stage.market.opened).toBe(1);
      await ended(stage);
      for (const symbol of ['AAA', 'BBB', 'CCC']) await expectWhole(stage, symbol);
    },
  ));

test('a removed symbol leaves with its connection, a new one first: the rest loses no trade', () =>
  onStage(
    (market) => [source(market, 'spot', ['AAA', 'BBB', 'CCC'])],
    async (stage) => {
      await heard(stage, 'spot', 'BBB');
      stage.write(fileOf([source(stage.market, 'spot', ['AAA', 'CCC', 'DDD'])]));
      await until(
        () => Promise.resolve(stage.market.listeners('BBB')),
        (listeners) => listeners === 0,
      );
      await heard(stage, 'spot', 'DDD', 200);
      expect(stage.market.opened).toBe(2);
      const { ledger } = await stage.run.status();
      expect(ledger.rows['trade']).toMatchObject({ notStored: 0, rejected: 0 });
      await ended(stage);
      for (const symbol of ['AAA', 'CCC', 'DDD']) await expectWhole(stage, symbol);
      const removed = await idsOf(stage, 'BBB');
      expect(removed.at(-1)).toBeLessThan(stage.market.last('BBB'));
    },
  ));

test('a changed setting of a source is taken over by a new connection, and no trade is lost', () =>
  onStage(
    (market) => [source(market, 'spot', ['AAA'])],
    async (stage) => {
      await heard(stage, 'spot', 'AAA');
      const more = { max_frame_bytes: 65_536, connections: 2 };
      stage.write(fileOf([source(stage.market, 'spot', ['AAA'], more)]));
      await until(
        () => Promise.resolve([stage.market.opened, stage.market.listeners('AAA')]),
        ([opened, listeners]) => opened === 3 && listeners === 2,
      );
      await heard(stage, 'spot', 'AAA');
      await ended(stage);
      await expectWhole(stage, 'AAA');
    },
  ));

test('a source comes and another one goes; its metrics stay, and so does the third', () =>
  onStage(
    (market) => [source(market, 'one', ['AAA']), source(market, 'two', ['BBB'])],
    async (stage) => {
      await heard(stage, 'one', 'AAA');
      await heard(stage, 'two', 'BBB');
      const { market } = stage;
      stage.write(fileOf([source(market, 'one', ['AAA']), source(market, 'three', ['CCC'])]));
      await said(stage.run, '"added":"three","removed":"two"');
      await heard(stage, 'three', 'CCC', 200);
      expect(market.listeners('BBB')).toBe(0);
      const metrics = await (await stage.run.get('/metrics')).text();
      expect(metrics).toMatch(/mdp_source_items_total\{source="two",symbol="BBB"\} [1-9]/);
      expect(metrics).toMatch(/mdp_source_up\{source="two"\} 0/);
      const status = await (await stage.run.get('/status')).json();
      expect(status).toMatchObject({ sources: [{ name: 'one' }, { name: 'three' }] });
      await ended(stage);
      for (const symbol of ['AAA', 'CCC']) await expectWhole(stage, symbol);
    },
  ));

test('a removed source comes back, as another venue too; what waited is read as what it was', () =>
  onStage(
    (market) => [source(market, 'spot', ['AAA']), source(market, 'feed', ['BBB'])],
    async (stage) => {
      const spot = source(stage.market, 'spot', ['AAA']);
      await heard(stage, 'feed', 'BBB');
      const synthetic = { type: 'synthetic', name: 'feed', symbols: ['SYN'], rate: 500 };
      stage.write(fileOf([spot, synthetic]));
      stage.run.signal('SIGHUP');
      await heard(stage, 'feed', 'SYN');
      stage.write(fileOf([spot]));
      stage.run.signal('SIGHUP');
      await said(stage.run, '"removed":"feed"');
      stage.write(fileOf([spot, source(stage.market, 'feed', ['BBB'])]));
      stage.run.signal('SIGHUP');
      await heard(stage, 'feed', 'BBB');
      const { ledger } = await stage.run.status();
      expect(ledger.frames['undecodable']).toBe(0);
      expect(ledger.balanced).toBe(true);
      await ended(stage);
      await expectWhole(stage, 'AAA');
      const gaps = await query(stage.directory, 'gaps', 'BBB');
      const missing = gaps.reduce((sum, gap) => sum + Number(gap['missing']), 0);
      expect(missing + (await idsOf(stage, 'BBB')).length).toBe(
        stage.market.last('BBB') - Number((await idsOf(stage, 'BBB'))[0]) + 1,
      );
    },
    // What is received waits in front of the operators.
    { PIPELINE_PACING_BUDGET_MAX_MSGS_PER_SEC: '400' },
  ));

test('a bad file is refused, a line for each problem, told over HTTP, mended by a good one', () =>
  onStage(
    (market) => [source(market, 'spot', ['AAA'])],
    async (stage) => {
      const { run, market, write } = stage;
      await heard(stage, 'spot', 'AAA');
      write(`pipeline:\n  batch_sice: 7\nsources:\n  - type: binanze\n    symbols: [AAA]\n`);
      await said(run, 'The new configuration is refused', 2);
      expect(run.log()).toContain('config.yaml:2:3: pipeline.batch_sice');
      expect(run.log()).toContain('config.yaml:4:11: sources[0].type');
      const health = await (await run.get('/health')).json();
      expect(health).toMatchObject({ status: 'healthy' });
      expect(JSON.stringify(health)).toContain('2 problems');
      expect(JSON.stringify(health)).not.toContain('config.yaml');
      expect(await (await run.get('/status')).json()).toMatchObject({
        configuration: {
          refusals: 1,
          refused: { problems: [expect.stringContaining('batch_sice'), expect.any(String)] },
          needs_restart: [],
        },
        sources: [{ name: 'spot', phase: 'open' }],
      });
      await heard(stage, 'spot', 'AAA');
      const refusals = 'mdp_config_reloads_total{outcome="refused"} 1';
      expect(await (await run.get('/metrics')).text()).toContain(refusals);
      write(fileOf([source(market, 'spot', ['AAA', 'BBB'])], 'pipeline: { batch_size: 77 }\n'));
      run.signal('SIGHUP');
      await heard(stage, 'spot', 'BBB', 200);
      const takings = 'mdp_config_reloads_total{outcome="taken"} 1';
      expect(await (await run.get('/metrics')).text()).toContain(takings);
      expect(run.log()).toMatch(/needs a restart[^\n]*"key":"pipeline.batch_size"/);
      expect(await (await run.get('/status')).json()).toMatchObject({
        configuration: { refused: null, needs_restart: ['pipeline.batch_size'] },
      });
      await ended(stage);
      for (const symbol of ['AAA', 'BBB']) await expectWhole(stage, symbol);
    },
  ));

test('what a venue cannot do, and a file that is gone, are refused; SIGHUP ends nothing', () =>
  onStage(
    (market) => [source(market, 'spot', ['AAA'])],
    async (stage) => {
      const { run, market, write, directory } = stage;
      await heard(stage, 'spot', 'AAA');
      run.signal('SIGHUP');
      await said(run, '"reason":"SIGHUP"');
      write(fileOf([source(market, 'spot', ['BTC/USDT']), source(market, 'more', ['BBB'])]));
      run.signal('SIGHUP');
      await said(run, 'The new configuration is refused');
      expect(market.opened).toBe(1);
      renameSync(join(directory, 'config.yaml'), join(directory, 'elsewhere'));
      run.signal('SIGHUP');
      await said(run, 'cannot be read (ENOENT)');
      await heard(stage, 'spot', 'AAA');
      expect(market.listeners('BBB')).toBe(0);
      await ended(stage);
      await expectWhole(stage, 'AAA');
    },
  ));

test('a source that cannot be reached is told as degraded, and takes no readiness back', () =>
  onStage(
    (market) => [source(market, 'spot', ['AAA'])],
    async (stage) => {
      const { run, market, write } = stage;
      await heard(stage, 'spot', 'AAA');
      const away = { ...source(market, 'away', ['BBB']), url: 'ws://127.0.0.1:1' };
      write(fileOf([source(market, 'spot', ['AAA']), away]));
      run.signal('SIGHUP');
      await said(run, '"added":"away"');
      const health = await until(
        async () => (await run.get('/health')).text(),
        (text) => text.includes('degraded'),
      );
      expect(health).toMatch(/"name":"away","status":"degraded","reason":"[^"]+","since":"2/);
      expect((await run.get('/health/ready')).status).toBe(200);
      write(fileOf([source(market, 'spot', ['AAA'])]));
      run.signal('SIGHUP');
      await until(
        async () => (await run.get('/health')).text(),
        (text) => !text.includes('degraded'),
      );
    },
  ));

const coinbaseRequest = v.object({ product_ids: v.array(v.string()) });

/** Coinbase, which knows BTC-USD alone and trades it all the time. */
const coinbaseScript: Script = async (peer) => {
  await peer.accept();
  for (;;) {
    const { product_ids } = v.parse(coinbaseRequest, JSON.parse(await peer.next()));
    if (product_ids.some((product) => product !== 'BTC-USD')) {
      const reason = 'NOPE is not a valid product';
      peer.send(JSON.stringify({ type: 'error', message: 'Failed to subscribe', reason }));
      continue;
    }
    peer.send(
      JSON.stringify({ type: 'subscriptions', channels: [{ name: 'matches', product_ids }] }),
    );
    const match = { type: 'match', side: 'buy', size: '1', price: '1', product_id: 'BTC-USD' };
    const now = { trade_id: 7, sequence: 7, time: new Date().toISOString() };
    peer.send(JSON.stringify({ ...match, ...now }));
  }
};

test('a symbol that the venue refuses is told as degraded, by name, until it is removed', () =>
  inDirectory(async (directory) => {
    const venue = await startScriptedVenue(coinbaseScript);
    const write = (symbols: readonly string[]): void => {
      const entry = { type: 'coinbase', symbols, channels: ['trades'], url: venue.url };
      writeFileSync(join(directory, 'config.yaml'), fileOf([entry]));
    };
    write(['BTC-USD', 'NOPE']);
    const run = await startMdp(directory);
    const health = async () => (await run.get('/health')).text();
    await until(health, (text) => text.includes('the venue refused NOPE'));
    expect(await (await run.get('/health')).json()).toMatchObject({ status: 'degraded' });
    const status = await (await run.get('/status')).text();
    expect(status).toContain('{"symbol":"NOPE","state":"refused","reason":"');
    expect(await (await run.get('/metrics')).text()).toContain(
      'mdp_source_symbols{source="coinbase",state="refused"} 1',
    );
    write(['BTC-USD']);
    await until(health, (text) => text.startsWith('{"status":"healthy"'));
    expect(await (await run.get('/metrics')).text()).toContain(
      'mdp_source_symbols{source="coinbase",state="refused"} 0',
    );
    expect(await run.stop()).toBe(0);
    await venue.stop();
  }));

test('follows a mounted ConfigMap, whose links are swapped', () =>
  inDirectory(async (directory) => {
    const market = startMarket(SYMBOLS);
    const mount = (version: string, symbols: readonly string[]): void => {
      mkdirSync(join(directory, version));
      const text = fileOf([source(market, 'spot', symbols)]);
      writeFileSync(join(directory, version, 'config.yaml'), text);
      symlinkSync(version, join(directory, '..data_tmp'));
      renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
    };
    mount('..1', ['AAA']);
    symlinkSync('..data/config.yaml', join(directory, 'mounted.yaml'));
    const run = await startMdp(directory, {}, ['--config', 'mounted.yaml']);
    const stage = { directory, run, market, write: () => undefined };
    await heard(stage, 'spot', 'AAA');
    mount('..2', ['AAA', 'BBB']);
    await heard(stage, 'spot', 'BBB');
    await ended(stage);
    await expectWhole(stage, 'AAA');
    await market.stop();
  }));
