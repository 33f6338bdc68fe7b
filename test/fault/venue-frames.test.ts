import { describe, expect, test } from 'bun:test';
import { stage, until } from '../venue/stage.ts';
import { frameHead } from '../venue/wire.ts';

describe('a venue that sends what it should not', () => {
  test('closes in the middle of a frame: what was whole is kept', async () => {
    const { source, intake } = await stage(async (peer, number) => {
      await peer.accept();
      peer.send(`{"d":${number}}`);
      if (number > 0) return;
      peer.raw(Buffer.concat([frameHead(0x1, 1000), Buffer.from('{"d":')]));
      setTimeout(() => peer.cut(), 20);
    });
    await until(() => intake.frames.length === 2);
    expect(intake.frames.map(({ text }) => text)).toEqual(['{"d":0}', '{"d":1}']);
    await until(() => source.report().phase === 'open');
    expect(source.report()).toMatchObject({ disconnects: 1, reconnects: 1, frames: 2 });
  });

  test('sends a frame above max_frame_bytes: counted, not handed on, reconnected', async () => {
    const { source, intake } = await stage(async (peer, number) => {
      await peer.accept();
      peer.send(number === 0 ? `{"d":"${'x'.repeat(70_000)}"}` : '{"d":1}');
    });
    await until(() => source.report().phase === 'open');
    expect(intake.frames.map(({ text }) => text)).toEqual(['{"d":1}']);
    expect(source.report()).toMatchObject({ oversizedFrames: 1, frames: 2, disconnects: 1 });
  });

  test('sends a frame of 200 MB: the connection is given up, the process lives', async () => {
    const block = Buffer.alloc(1024 * 1024, 0x20);
    const { source, intake } = await stage(async (peer, number) => {
      await peer.accept();
      if (number > 0) {
        peer.send('{"d":1}');
        return;
      }
      peer.raw(frameHead(0x1, 200 * block.length));
      for (let sent = 0; sent < 200 && !peer.isClosed; sent += 1) {
        if (!peer.raw(block)) await Bun.sleep(1);
      }
    });
    await until(() => source.report().phase === 'open');
    expect(intake.frames.map(({ text }) => text)).toEqual(['{"d":1}']);
    expect(source.report()).toMatchObject({ disconnects: 1, reconnects: 1 });
  }, 20_000);

  test('sends an empty frame: counted, handed on as it is, reconnected', async () => {
    const { source, intake } = await stage(async (peer, number) => {
      await peer.accept();
      peer.send(number === 0 ? '' : '{"d":1}');
    });
    await until(() => source.report().phase === 'open');
    expect(intake.frames.map(({ text }) => text)).toEqual(['', '{"d":1}']);
    expect(source.report()).toMatchObject({ emptyFrames: 1, frames: 2, disconnects: 1 });
  });
});

describe('a venue that sends what nobody expects', () => {
  test('sends text in binary frames: taken as the text it is', async () => {
    const { source, intake } = await stage(async (peer) => {
      await peer.accept();
      peer.sendBinary(Buffer.from('{"d":"é"}'));
      peer.sendBinary(Buffer.from([0xff, 0xfe, 0x00]));
    });
    await until(() => intake.frames.length === 2);
    expect(intake.frames[0]?.text).toBe('{"d":"é"}');
    await until(() => source.report().phase === 'open');
    expect(source.report().bytes).toBeGreaterThan(10);
  });

  test('sends nonsense: handed on for the decoder to count, the connection stays', async () => {
    const { venue, source, intake } = await stage(async (peer) => {
      await peer.accept();
      for (const text of ['nonsense', '[', '\u0000', '{"d":1}']) peer.send(text);
    });
    await until(() => intake.frames.length === 4);
    await until(() => source.report().phase === 'open');
    expect(venue.connectedAt.length).toBe(1);
  });

  test('breaks the protocol: reconnected', async () => {
    const { source, intake } = await stage(async (peer, number) => {
      await peer.accept();
      if (number === 0) peer.raw(Buffer.from([0xff, 0xff, 0xff, 0xff]));
      else peer.send('{"d":1}');
    });
    await until(() => source.report().phase === 'open');
    expect(intake.frames.length).toBe(1);
    expect(source.report().disconnects).toBe(1);
  });
});
