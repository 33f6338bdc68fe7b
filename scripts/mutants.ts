/**
 * `dev.sh mutants`: takes one guard out of a copy of the tree at a time and runs the test that must
 * notice. A mutant that lives, or whose line is no longer there, fails the run.
 *
 *     ./scripts/dev.sh mutants [PART OF A NAME]
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MUTANTS, type Mutant } from '../test/ordeal/mutants.ts';

const COPIED = [
  'src',
  'test',
  'scripts',
  'config.yaml',
  'package.json',
  'bun.lock',
  'bunfig.toml',
  'tsconfig.json',
];
const root = join(import.meta.dir, '..');

const copyOfTree = (): string => {
  const copy = mkdtempSync(join(tmpdir(), 'mdp-mutant-'));
  for (const path of COPIED) cpSync(join(root, path), join(copy, path), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
};

/** Applies the mutant; false where its line does not stand exactly once in its file. */
const apply = (copy: string, { file, line, instead }: Mutant): boolean => {
  const path = join(copy, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(line).length !== 2) return false;
  writeFileSync(
    path,
    text.replace(line, () => instead),
  );
  return true;
};

const run = (copy: string, ...command: readonly string[]): boolean =>
  Bun.spawnSync([process.execPath, ...command], {
    cwd: copy,
    env: { ...process.env, MDP_BINARY: join(copy, 'dist/mdp'), KILL_SEED: '1' },
    stdout: 'ignore',
    stderr: 'ignore',
    timeout: 180_000,
  }).success;

/** The test of the mutant, on the tree as it is in the copy now. */
const passes = (copy: string, { test, name }: Mutant): boolean => {
  if (test.startsWith('test/e2e/')) run(copy, 'scripts/build.ts');
  return run(copy, 'test', test, '-t', name);
};

/** What became of the mutant: its test passes without it, and should not with it. */
const tried = (mutant: Mutant): 'killed' | 'LIVES' | 'its line is gone' | 'its test fails' => {
  const copy = copyOfTree();
  try {
    if (!passes(copy, mutant)) return 'its test fails';
    if (!apply(copy, mutant)) return 'its line is gone';
    return passes(copy, mutant) ? 'LIVES' : 'killed';
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
};

const [part = ''] = Bun.argv.slice(2);
let alive = 0;
for (const mutant of MUTANTS.filter(({ guard }) => guard.includes(part))) {
  const outcome = tried(mutant);
  if (outcome !== 'killed') alive += 1;
  console.log(`${outcome}  ${mutant.guard}  (${mutant.test}: ${mutant.name})`);
}
console.log(alive === 0 ? 'every mutant was killed' : `${alive} mutants were not killed`);
process.exitCode = alive === 0 ? 0 : 1;
