import { expect, test } from 'bun:test';
import { effectiveYaml } from './effective.ts';
import { maskedUrl } from './secrets.ts';
import { load } from './testing.ts';

test.each([
  ['postgres://user:geheim@host/db', 'postgres://user:***@host/db'],
  ['postgres://user:ge@he/im@host:5432/db', 'postgres://user:***@host:5432/db'],
  ['postgres://:geheim@host/db', 'postgres://:***@host/db'],
  [
    'postgres://host/db?user=u&password=geheim&sslmode=require',
    'postgres://host/db?user=u&password=***&sslmode=require',
  ],
  ['wss://host/ws?api_key=geheim&x=geheim', 'wss://host/ws?api_key=***&x=***'],
  ['user:geheim@host:3128', 'user:***@host:3128'],
  ['sqlite:/srv/a:b@c.db?x=y', 'sqlite:/srv/a:b@c.db?x=y'],
  ['postgres://user@host/db', 'postgres://user@host/db'],
  ['sqlite:./data/mdp.db', 'sqlite:./data/mdp.db'],
])('%s is shown as %s', (url, shown) => {
  expect(maskedUrl(url)).toBe(shown);
});

test('the effective configuration shows no secret', () => {
  const env = {
    DATABASE_URL: 'postgres://user:geheim@host/db?password=geheim',
    API_KEY: 'geheim-1,geheim-2',
    PIPELINE_SOURCES: '[{"type":"kraken","symbols":["A/B"],"url":"wss://u:geheim@proxy/x"}]',
  };
  const text = effectiveYaml(load({ env }));
  expect(text).not.toContain('geheim');
  expect(text).toContain('postgres://user:***@host/db?password=***');
  expect(text).toContain('# API_KEY');
});
