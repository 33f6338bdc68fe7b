import { fail, ok, type Finding } from '../../runtime/finding.ts';

const ABOUT = 'http';
const ASK_MS = 2000;

export type Listener = {
  readonly host: string;
  readonly port: number;
  /** The setting that named the port: `http.port`. */
  readonly setting: string;
};

/** Whether a listener's port can be had, or is ours already. */
export const diagnosePort = async ({ host, port, setting }: Listener): Promise<Finding> => {
  if (port === 0) return ok(ABOUT, `${setting} is 0: a free port is taken at the start`);
  const name = `${host}:${port}`;
  const errno = await refusalOf(host, port);
  if (errno === undefined) return ok(ABOUT, `${name} is free`);
  if (await isOurs(host, port)) return ok(ABOUT, `${name} is served by mdp, which runs now`);
  const cure = `end what listens there (ss -ltnp), or choose another ${setting}`;
  return fail(ABOUT, `${name} cannot be listened on (${errno})`, cure);
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

/** Whether what answers there is this program: live, or asking for a key as it does. */
const isOurs = async (host: string, port: number): Promise<boolean> => {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const address = reachable.includes(':') ? `[${reachable}]` : reachable;
  try {
    const response = await fetch(`http://${address}:${port}/health/live`, {
      signal: AbortSignal.timeout(ASK_MS),
    });
    const text = await response.text();
    return response.ok ? text.includes('"status":"live"') : text.includes('"hint":');
  } catch {
    // It does not speak HTTP, or not to us: then it is another program, which the finding says.
    return false;
  }
};
