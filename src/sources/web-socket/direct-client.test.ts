/** Our client against a venue that is spoken for byte by byte, over real sockets. */
import { describe, expect, onTestFinished, test } from 'bun:test';
import { createServer, type Socket as Tcp } from 'node:net';
import { startScriptedVenue, type Script } from '../../../test/venue/scripted-venue.ts';
import { until } from '../../../test/venue/stage.ts';
import { startTlsVenue } from '../../../test/venue/ways.ts';
import { serverFrame } from '../../../test/venue/wire.ts';
import type { Socket, SocketEvents, SocketFailure, SocketOptions } from '../socket.ts';
import { openDirectSocket } from './direct-client.ts';
import { newKey } from './upgrade.ts';

const OPTIONS: SocketOptions = {
  maxFrameBytes: 1024 * 1024,
  compression: false,
  proxy: undefined,
  ca: undefined,
};

type Heard = SocketEvents & {
  readonly texts: string[];
  readonly pongs: string[];
  readonly failures: SocketFailure[];
  /** In order: opened, failed, closed. */
  readonly turns: string[];
  pings: number;
};

const listen = (onText: (text: string) => void = () => {}): Heard => {
  const heard: Heard = {
    texts: [],
    pongs: [],
    failures: [],
    turns: [],
    pings: 0,
    opened: () => heard.turns.push('opened'),
    received: () => {},
    told: () => {},
    message: (text) => {
      heard.texts.push(text);
      onText(text);
    },
    pinged: () => {
      heard.pings += 1;
    },
    ponged: (payload) => heard.pongs.push(payload),
    failed: (failure) => {
      heard.failures.push(failure);
      heard.turns.push('failed');
    },
    closed: (code, reason) => heard.turns.push(`closed ${code} ${reason}`.trim()),
  };
  return heard;
};

const dial = (url: string, heard: Heard, options: Partial<SocketOptions> = {}): Socket => {
  const socket = openDirectSocket(url, { ...OPTIONS, ...options }, heard);
  onTestFinished(() => socket.terminate());
  return socket;
};

/** A venue and a client that has begun to open. */
const meet = async (script: Script, options: Partial<SocketOptions> = {}) => {
  const venue = await startScriptedVenue(script);
  onTestFinished(() => venue.stop());
  const heard = listen();
  const socket = dial(venue.url, heard, options);
  const isOver = (): boolean => heard.turns.at(-1)?.startsWith('closed') === true;
  return { venue, heard, socket, isOver };
};

/** A server that answers the first bytes of every client with these, and says what it was asked. */
const answering = async (answer: (request: string) => string | Uint8Array) => {
  const asked: string[] = [];
  const clients: Tcp[] = [];
  const server = createServer((client) => {
    clients.push(client);
    client.on('error', () => {});
    client.once('data', (bytes: Buffer) => {
      asked.push(bytes.toString());
      client.write(answer(bytes.toString()));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    for (const client of clients) client.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { url: `ws://127.0.0.1:${port}`, asked };
};

const acceptOf = (request: string): string => {
  const key = /sec-websocket-key: *(\S+)/i.exec(request)?.[1] ?? '';
  const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
  return new Bun.CryptoHasher('sha1').update(key + guid).digest('base64');
};

const head = (request: string, change: (line: string) => string = (line) => line): string =>
  [
    'HTTP/1.1 101 Switching Protocols',
    'upgrade: WebSocket',
    'CONNECTION: keep-alive, upgrade',
    `Sec-WebSocket-Accept: ${acceptOf(request)}`,
  ]
    .map(change)
    .filter((line) => line !== '')
    .join('\r\n') + '\r\n\r\n';

describe('the upgrade', () => {
  test('asks for what the address says, with its credentials, and takes any case', async () => {
    const { url, asked } = await answering((request) => head(request));
    const heard = listen();
    dial(`${url.replace('ws://', 'ws://us%65r:p%40ss@')}/stream?streams=a@trade#no`, heard);
    await until(() => heard.turns.length > 0);
    expect(heard.turns).toEqual(['opened']);
    expect(asked[0]).toStartWith('GET /stream?streams=a@trade HTTP/1.1\r\n');
    expect(asked[0]).toContain(`\r\nHost: ${new URL(url).host}\r\n`);
    expect(asked[0]).toContain(`\r\nAuthorization: Basic ${btoa('user:p@ss')}\r\n`);
    expect(asked[0]).not.toContain('Sec-WebSocket-Extensions');
  });

  test('takes a % that begins no escape for what it is', async () => {
    const { url, asked } = await answering((request) => head(request));
    const heard = listen();
    dial(url.replace('ws://', 'ws://user:100%pure@'), heard);
    await until(() => heard.turns.length > 0);
    expect(asked[0]).toContain(`\r\nAuthorization: Basic ${btoa('user:100%pure')}\r\n`);
  });

  test('may be answered together with the first frames', async () => {
    const frame = serverFrame(0x1, Buffer.from('first'));
    const { url } = await answering((request) =>
      Buffer.concat([Buffer.from(head(request)), frame]),
    );
    const heard = listen();
    dial(url, heard);
    await until(() => heard.texts.length > 0);
    expect(heard.texts).toEqual(['first']);
  });
});

describe('an upgrade', () => {
  test.each([
    ['by nobody in HTTP', () => 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'no answer in HTTP', undefined],
    ['without end', () => 'x'.repeat(70_000), 'no answer in HTTP', undefined],
    ['with 429', () => 'HTTP/1.1 429 Too Many Requests\r\n\r\n', '429 Too Many Requests', 429],
    ['with 301', () => 'HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n', '301 Moved', 301],
    ['with what no screen should see', () => 'HTTP/1.1 500 a\u001b[2Jb\r\n\r\n', '500 a.[2Jb', 500],
    [
      'with a head of 70 kB',
      () => `HTTP/1.1 500 ${'x'.repeat(7e4)}\r\n\r\n`,
      'no answer',
      undefined,
    ],
    [
      'for another key',
      (request: string) => head(request.replace(/Key: \S+/, `Key: ${newKey()}`)),
      'by a stranger',
      undefined,
    ],
    [
      'without Upgrade',
      (request: string) => head(request, (line) => (line.startsWith('upgrade') ? '' : line)),
      'without Upgrade',
      undefined,
    ],
    [
      'without Connection',
      (request: string) => head(request, (line) => (line.startsWith('CONN') ? '' : line)),
      'without Connection',
      undefined,
    ],
    [
      'with an extension that was not offered',
      (request: string) =>
        head(request, (line) =>
          line.startsWith('upgrade') ? `${line}\r\nSec-WebSocket-Extensions: x` : line,
        ),
      'sec-websocket-extensions not asked for',
      undefined,
    ],
  ])('answered %s is refused, and says why', async (_, answer, message, status) => {
    const { url } = await answering(answer);
    const heard = listen();
    dial(url, heard);
    await until(() => heard.turns.length === 2);
    expect(heard.turns).toEqual(['failed', 'closed 1006']);
    expect(heard.failures[0]?.message).toContain(message);
    expect(heard.failures[0]?.status).toBe(status);
  });
});

describe('an attempt', () => {
  test('that is cut off is a failure', async () => {
    const { heard, isOver } = await meet((peer) => peer.cut());
    await until(isOver);
    expect(heard.turns).toEqual(['failed', 'closed 1006']);
  });

  test('where nobody listens fails later, never within the call', async () => {
    const heard = listen();
    dial('ws://127.0.0.1:1', heard);
    expect(heard.turns).toEqual([]);
    await until(() => heard.turns.length === 2);
    expect(heard.turns).toEqual(['failed', 'closed 1006']);
    expect(heard.failures[0]?.message).toBe('cannot connect to 127.0.0.1:1: ECONNREFUSED');
  });

  test('given up in the middle leaves no connection', async () => {
    const { venue, heard, socket, isOver } = await meet(() => {});
    await until(() => venue.peers.length === 1);
    socket.terminate();
    await until(isOver);
    await until(() => venue.peers[0]?.isClosed === true);
    expect(heard.turns).toEqual(['closed 1006']);
  });
});

describe('behind TLS', () => {
  test('only whom the certificate names is talked to', async () => {
    using venue = startTlsVenue('hello');
    const [right, wrong, unknown] = [listen(), listen(), listen()];
    dial(venue.url, right, { ca: venue.ca });
    dial(venue.url.replace('127.0.0.1', '[::ffff:127.0.0.1]'), wrong, { ca: venue.ca });
    dial(venue.url, unknown);
    await until(() => right.texts.length + wrong.failures.length + unknown.failures.length === 3);
    expect(right.texts).toEqual(['hello']);
    expect(wrong.failures[0]?.message).toContain('altnames');
    expect(unknown.failures[0]?.message).toContain('self signed certificate');
    expect(venue.offered.length).toBe(1);
  });

  test('certificates that are none are a failure, told behind the call', async () => {
    const heard = listen();
    dial('wss://127.0.0.1:1', heard, { ca: 'garbage' });
    expect(heard.turns).toEqual([]);
    await until(() => heard.turns.length === 2);
    expect(heard.turns).toEqual(['failed', 'closed 1006']);
  });

  test('a server that does not speak it is a failure', async () => {
    const { url } = await answering(() => 'HTTP/1.1 400 Bad Request\r\n\r\n');
    const heard = listen();
    dial(url.replace('ws:', 'wss:'), heard);
    await until(() => heard.turns.length === 2);
    expect(heard.turns).toEqual(['failed', 'closed 1006']);
    expect(heard.failures[0]?.message).toStartWith(`no TLS with ${new URL(url).host}: `);
  });
});

describe('an open connection', () => {
  test('answers pings, and tells of pongs behind what came before', async () => {
    const { venue, heard, socket } = await meet(async (peer) => {
      await peer.accept();
      peer.raw(serverFrame(0x9, Buffer.from('are you there')));
      peer.send('before');
    });
    await until(() => heard.texts.length === 1);
    socket.ping('last');
    await until(() => heard.pongs.length === 1);
    expect(heard.pongs).toEqual(['last']);
    expect(heard.pings).toBe(1);
    expect(venue.peers[0]?.pongs).toBe(1);
  });

  test('sends texts of any length, whole and in order, to a venue that reads late', async () => {
    const texts = Array.from({ length: 400 }, (_, i) => `${i} ${'ä'.repeat((i * 37) % 9000)}`);
    const { venue, heard, socket } = await meet((peer) => peer.accept());
    await until(() => heard.turns.length === 1);
    for (const text of texts) socket.send(text);
    await until(() => venue.peers[0]?.texts.length === texts.length);
    expect(venue.peers[0]?.texts).toEqual(texts);
  });
});

describe('the end', () => {
  test('has the code of the venue and its words', async () => {
    const { venue, heard, isOver } = await meet(async (peer) => {
      await peer.accept();
      peer.raw(serverFrame(0x8, Buffer.from([0x03, 0xf4, ...Buffer.from('maintenance')])));
    });
    await until(isOver);
    expect(heard.turns).toEqual(['opened', 'closed 1012 maintenance']);
    await until(() => venue.peers[0]?.closeCode === 1012);
    await until(() => venue.peers[0]?.isClosed === true);
  });

  test('that we ask for tells nothing of what comes until the answer', async () => {
    const { venue, heard, socket, isOver } = await meet(async (peer) => {
      await peer.accept();
      peer.polite = false;
    });
    await until(() => heard.turns.length === 1);
    socket.close();
    await until(() => venue.peers[0]?.closeCode === 1000);
    venue.peers[0]?.send('too late');
    venue.peers[0]?.close(1000);
    await until(isOver);
    expect(heard.texts).toEqual([]);
    expect(heard.turns).toEqual(['opened', 'closed 1000']);
  });

  test('by a cut is 1006, behind all that the venue had sent', async () => {
    const { heard, isOver } = await meet(async (peer) => {
      await peer.accept();
      for (let i = 0; i < 100; i += 1) peer.send(`${i}`);
      await Bun.sleep(20);
      peer.cut();
    });
    await until(isOver);
    expect(heard.texts.length).toBe(100);
    expect(heard.turns.at(-1)).toBe('closed 1006');
  });

  test('lets go of a connection that the venue keeps', async () => {
    const { venue, socket, isOver } = await meet(async (peer) => {
      await peer.accept();
      peer.polite = false;
      peer.raw(serverFrame(0x8, Buffer.from([0x03, 0xe9])));
    });
    await until(isOver);
    await until(() => venue.peers[0]?.closeCode === 1001);
    socket.terminate();
    await until(() => venue.peers[0]?.isClosed === true);
  });

  test('comes at a message above the bound, of which nothing is read', async () => {
    const { venue, heard, isOver } = await meet(
      async (peer) => {
        await peer.accept();
        peer.send('x'.repeat(2049));
      },
      { maxFrameBytes: 2048 },
    );
    await until(isOver);
    expect(heard.texts).toEqual([]);
    expect(heard.failures[0]).toMatchObject({ oversized: true });
    expect(heard.failures[0]?.message).toContain('2049 bytes, more than max_frame_bytes');
    await until(() => venue.peers[0]?.closeCode === 1009);
  });
});

const COUNT = 20_000;
const texts = Array.from({ length: COUNT }, (_, i) => `{"n":${i},"pad":"${'x'.repeat(90)}"}`);

describe('a pause', () => {
  test('holds at the very message, for as long as it lasts, and loses none', async () => {
    const venue = await startScriptedVenue(async (peer) => {
      await peer.accept();
      for (const text of texts) peer.send(text);
    });
    onTestFinished(() => venue.stop());
    let paused = 0;
    const heard = listen((text) => {
      if (Number(/\d+/.exec(text)?.[0]) % 1000 !== 500) return;
      paused += 1;
      socket.pause();
      const { length } = heard.texts;
      setTimeout(() => {
        expect(heard.texts.length).toBe(length);
        socket.resume();
      }, 5);
    });
    const socket = dial(venue.url, heard);
    await until(() => heard.texts.length === COUNT);
    expect(heard.texts).toEqual(texts);
    expect(paused).toBe(COUNT / 1000);
  });

  test('that begins as soon as another ends is one', async () => {
    const venue = await startScriptedVenue(async (peer) => {
      await peer.accept();
      peer.raw(Buffer.concat(texts.slice(0, 100).map((t) => serverFrame(0x1, Buffer.from(t)))));
    });
    onTestFinished(() => venue.stop());
    const heard = listen((text) => {
      if (text === texts[10]) socket.pause();
    });
    const socket = dial(venue.url, heard);
    await until(() => heard.texts.length === 11);
    socket.resume();
    socket.pause();
    await Bun.sleep(20);
    expect(heard.texts.length).toBe(11);
    socket.resume();
    await until(() => heard.texts.length === 100);
  });

  test('in which the venue goes ends with all that had come, and then the end', async () => {
    const venue = await startScriptedVenue(async (peer) => {
      await peer.accept();
      peer.raw(Buffer.concat(texts.slice(0, 1000).map((t) => serverFrame(0x1, Buffer.from(t)))));
      await Bun.sleep(20);
      peer.close(1001);
    });
    onTestFinished(() => venue.stop());
    const heard = listen((text) => {
      if (text === texts[10]) socket.pause();
    });
    const socket = dial(venue.url, heard);
    await until(() => heard.texts.length === 11);
    await until(() => venue.peers[0]?.isClosed === true || heard.turns.length === 1);
    await Bun.sleep(50);
    expect(heard.texts.length).toBe(11);
    expect(heard.turns).toEqual(['opened']);
    socket.resume();
    await until(() => heard.turns.length === 2);
    expect(heard.texts).toEqual(texts.slice(0, 1000));
    expect(heard.turns.at(-1)).toBe('closed 1001');
  });
});

describe('a pause that ends', () => {
  test('to close: closes, and tells no more', async () => {
    const { venue, heard, socket, isOver } = await meet(async (peer) => {
      await peer.accept();
      for (const text of texts) peer.send(text);
    });
    await until(() => heard.turns.length === 1);
    socket.pause();
    const { length } = heard.texts;
    await until(() => venue.peers[0] !== undefined);
    socket.resume();
    socket.close();
    await until(isOver);
    expect(heard.texts.length).toBe(length);
    expect(heard.turns).toEqual(['opened', 'closed 1000']);
  });
});
