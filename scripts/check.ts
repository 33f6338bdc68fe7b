/**
 * Everything that can be said about the repository without running the program: types, lint,
 * format, unused code, and the house rules (test/house). All checks run, however many fail; the
 * table at the end says how long each took and how to mend what it found.
 */
import { lint } from './lint.ts';

type Check = {
  readonly name: string;
  readonly cmd: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly mend: string;
};

const bun = process.execPath;
const checks: readonly Check[] = [
  {
    name: 'types',
    cmd: [bun, 'check', '--no-script'],
    mend: 'make the types true; no any, no !, no as',
  },
  {
    name: 'lint',
    cmd: lint.cmd,
    env: lint.env,
    mend: 'mend the code; a rule is silenced only with its reason beside it',
  },
  { name: 'format', cmd: [bun, 'fmt', '--check', '--no-script'], mend: './scripts/dev.sh fmt' },
  {
    name: 'unused',
    cmd: [bun, '--bun', 'node_modules/knip/bin/knip.js', '--no-progress', '--no-config-hints'],
    mend: 'delete what nothing uses',
  },
  {
    name: 'house',
    cmd: [bun, 'test', '--timeout=60000', '--only-failures', 'test/house'],
    mend: 'each fault names its cure; the rules are in test/house',
  },
];

const rows: string[] = [];
let failures = 0;
for (const { name, cmd, env = process.env, mend } of checks) {
  const started = performance.now();
  const { success, stdout, stderr } = Bun.spawnSync({ cmd: [...cmd], env });
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
  if (!success) {
    failures += 1;
    console.log(`--- ${name}`);
    process.stdout.write(stdout);
    process.stdout.write(stderr);
  }
  rows.push(`${name.padEnd(8)}${seconds} s  ${success ? 'ok' : `FAILED: ${mend}`}`);
}
console.log(rows.join('\n'));
process.exitCode = failures > 0 ? 1 : 0;
