import { expect, test } from 'bun:test';
import { withoutSecrets } from './without-secrets.ts';

test.each([
  ['cannot reach wss://u:geheim@h/ws?token=geheim now', 'cannot reach wss://***@h/ws?*** now'],
  ["Unexpected argument 'postgres://u:ge@he/im@h/db'", "Unexpected argument 'postgres://***@h/db'"],
  ['found "u:geheim@h:3128"', 'found "***@h:3128"'],
  ['got `:geheim@h`', 'got `***@h`'],
  ['a?b=geheim', 'a?***'],
  ['did you mean x? allowed: wss://host:443/ws', 'did you mean x? allowed: wss://host:443/ws'],
  ['SQLSTATE 42501: ask at 12:30', 'SQLSTATE 42501: ask at 12:30'],
])('%s', (text, shown) => {
  expect(withoutSecrets(text)).toBe(shown);
});
