/**
 * Ways to a venue that are not straight: through a proxy, behind a certificate of one's own,
 * compressed.
 */
import { expect, test } from 'bun:test';
import { stage, until } from '../venue/stage.ts';
import { startProxy, startTlsVenue } from '../venue/ways.ts';

const wishFor = (url: string) => ({
  wish: { symbols: ['A'], channels: ['trades' as const], url, trades: 'trade' as const },
});

test('goes through the proxy that is named', async () => {
  using proxy = await startProxy();
  const { venue, source } = await stage(
    async (peer) => {
      await peer.accept();
      peer.send('{"d":1}');
    },
    { settings: { proxy: proxy.url } },
  );
  await until(() => source.report().phase === 'open');
  expect(proxy.asked).toEqual([venue.url.replace('ws://', '')]);
});

test('gives up a frame above max_frame_bytes on that way too: counted, reconnected', async () => {
  using proxy = await startProxy();
  const { source, intake } = await stage(
    async (peer, number) => {
      await peer.accept();
      peer.send(number === 0 ? `{"d":"${'x'.repeat(70_000)}"}` : '{"d":1}');
    },
    { settings: { proxy: proxy.url } },
  );
  await until(() => source.report().phase === 'open');
  expect(intake.frames.map(({ text }) => text)).toEqual(['{"d":1}']);
  expect(source.report()).toMatchObject({ oversizedFrames: 1, frames: 2, disconnects: 1 });
});

test('is told to stay away on that way too: the status is understood', async () => {
  using proxy = await startProxy();
  const refused = await stage((peer) => peer.refuse(429), { settings: { proxy: proxy.url } });
  await until(() => refused.venue.connectedAt.length === 1);
  await until(() => refused.source.report().phase === 'backing_off');
  expect(refused.source.report().reason).toContain('429');
});

test('trusts the certificates of ca_file, else nobody who vouches for himself', async () => {
  using tls = startTlsVenue('{"d":1}');
  const trusting = await stage(() => {}, { settings: { ...wishFor(tls.url), ca: tls.ca } });
  await until(() => trusting.source.report().phase === 'open');
  const wary = await stage(() => {}, { settings: wishFor(tls.url) });
  await until(() => wary.source.report().phase === 'backing_off');
  expect(wary.source.report().reason).toContain('self signed certificate');
  expect(wary.source.report().connects).toBe(0);
});

test('offers compression only where it is asked for', async () => {
  using tls = startTlsVenue('{"d":1}');
  for (const compression of [true, false]) {
    const settings = { ...wishFor(tls.url), ca: tls.ca, compression };
    const { source, intake } = await stage(() => {}, { settings });
    await until(() => source.report().phase === 'open');
    expect(intake.frames.at(-1)?.text).toBe('{"d":1}');
  }
  expect(tls.offered[0]).toContain('permessage-deflate');
  expect(tls.offered[1]).toBeNull();
});
