import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { effectiveYaml } from './effective.ts';
import { defaultOf } from './describe.ts';
import { leaves } from './leaves.ts';
import { reference } from './reference.ts';
import { shippedConfig } from './shipped.ts';
import { load } from './testing.ts';

test('the shipped config.yaml says every default and nothing else', () => {
  const shipped = load({ files: { 'config.yaml': shippedConfig } });
  expect(shipped.config).toEqual(load({}).config);
  const unsaid = leaves.filter(({ path }) => shipped.said(path).place.kind === 'default');
  const withoutDefault = leaves.filter(({ schema }) => defaultOf(schema) === undefined);
  expect(unsaid.map(({ key }) => key)).toEqual([
    'sources',
    ...withoutDefault.map(({ key }) => key),
  ]);
});

test('what the shipped config.yaml has in comments can be taken out of them', () => {
  const uncommented = shippedConfig.replaceAll(/^#(?=  )/gm, '');
  const { said } = load({ files: { 'config.yaml': uncommented } });
  const unsaid = leaves.filter(({ path }) => said(path).place.kind === 'default');
  expect(unsaid.map(({ key }) => key)).toEqual([]);
});

test('docs/configuration.md is what the schemas say', async () => {
  const page = Bun.file(join(import.meta.dir, '../../docs/configuration.md'));
  expect(await page.text()).toBe(reference());
});

test('the effective configuration can be loaded again and gives the same', () => {
  const env = {
    PIPELINE_SOURCES:
      '[{"type":"coinbase","symbols":["BTC-USD"]},{"type":"synthetic","odd":{"gap":0.5}}]',
    PIPELINE_MAX_BYTES: '512000',
    PIPELINE_DATABASE_RETENTION: '30d',
    PIPELINE_METRICS_PORT: '9090',
  };
  const loaded = load({ env });
  const again = load({ files: { 'config.yaml': effectiveYaml(loaded) } });
  expect(again.config).toEqual(loaded.config);
});
