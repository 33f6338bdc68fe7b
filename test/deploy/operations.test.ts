/** operations.md and the README name only what is there: files, settings, metrics, commands. */
import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inDirectory, mdp, startMdp } from '../e2e/mdp.ts';
import { repository } from './dockerfile.ts';
import { readRules } from './prometheus.ts';

const texts = await Promise.all(
  ['docs/operations.md', 'README.md'].map((path) => Bun.file(join(repository, path)).text()),
);
const text = texts.join('\n');

const found = (pattern: RegExp): readonly string[] => [
  ...new Set([...text.matchAll(pattern)].map(([, name = '']) => name)),
];

test('every file that is named is there', () => {
  const paths = found(
    /(?<![\w./-])((?:deploy|scripts|monitoring|docs|bench|components)\/[\w./-]*)/g,
  );
  expect(paths.length).toBeGreaterThan(10);
  for (const path of paths.map((each) => each.replace(/[./]+$/, ''))) {
    const places = [path, join('deploy/kubernetes', path)];
    const there = places.some((place) => existsSync(join(repository, place)));
    expect({ path, there }).toEqual({ path, there: true });
  }
});

test('every setting that is named is one', async () => {
  const reference = await Bun.file(join(repository, 'docs/configuration.md')).text();
  const known = new Set([...reference.matchAll(/^\| `([a-z_.]+)`/gm)].map(([, key]) => key));
  const sections = [...new Set([...known].map((key) => key?.split('.')[0]))].join('|');
  const keys = found(new RegExp(`\`((?:${sections})\\.[a-z_.]+)`, 'g'));
  expect(keys.length).toBeGreaterThan(20);
  const parts = new Set([...known].map((key) => key?.replace(/\.[a-z_]+$/, '')));
  for (const key of keys) {
    expect({ key, known: known.has(key) || parts.has(key) }).toEqual({ key, known: true });
  }
  for (const name of found(/\b(PIPELINE_[A-Z_]+[A-Z])\b/g)) {
    expect({ name, known: reference.includes(`\`${name}\``) }).toEqual({ name, known: true });
  }
});

test('every metric that is named is one, of a pipeline that traces', () =>
  inDirectory(async (directory) => {
    const run = await startMdp(directory, { PIPELINE_ENABLE_TRACING: 'true' });
    const metrics = await (await run.get('/metrics')).text();
    await run.stop();
    const recorded = (await readRules()).groups.flatMap(({ rules }) =>
      rules.flatMap(({ record }) => (record === undefined ? [] : [record])),
    );
    const names = found(/`((?:mdp|operator|process)_[a-z_]+)/g);
    expect(names.length).toBeGreaterThan(15);
    for (const name of names) {
      const known = metrics.includes(`# TYPE ${name} `) || recorded.includes(name);
      expect({ name, known }).toEqual({ name, known: true });
    }
  }));

test('every command that is named is one', () =>
  inDirectory(async (directory) => {
    const verbs = found(/(?:`|^ +|dist\/)mdp ([a-z]+)/gm);
    expect(verbs.length).toBeGreaterThan(6);
    for (const verb of verbs) {
      const { code } = await mdp(directory, [verb, '--help']);
      expect({ verb, code }).toEqual({ verb, code: 0 });
    }
    const { stdout: help } = Bun.spawnSync([join(repository, 'scripts/dev.sh'), 'help']);
    for (const verb of found(/dev\.sh ([a-z-]+)/g)) {
      expect({ verb, known: help.toString().includes(`\n  ${verb} `) }).toEqual({
        verb,
        known: true,
      });
    }
  }));
