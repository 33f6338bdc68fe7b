/** The executable as it is fuzzed: with a key, an audit log, and no limit that hides the rest. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startMdp, until, type Running } from '../e2e/mdp.ts';
import { fuzzed } from './requests.ts';

const KEY = 'the-key-that-nobody-says';

export type Ordeal = {
  readonly complaints: readonly string[];
  readonly statuses: ReadonlyMap<string, number>;
  readonly seconds: number;
};

const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

const residentMiB = async (pid: number): Promise<number> =>
  Number(/VmRSS:\s+(\d+)/.exec(await Bun.file(`/proc/${pid}/status`).text())?.[1]) / 1024;

/** A connection that was closed is gone from the server soon after. */
const SETTLED_MS = 20_000;
const SPARE_FILES = 8;
/** Above what it had when it began: caches fill, and the collector takes its time. */
const SPARE_MIB = 200;

/** Starts it in an empty directory, fuzzes it, and says what there is to complain of. */
export const fuzzExecutable = async (
  directory: string,
  requests: number,
  seed: number,
): Promise<Ordeal> => {
  const run = await startMdp(directory, {
    API_KEY: KEY,
    PIPELINE_HTTP_MAX_REQUESTS_PER_SEC: '0',
    PIPELINE_HTTP_AUDIT_LOG: join(directory, 'audit.log'),
  });
  const port = Number(new URL(run.url).port);
  const before = { files: openFiles(run.pid), memory: await residentMiB(run.pid) };
  const began = performance.now();
  const secrets = [KEY, directory, '"ledger"', 'audit.log'];
  const { complaints, statuses } = await fuzzed({ port, requests, seed, secrets });
  const seconds = (performance.now() - began) / 1000;
  return { complaints: [...complaints, ...(await after(run, before))], statuses, seconds };
};

const after = async (
  run: Running,
  before: { readonly files: number; readonly memory: number },
): Promise<readonly string[]> => {
  const complaints: string[] = [];
  const { status } = await run.get('/status', { 'x-api-key': KEY });
  if (status !== 200) complaints.push(`afterwards /status answers ${status}`);
  const files = await until(
    () => Promise.resolve(openFiles(run.pid)),
    (now) => now <= before.files + SPARE_FILES,
    SETTLED_MS,
  ).catch(() => openFiles(run.pid));
  if (files > before.files + SPARE_FILES) complaints.push(`${files} files are open afterwards`);
  const memory = await residentMiB(run.pid);
  if (memory > before.memory + SPARE_MIB) complaints.push(`${memory} MiB are held afterwards`);
  if (/A request failed|"level":"error"/.test(run.log())) complaints.push(run.log());
  const code = await run.stop();
  if (code !== 0) complaints.push(`ended with ${code}`);
  return complaints;
};
