/** Venues and proxies that are away or refuse, some repeating what they were asked. */
import { expect, test } from 'bun:test';
import { createServer } from 'node:net';
import { inDirectory, mdp, startMdp, until, type Environment } from '../e2e/mdp.ts';
import { expectDiscreet, expectSilent, SECRETS } from './canaries.ts';

const { password, query, proxy } = SECRETS;

/** Answers every connection with the same words and what it was sent, and hangs up. */
const startEcho = (words: string) => {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (asked) => socket.end(`${words}\r\n\r\n${asked.toString()}`));
  });
  return new Promise<{ readonly port: number; readonly stop: () => void }>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      resolve({ port, stop: () => void server.close() });
    });
  });
};

/** Closes every WebSocket at once, and gives its address for the reason. */
const startCloser = () =>
  Bun.serve<string>({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request, server) =>
      server.upgrade(request, { data: request.url.slice(0, 100) })
        ? undefined
        : new Response(request.url, { status: 426 }),
    websocket: {
      open: (socket) => socket.close(1008, `not at ${socket.data}`),
      message: () => undefined,
    },
  });

const stage = async () => {
  const [refusing, foreign] = await Promise.all([
    startEcho('HTTP/1.1 403 Forbidden'),
    startEcho('HTTP/1.1 407 Proxy Authentication Required'),
  ]);
  const closer = startCloser();
  const at = (port: number | undefined, scheme = 'ws'): string =>
    `${scheme}://u:${password}@127.0.0.1:${port}/?token=${query}`;
  const urls: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    away: { url: at(1) },
    refusing: { url: at(refusing.port) },
    closing: { url: at(closer.port) },
    plain: { url: at(closer.port, 'wss') },
    foreign: { url: at(1, 'wss'), proxy: `http://u:${proxy}@127.0.0.1:${foreign.port}` },
    lost: { url: at(1), proxy: `http://u:${proxy}@127.0.0.1:1` },
  };
  const names = Object.keys(urls);
  const sources = names.map((name) => ({
    type: 'binance',
    name,
    symbols: ['BTCUSDT'],
    channels: ['trades'],
    connect_timeout_ms: 2000,
    ...urls[name],
  }));
  const environment: Environment = {
    DATABASE_URL: 'sqlite:./mdp.db',
    PIPELINE_HTTP_PORT: '0',
    PIPELINE_LOG_LEVEL: 'debug',
    PIPELINE_SOURCES: JSON.stringify(sources),
  };
  const stop = async (): Promise<void> => {
    refusing.stop();
    foreign.stop();
    await closer.stop(true);
  };
  return { names, environment, stop };
};

test.each(['json', 'text'])('in format %s, at run and in health', (format) =>
  inDirectory(async (directory) => {
    const { names, environment, stop } = await stage();
    const run = await startMdp(directory, { ...environment, PIPELINE_LOG_FORMAT: format });
    const failed = (name: string): RegExp =>
      new RegExp(`no connection; trying again.*source"?[=:]"?${name}\\b`);
    const log = await until(
      () => Promise.resolve(run.log()),
      (seen) => names.every((name) => failed(name).test(seen)),
    );
    expect(log).toContain('the upgrade was answered with 403');
    expect(log).toContain('closed with code 1008: not at ');
    const answers = await Promise.all(['/health', '/status', '/metrics'].map((at) => run.get(at)));
    for (const answer of answers) expectSilent(await answer.text());
    await run.stop();
    expectSilent(run.log());
    expectSilent(run.stdout());
    await stop();
  }),
);

test('by mdp doctor, and by mdp check', () =>
  inDirectory(async (directory) => {
    const { names, environment, stop } = await stage();
    const [text, json, check] = await Promise.all([
      mdp(directory, ['doctor'], environment),
      mdp(directory, ['doctor', '--format', 'json'], environment),
      mdp(directory, ['check'], environment),
    ]);
    for (const name of names) {
      expectDiscreet(text, new RegExp(`source ${name}: wss?://\\*\\*\\*@127\\.0\\.0\\.1.* open`));
    }
    expectDiscreet(json, '"fail"');
    expectDiscreet(check, 'The configuration is valid');
    await stop();
  }));
