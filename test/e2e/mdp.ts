/**
 * The executable in a directory of its own: started, asked over HTTP, stopped by signals, and read
 * back by `mdp query`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { binary } from './binary.ts';

export type Environment = Readonly<Record<string, string>>;

export type Finished = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** An empty directory, removed when the callback is through. */
export const inDirectory = async <T>(use: (directory: string) => Promise<T>): Promise<T> => {
  const directory = mkdtempSync(join(tmpdir(), 'mdp-e2e-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

/** Nothing of the tests' own environment reaches the program but a PATH without bun. */
const clean = (environment: Environment): Environment => ({
  PATH: '/usr/bin:/bin',
  HOME: '/nonexistent',
  ...environment,
});

/**
 * Runs a command of the executable to its end. `through`: words in front of it that end in running
 * it, such as those that enter a control group.
 */
export const mdp = async (
  directory: string,
  args: readonly string[],
  environment: Environment = {},
  through: readonly string[] = [],
): Promise<Finished> => {
  const child = Bun.spawn([...through, binary(), ...args], {
    cwd: directory,
    env: clean(environment),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
};

export type Running = {
  readonly url: string;
  readonly pid: number;
  /** Log lines so far. */
  readonly log: () => string;
  readonly stdout: () => string;
  status(): Promise<Status>;
  health(): Promise<Health>;
  get(path: string, headers?: Environment): Promise<Response>;
  signal(name: NodeJS.Signals): void;
  /** SIGTERM, then the exit code. */
  stop(): Promise<number>;
  readonly exited: Promise<number>;
};

const counts = v.record(v.string(), v.number());

/** The parts of /status that tests ask for. */
const status = v.object({
  status: v.string(),
  ready: v.boolean(),
  ledger: v.object({ frames: counts, rows: v.record(v.string(), counts), balanced: v.boolean() }),
});

export type Status = v.InferOutput<typeof status>;

const health = v.object({
  status: v.string(),
  entries: v.array(
    v.object({
      kind: v.string(),
      name: v.string(),
      status: v.string(),
      reason: v.optional(v.nullable(v.string())),
    }),
  ),
});

export type Health = v.InferOutput<typeof health>;

/** Starts `mdp run` on a free port and waits until it listens; `through` as for `mdp`. */
export const startMdp = async (
  directory: string,
  environment: Environment = {},
  args: readonly string[] = [],
  through: readonly string[] = [],
): Promise<Running> => {
  const child = Bun.spawn([...through, binary(), 'run', ...args], {
    cwd: directory,
    env: clean({ PIPELINE_HTTP_PORT: '0', PIPELINE_LOG_FORMAT: 'json', ...environment }),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const log = collect(child.stderr);
  const stdout = collect(child.stdout);
  const port = await Promise.race([log.match(/\blistening\b.*\bport"?[:=](\d+)/), child.exited]);
  if (typeof port === 'number') {
    await log.ended;
    throw new Error(`mdp exited with ${port}:\n${log.text()}`);
  }
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    pid: child.pid,
    log: log.text,
    stdout: stdout.text,
    status: async () => v.parse(status, await (await fetch(`${url}/status`)).json()),
    health: async () => v.parse(health, await (await fetch(`${url}/health`)).json()),
    get: (path, headers = {}) => fetch(`${url}${path}`, { headers }),
    signal: (name) => child.kill(name),
    stop: async () => {
      child.kill('SIGTERM');
      return child.exited;
    },
    exited: child.exited,
  };
};

/** Gathers a stream's text; `match` resolves with the first group as soon as it is there. */
const collect = (stream: ReadableStream<Uint8Array>) => {
  let text = '';
  const waiting = new Set<() => void>();
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true });
      for (const check of waiting) check();
    }
  };
  const reading = read();
  const ended = reading.catch(() => undefined);
  return {
    text: () => text,
    /** Nothing more will come. */
    ended,
    match: (pattern: RegExp): Promise<string> =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = pattern.exec(text)?.[1];
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
  };
};

/** Waits until `condition` holds; fails with what it saw last after `ms`. */
export const until = async <T>(
  ask: () => Promise<T>,
  condition: (seen: T) => boolean,
  ms = 20_000,
): Promise<T> => {
  const deadline = performance.now() + ms;
  for (;;) {
    const seen = await ask();
    if (condition(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`waited in vain: ${JSON.stringify(seen)}`);
    await Bun.sleep(20);
  }
};

const rows = v.array(
  v.record(v.string(), v.nullable(v.union([v.string(), v.number(), v.boolean()]))),
);

export type Rows = v.InferOutput<typeof rows>;

/** The rows of `mdp query … --format json`, all of them. */
export const query = async (
  directory: string,
  kind: 'bars' | 'trades' | 'quotes' | 'gaps',
  symbol: string,
  environment: Environment = {},
  more: readonly string[] = [],
): Promise<Rows> => {
  const args = ['query', kind, symbol, '--limit', '100000000', '--format', 'json', ...more];
  const { code, stdout, stderr } = await mdp(directory, args, environment);
  if (code !== 0) throw new Error(`mdp query ${kind} ${symbol} exited with ${code}: ${stderr}`);
  return v.parse(rows, JSON.parse(stdout));
};
