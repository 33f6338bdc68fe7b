import { loadConfig } from '../config/load.ts';
import { EXIT, type CommandContext } from './context.ts';

const HEALTHCHECK_HELP = `mdp healthcheck [--config PATH]

Asks the running program's /health/live on the configured port: exit 0 when it turns, else 1.
For container health checks, where no curl exists. Sends the first API key where keys are set.
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
  const { config } = loadConfig({ path, sources: 'ignored' });
  const { host, port, apiKeys } = config.http;
  const [key] = apiKeys;
  const url = `http://${reachable(host)}:${port}/health/live`;
  try {
    const response = await fetch(url, {
      headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    if (response.ok) return EXIT.fine;
    context.stderr.write(`${url} answered ${response.status}\n`);
  } catch {
    // No answer is an answer here: the exit code says it.
    context.stderr.write(`${url} does not answer\n`);
  }
  return EXIT.failed;
};

/** The address under which a listener on every address is reached from here. */
const reachable = (host: string): string => {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
};
