import { beforeAll, expect, test } from 'bun:test';
import { symlinkSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import * as v from 'valibot';
import { binary } from '../test/e2e/binary.ts';
import { billOfMaterials } from './sbom.ts';

const root = join(import.meta.dir, '..');
const dist = join(root, 'dist');

const bom = v.object({
  metadata: v.object({
    component: v.object({ hashes: v.array(v.object({ content: v.string() })) }),
  }),
  components: v.array(v.object({ name: v.string(), version: v.string() })),
});

const read = async (): Promise<string> => Bun.file(join(dist, 'mdp.cdx.json')).text();

const verified = (directory: string): boolean =>
  Bun.spawnSync(['sha256sum', '--check', '--strict', '--quiet', 'SHA256SUMS'], {
    cwd: directory,
    stderr: 'ignore',
    stdout: 'ignore',
  }).success;

beforeAll(() => void binary());

test('the bill that the build makes holds by the schema that CycloneDX publishes', async () => {
  const judge = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  expect(await judge.validate(await read())).toBeNull();
  const wrong = (await read()).replace('"type": "library"', '"type": "book"');
  expect(await judge.validate(wrong)).not.toBeNull();
});

test('the same executable gives the same bytes', async () => {
  const of = { commit: 'abc', sha256: '0'.repeat(64) };
  expect(await billOfMaterials(of)).toBe(await billOfMaterials(of));
});

test('every package that is bundled is in it, and Bun; none that only tests need', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'mdp-sbom-'));
  const meta = join(directory, 'meta.json');
  const flags = ['--target=bun', `--metafile=${meta}`, `--outdir=${directory}`];
  const built = Bun.spawnSync([process.execPath, 'build', ...flags, 'src/main.ts'], { cwd: root });
  expect(built.success).toBe(true);
  const { inputs } = v.parse(
    v.object({ inputs: v.record(v.string(), v.unknown()) }),
    await Bun.file(meta).json(),
  );
  rmSync(directory, { recursive: true });
  const inside = Object.keys(inputs).flatMap(
    (path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
  );
  const names = v.parse(bom, JSON.parse(await read())).components.map(({ name }) => name);
  expect(inside).toContain('hono');
  for (const name of [...inside, 'bun']) expect(names).toContain(name);
  for (const name of ['fast-check', 'oxlint', 'ajv']) expect(names).not.toContain(name);
});

test('the checksums are of executable and bill, and a changed byte breaks them', async () => {
  expect(verified(dist)).toBe(true);
  const { metadata } = v.parse(bom, JSON.parse(await read()));
  const sums = await Bun.file(join(dist, 'SHA256SUMS')).text();
  expect(sums).toContain(`${metadata.component.hashes[0]?.content}  mdp\n`);
  const copy = mkdtempSync(join(root, 'dist/sums-'));
  for (const name of ['mdp', 'SHA256SUMS']) symlinkSync(join(dist, name), join(copy, name));
  writeFileSync(join(copy, 'mdp.cdx.json'), (await read()).replace('MIT', 'MIA'));
  expect(verified(copy)).toBe(false);
  writeFileSync(join(copy, 'mdp.cdx.json'), await read());
  expect(verified(copy)).toBe(true);
  rmSync(copy, { recursive: true });
});
