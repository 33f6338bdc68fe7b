/** A venue behind a proxy, or a certificate of its own, by configuration; secrets stay secret. */
import { expect, setDefaultTimeout, test } from 'bun:test';
import { BINANCE, binance, welcome } from '../venue/speech.ts';
import { startProxy, startTlsVenue } from '../venue/ways.ts';
import { inDirectory, mdp, startMdp, until } from './mdp.ts';
import { onStage } from './venue-stage.ts';

setDefaultTimeout(60_000);

const SECRET = 'geheim-7f3a';
const entry = { type: 'binance', symbols: [BINANCE], channels: ['trades'] } as const;

test('goes through the proxy that is named, with its credentials', async () => {
  using proxy = await startProxy();
  const url = proxy.url.replace('http://', `http://user:${SECRET}@`);
  await onStage(
    { ...entry, proxy: url },
    async (peer) => {
      await welcome(peer, binance.acknowledge);
      peer.send(binance.trade(1));
    },
    async ({ venue, decoded, tables, run }) => {
      await decoded('trade', 1);
      expect(proxy.asked).toEqual([venue.url.replace('ws://', '')]);
      expect(proxy.authorized).toEqual([`Basic ${btoa(`user:${SECRET}`)}`]);
      expect((await tables(BINANCE)).trades.length).toBe(1);
      expect(run.log()).not.toContain(SECRET);
    },
  );
});

test('shows no credentials of an address or proxy that does not work', () =>
  inDirectory(async (directory) => {
    const url = `ws://user:${SECRET}@127.0.0.1:1/?token=${SECRET}`;
    const sources = [
      { ...entry, name: 'direct', url },
      { ...entry, name: 'proxied', proxy: `http://user:${SECRET}@127.0.0.1:1` },
    ];
    const env = { PIPELINE_SOURCES: JSON.stringify(sources), PIPELINE_LOG_LEVEL: 'debug' };
    const run = await startMdp(directory, env);
    await until(
      () => Promise.resolve(run.log()),
      (log) => (log.match(/trying again/g)?.length ?? 0) >= 2,
    );
    for (const path of ['/health', '/status', '/metrics']) {
      expect(await (await run.get(path)).text()).not.toContain(SECRET);
    }
    expect(await run.stop()).toBe(0);
    const { stdout } = await mdp(directory, ['config'], env);
    expect(stdout).toContain('***');
    expect(run.log() + stdout).not.toContain(SECRET);
  }));

test('trusts the certificates of ca_file, else nobody who vouches for himself', () =>
  inDirectory(async (directory) => {
    using venue = startTlsVenue(binance.trade(1));
    const { url, caFile } = venue;
    const sources = [
      { ...entry, name: 'trusting', url, ca_file: caFile },
      { ...entry, name: 'wary', url },
    ];
    const run = await startMdp(directory, { PIPELINE_SOURCES: JSON.stringify(sources) });
    const healths = await until(
      async () => (await run.health()).entries,
      (entries) =>
        entries.find(({ name }) => name === 'trusting')?.status === 'healthy' &&
        run.log().includes('trying again'),
    );
    expect(healths.find(({ name }) => name === 'wary')?.status).toBe('degraded');
    expect(run.log()).toContain('self signed certificate');
    expect(await run.stop()).toBe(0);
  }));

test('a ca_file that is not there refuses to start, naming it', () =>
  inDirectory(async (directory) => {
    const sources = JSON.stringify([{ ...entry, ca_file: './nowhere.pem' }]);
    const { code, stderr } = await mdp(directory, ['run'], { PIPELINE_SOURCES: sources });
    expect(code).toBe(2);
    expect(stderr).toContain('nowhere.pem');
  }));
