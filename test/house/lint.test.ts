/** Every lint rule that the house style rests on trips on a line that breaks it. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { copyFile, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lint } from '../../scripts/lint.ts';

const root = join(import.meta.dir, '../..');

const breaks: Readonly<Record<string, string>> = {
  'no-floating-promises': 'export function f(work: () => Promise<void>) {\n  work();\n}\n',
  'no-misused-promises': 'export const f = (work: () => Promise<boolean>) => (work() ? 1 : 2);\n',
  'await-thenable': 'export async function f(x: number) {\n  await x;\n}\n',
  'no-explicit-any': 'export function f(x: any) {\n  return String(x);\n}\n',
  'no-non-null-assertion': 'export const f = (x: string | undefined) => x!.length;\n',
  'no-unsafe-type-assertion': 'export const f = (x: unknown) => x as string;\n',
  'no-unsafe-assignment': 'export const f: { x: string } = JSON.parse("{}");\n',
  'switch-exhaustiveness-check':
    'export function f(x: "a" | "b") {\n  switch (x) {\n    case "a":\n      break;\n  }\n}\n',
  'only-throw-error': 'export const f = () => {\n  throw "text";\n};\n',
  'no-empty': 'export function f(g: () => void) {\n  try {\n    g();\n  } catch {}\n}\n',
  eqeqeq: 'export const f = (x: number, y: number) => x == y;\n',
  'no-default-export': 'const x = 1;\nexport default x;\n',
  'no-console': 'console.log("x");\nexport const x = 1;\n',
  'max-lines': `export const x = 1;\n${'\n'.repeat(500)}`,
  'max-lines-per-function': `export function f() {\n${'  void 0;\n'.repeat(69)}}\n`,
};

let report = '';
let place = '';

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'mdp-lint-'));
  await mkdir(join(place, 'src'));
  await symlink(join(root, 'node_modules'), join(place, 'node_modules'));
  await copyFile(join(root, '.oxlintrc.json'), join(place, '.oxlintrc.json'));
  await copyFile(join(root, 'tsconfig.json'), join(place, 'tsconfig.json'));
  for (const [rule, text] of Object.entries(breaks)) {
    await Bun.write(join(place, 'src', `${rule}.ts`), text);
  }
  await Bun.write(join(place, 'src', 'sound.ts'), 'export const sound = 1;\n');
  const ended = Bun.spawnSync({
    cmd: [...lint.cmd, '--format=unix', 'src'],
    env: lint.env,
    cwd: place,
  });
  report = ended.stdout.toString();
});

afterAll(() => rm(place, { recursive: true, force: true }));

test.each(Object.keys(breaks))('%s trips', (rule) => {
  const faults = report.split('\n').filter((line) => line.includes(`src/${rule}.ts:`));
  expect(faults.some((fault) => fault.includes(`(${rule})`))).toBe(true);
});

test('code that breaks no rule passes', () => {
  expect(report).not.toContain('sound.ts');
});
