/**
 * The executable under fuzzed requests over real sockets, and `mdp check` with fuzzed
 * configurations, each a process of its own: no crash, no hang, nothing told that must not be.
 *
 *     ./scripts/dev.sh soak fuzz [REQUESTS] [CONFIGURATIONS] [SEED]
 */
import fc from 'fast-check';
import { join } from 'node:path';
import { inDirectory, mdp } from '../e2e/mdp.ts';
import { complaintsOf, configurations, type Configuration } from '../fuzz/configurations.ts';
import { fuzzExecutable } from '../fuzz/executable.ts';

const [requests = 10_000, count = 2000, seed = Math.floor(Math.random() * 2 ** 31)] = Bun.argv
  .slice(2)
  .map(Number);
const PROCESSES = 2;
/** A process is ended after this, and complained of. */
const DEADLINE_MS = 60_000;

/** What the executable says of a configuration, and what there is to complain of. */
const checked = (configuration: Configuration): Promise<readonly string[]> =>
  inDirectory(async (directory) => {
    await Bun.write(join(directory, 'config.yaml'), configuration.yaml);
    const ended = mdp(directory, ['check'], configuration.env);
    const finished = await Promise.race([ended, Bun.sleep(DEADLINE_MS)]);
    if (finished === undefined) return ['hangs'];
    const { code, stdout, stderr } = finished;
    const said = `${stdout}\n${stderr}`;
    const lines = stderr.replace(/^mdp: /, '').split('\n');
    return [
      ...(code === 0 || code === 2 ? [] : [`exit code ${code}: ${stderr.slice(0, 500)}`]),
      ...(/^\s+at .+:\d+/m.test(said) ? [`shows a stack: ${said.slice(0, 500)}`] : []),
      ...complaintsOf(configuration, () => (code === 2 ? lines : [])),
    ];
  });

/** Names with `=` or NUL, and texts with NUL, cannot be handed to a process. */
const canBeGiven = ({ env }: Configuration): boolean =>
  Object.entries(env).every(([name, text]) => !/[=\0]/.test(name) && !text.includes('\0'));

const fuzzConfigurations = async (): Promise<readonly string[]> => {
  const waiting = fc.sample(configurations.filter(canBeGiven), { seed, numRuns: count });
  const complaints: string[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const given = JSON.stringify(next).slice(0, 500);
      complaints.push(...(await checked(next)).map((what) => `${what} (${given})`));
    }
  };
  await Promise.all(Array.from({ length: PROCESSES }, worker));
  return complaints;
};

const { complaints, statuses, seconds } = await inDirectory((directory) =>
  fuzzExecutable(directory, requests, seed),
);
const answers = [...statuses]
  .map(([status, times]) => `${status} ×${times}`)
  .toSorted((a, b) => (a < b ? -1 : 1));
console.log(
  `seed ${seed}: ${requests} requests in ${seconds.toFixed(1)} s, answers ${answers.join(', ')}`,
);
const began = performance.now();
const refused = await fuzzConfigurations();
const took = ((performance.now() - began) / 1000).toFixed(1);
console.log(`seed ${seed}: ${count} configurations in ${took} s`);
for (const complaint of [...complaints, ...refused]) console.log(`  ${complaint}`);
process.exitCode = complaints.length + refused.length > 0 ? 1 : 0;
