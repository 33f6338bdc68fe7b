import { connect } from 'node:tls';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import type { Clock } from '../runtime/clock.ts';
import { EXIT, type CommandContext } from './context.ts';

const HEALTHCHECK_HELP = `mdp healthcheck [--config PATH]

Asks the running program's /health/live on the configured port: exit 0 when it turns, else 1.
For container health checks, where no curl exists. Sends the first API key where health is
protected. Where clients need a certificate, a completed TLS handshake is the answer. The
server's certificate is not checked: it names another host than the loopback that is asked.
`;

const DEADLINE_MS = 3000;

/** `mdp healthcheck`: whether the program on this machine turns. */
export const healthcheckCommand = async (
  args: readonly string[],
  context: CommandContext,
): Promise<number> => {
  if (args.includes('--help') || args.includes('-h')) {
    context.stdout.write(HEALTHCHECK_HELP);
    return EXIT.fine;
  }
  const at = args.indexOf('--config');
  const path = at < 0 ? undefined : args[at + 1];
  const { http } = loadConfig({ path, sources: 'ignored' }).config;
  const complaint = await complaintOf(http, context.clock);
  if (complaint === undefined) return EXIT.fine;
  context.stderr.write(`${complaint}\n`);
  return EXIT.failed;
};

type Http = Config['http'];

/** What is wrong with the program that should listen there, undefined when nothing is. */
export const complaintOf = (http: Http, clock: Clock): Promise<string | undefined> =>
  http.tls.clientCa === undefined ? asked(http) : shakenHands(http, clock);

const asked = async ({ host, port, tls, apiKeys, protectMetrics }: Http) => {
  const scheme = tls.cert === undefined ? 'http' : 'https';
  const url = `${scheme}://${reachable(host)}:${port}/health/live`;
  const [key] = protectMetrics ? apiKeys : [];
  try {
    const response = await fetch(url, {
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
      tls: { rejectUnauthorized: false },
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    if (!response.ok) return `${url} answered ${response.status}`;
    const isOurs = (await response.text()).includes('"status":"live"');
    return isOurs ? undefined : `${url} is answered by another program`;
  } catch {
    // No answer is an answer here: the exit code says it.
    return `${url} does not answer`;
  }
};

/**
 * In TLS 1.3 the handshake is through on our side before the server judges our certificate, and
 * the loop that answers it is the one that answers everything.
 */
const shakenHands = ({ host, port }: Http, clock: Clock): Promise<string | undefined> =>
  new Promise((resolve) => {
    const at = { host: reachable(host).replace(/^\[(.*)\]$/, '$1'), port };
    const socket = connect({ ...at, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
    const end = (complaint: string | undefined): void => {
      deadline.cancel();
      socket.destroy();
      resolve(complaint);
    };
    const silent = `${at.host}:${port} does not answer`;
    const deadline = clock.after(DEADLINE_MS, () => end(silent));
    socket.once('secureConnect', () => end(undefined));
    socket.once('error', () => end(silent));
  });

/** The address under which a listener on every address is reached from here. */
const reachable = (host: string): string => {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
};
