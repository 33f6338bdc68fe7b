/** The databases in which the ordeals are judged, each in a fresh directory. */
import { join } from 'node:path';
import { inDirectory, type Environment } from '../e2e/mdp.ts';
import { execute, PrivateServer } from '../postgres/server.ts';
import { postgresStored, sqliteStored, type Stored } from './stored.ts';

export type Fresh = { readonly environment: Environment; readonly stored: Stored };

export type Setting = {
  readonly directory: string;
  /** A database that is empty, by name. */
  database(name: string): Promise<Fresh>;
  /** Stops the database for a while. undefined = it cannot be stopped. */
  readonly outage: ((ms: number) => Promise<void>) | undefined;
};

export const withSqlite = (use: (setting: Setting) => Promise<void>): Promise<void> =>
  inDirectory((directory) =>
    use({
      directory,
      database: (name) =>
        Promise.resolve({
          environment: { DATABASE_URL: `sqlite:./${name}.db` },
          stored: sqliteStored(join(directory, `${name}.db`)),
        }),
      outage: undefined,
    }),
  );

export const withPostgres = async (use: (setting: Setting) => Promise<void>): Promise<void> => {
  const server = await PrivateServer.start();
  try {
    await inDirectory((directory) =>
      use({
        directory,
        database: async (name) => {
          await execute(server.url(), `create database ${name}`);
          const url = server.url(name);
          return { environment: { DATABASE_URL: url }, stored: postgresStored(url) };
        },
        outage: async (ms) => {
          await server.stop();
          await Bun.sleep(ms);
          await server.start();
        },
      }),
    );
  } finally {
    await server.remove();
  }
};
