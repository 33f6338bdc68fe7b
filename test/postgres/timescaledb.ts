import { PrivateServer, execute } from './server.ts';

/** What the server needs to preload. */
export const timescaleSettings = { shared_preload_libraries: 'timescaledb' };

/**
 * Whether the PostgreSQL of this machine offers TimescaleDB; says so aloud where it does not, as
 * the tests that need it are then skipped.
 */
export async function hasTimescale(): Promise<boolean> {
  const server = await PrivateServer.start();
  try {
    const listed = await execute(
      server.url(),
      "select from pg_available_extensions where name = 'timescaledb'",
    );
    if (listed.length > 0) return true;
    console.warn('skipped: this PostgreSQL has no TimescaleDB (pg_available_extensions)');
    return false;
  } finally {
    await server.remove();
  }
}
