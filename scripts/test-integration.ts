/**
 * `dev.sh test-integration`: the diagnostics of the deployment guide. What `mdp doctor` finds with
 * the configuration and environment as they are here; the tests that need a real server and real
 * sockets; and the smoke test, when something answers at BASE_URL. All of it runs, whatever fails.
 *
 *     ./scripts/dev.sh test-integration [FILTER]
 *
 * FILTER: only tests whose file path contains it.
 */
import { join } from 'node:path';

const INTEGRATION = ['test/contract/', 'test/fault/', 'test/e2e/run.test.ts'];
const BASE_URL = process.env['BASE_URL'] ?? 'http://127.0.0.1:8083';
const ANSWER_MS = 3000;

type Step = { readonly name: string; readonly told: string; readonly failed: boolean };

/** Runs a command in sight of the user, and tells how it ended. */
const step = async (
  name: string,
  cmd: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Step> => {
  console.log(`--- ${name}: ${cmd.slice(-3).join(' ')}`);
  const child = Bun.spawn([...cmd], { env, stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' });
  const code = await child.exited;
  return { name, told: code === 0 ? 'ok' : `FAILED (exit code ${code})`, failed: code !== 0 };
};

/** What an operator has set is for the doctor; tests begin without it. */
const forTests = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(PIPELINE_|DATABASE_URL|API_KEY|OTEL_)/.test(name),
    ),
  );

/** Why nothing can be asked there; undefined when something answers, whatever it says. */
const silence = async (): Promise<string | undefined> => {
  try {
    await fetch(new URL('/health/live', BASE_URL), { signal: AbortSignal.timeout(ANSWER_MS) });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const smokeTest = async (): Promise<Step> => {
  const name = 'smoke test';
  const reason = await silence();
  if (reason === undefined) {
    return step(name, ['./scripts/smoke_test.sh'], { ...process.env, BASE_URL });
  }
  const set = process.env['BASE_URL'] === undefined ? '; BASE_URL says where else' : '';
  return { name, told: `not run: nothing answers at ${BASE_URL} (${reason})${set}`, failed: false };
};

const filters = process.argv.slice(2);
const tests = filters.length > 0 ? filters : INTEGRATION;
const steps = [
  await step('doctor', ['dist/mdp', 'doctor']),
  await step(
    'integration tests',
    [process.execPath, join(import.meta.dir, 'test.ts'), ...tests],
    forTests(),
  ),
  await smokeTest(),
];
for (const { name, told } of steps) console.log(`${name.padEnd(18)}${told}`);
process.exitCode = steps.some(({ failed }) => failed) ? 1 : 0;
