import type { Config } from '../../config/config.ts';
import type { Clock } from '../../runtime/clock.ts';
import { fail, ok, type Finding } from '../../runtime/finding.ts';
import { complaintOf } from '../healthcheck.ts';

const ABOUT = 'http';

/** The ports that the program would listen on. */
export const diagnosePorts = async (config: Config, clock: Clock): Promise<readonly Finding[]> => {
  const { http, telemetry } = config;
  const findings = [await portFinding(http, 'http.port', clock)];
  const { metricsPort: port } = telemetry;
  if (port !== undefined && port !== http.port) {
    findings.push(await portFinding({ ...http, port }, 'telemetry.metrics_port', clock));
  }
  return findings;
};

/** Whether a listener's port can be had, or is ours already. */
const portFinding = async (
  http: Config['http'],
  setting: string,
  clock: Clock,
): Promise<Finding> => {
  const { host, port } = http;
  if (port === 0) return ok(ABOUT, `${setting} is 0: a free port is taken at the start`);
  const name = `${host}:${port}`;
  const errno = await refusalOf(host, port);
  if (errno === undefined) return ok(ABOUT, `${name} is free`);
  const complaint = await complaintOf(http, clock);
  if (complaint === undefined) return ok(ABOUT, `${name} is served by mdp, which runs now`);
  const cure = `end what listens there (ss -ltnp), or choose another ${setting}`;
  return fail(ABOUT, `${name} cannot be listened on (${errno}): ${complaint}`, cure);
};

/** The errno of listening there; undefined when it can be done. */
const refusalOf = async (hostname: string, port: number): Promise<string | undefined> => {
  try {
    await Bun.serve({ hostname, port, fetch: () => new Response() }).stop(true);
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
};
