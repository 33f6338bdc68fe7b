import { expect, test } from 'bun:test';
import { parseDatabaseUrl } from './database-url.ts';

test.each([
  ['sqlite:./data/mdp.db', './data/mdp.db'],
  ['sqlite:mdp.db', 'mdp.db'],
  ['sqlite:/var/lib/mdp/mdp.db', '/var/lib/mdp/mdp.db'],
  ['sqlite:///var/lib/mdp/mdp.db', '/var/lib/mdp/mdp.db'],
])('reads the file of %s', (url, path) => {
  expect(parseDatabaseUrl(url)).toEqual({ kind: 'sqlite', path });
});

test.each(['postgres://user@host/db', 'postgresql://a,b/db'])('leaves %s to PostgreSQL', (url) => {
  expect(parseDatabaseUrl(url)).toEqual({ kind: 'postgres', url });
});

test.each([
  '',
  'sqlite:',
  'sqlite::memory:',
  'sqlite:file:mdp.db?mode=memory',
  'sqlite://host/mdp.db',
  'sqlite:data/',
  'mysql://host/db',
  './data/mdp.db',
])('refuses %p', (url) => {
  expect(parseDatabaseUrl(url)).toBeUndefined();
});
