import { PrivateServer, execute } from './server.ts';

export type TestDatabase = {
  readonly url: string;
  query(text: string): Promise<readonly Record<string, unknown>[]>;
  drop(): Promise<void>;
};

let shared: Promise<PrivateServer> | undefined;

/**
 * A fresh database `mdp_test_<random>` on `TEST_DATABASE_URL`, else on a private server that this
 * process shares. A role that may not create databases is refused with that reason.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const admin = process.env['TEST_DATABASE_URL'] ?? (await sharedServer()).url();
  await requireCreateDatabase(admin);
  const name = `mdp_test_${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`;
  await execute(admin, `create database ${name}`);
  const address = new URL(admin);
  address.pathname = `/${name}`;
  const url = address.href;
  return {
    url,
    query: (text) => execute(url, text),
    drop: async () => {
      await execute(admin, `drop database ${name} with (force)`);
    },
  };
}

function sharedServer(): Promise<PrivateServer> {
  shared ??= PrivateServer.start();
  return shared;
}

async function requireCreateDatabase(admin: string): Promise<void> {
  const [role] = await execute(
    admin,
    'select rolname, rolcreatedb or rolsuper as may from pg_roles where rolname = current_user',
  );
  if (role?.['may'] === true) return;
  throw new Error(
    `TEST_DATABASE_URL: role ${String(role?.['rolname'])} has no CREATEDB, and every test makes ` +
      `a database of its own: alter role … createdb`,
  );
}
