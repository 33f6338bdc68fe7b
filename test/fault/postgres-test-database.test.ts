import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createTestDatabase } from '../postgres/database.ts';
import { PrivateServer, execute } from '../postgres/server.ts';

let server: PrivateServer;
const before = process.env['TEST_DATABASE_URL'];

beforeAll(async () => {
  server = await PrivateServer.start();
  await execute(server.url(), 'create role modest login; create role able login createdb');
});

afterAll(async () => {
  if (before === undefined) delete process.env['TEST_DATABASE_URL'];
  else process.env['TEST_DATABASE_URL'] = before;
  await server.remove();
});

test('makes and drops a database of its own on TEST_DATABASE_URL', async () => {
  process.env['TEST_DATABASE_URL'] = server.url().replace('postgres@', 'able@');
  const named = "select from pg_database where datname like 'mdp_test_%'";
  const database = await createTestDatabase();
  expect(await database.query('select current_user::text as me')).toEqual([{ me: 'able' }]);
  expect(await execute(server.url(), named)).toHaveLength(1);
  await database.drop();
  expect(await execute(server.url(), named)).toHaveLength(0);
});

test('refuses a role that may not create databases, and says so', async () => {
  process.env['TEST_DATABASE_URL'] = server.url().replace('postgres@', 'modest@');
  const refused = createTestDatabase();
  await expect(refused).rejects.toThrow('role modest has no CREATEDB');
});
