/** The running executable under fuzzed requests, a part of `dev.sh soak fuzz`. */
import { expect, test } from 'bun:test';
import { fuzzExecutable } from '../fuzz/executable.ts';
import { fuzzed } from '../fuzz/requests.ts';
import { inDirectory } from './mdp.ts';

const REQUESTS = 10_000;
const SEED = Math.floor(Math.random() * 2 ** 31);

test(`answers fuzzed requests, tells nothing of itself and leaks nothing (seed ${SEED})`, () =>
  inDirectory(async (directory) => {
    const { complaints, statuses } = await fuzzExecutable(directory, REQUESTS, SEED);
    expect(complaints).toEqual([]);
    const unseen = ['200', '400', '401', '404', '405', '413', '414', '431'].filter(
      (status) => !statuses.has(status),
    );
    expect(unseen).toEqual([]);
  }));

/** A server with every fault that the fuzzer is to find. */
const faulty = () =>
  Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    development: false,
    fetch: async ({ url }) => {
      const path = url.replace(/^http:\/\/[^/]*/, '');
      if (path === '/health/live') return new Promise<Response>(() => undefined);
      if (path === '/metrics') return new Response(new Error('x').stack, { status: 200 });
      if (path === '/health') return new Response('oh', { status: 500 });
      return new Response(path === '/status' ? '{"ledger":1}' : 'fine');
    },
  });

test('a server that hangs, fails, or tells of itself is found out', async () => {
  const server = faulty();
  const port = server.port ?? 0;
  const fuzz = { port, seed: 1, secrets: ['"ledger"'], deadlineMs: 200 };
  const { complaints } = await fuzzed({ ...fuzz, requests: 400 });
  const found = complaints.map((line) => /request \d+: ([^(:]+)/.exec(line)?.[1]?.trim());
  const faults = ['no answer', 'status 500', 'tells of itself', 'tells "ledger"'];
  for (const fault of faults) expect(found).toContain(fault);
  await server.stop(true);
});
