import { lockAsWriter } from './clear.ts';
import type { Connector } from './connector.ts';
import { InstrumentIds } from './instrument-ids.ts';
import type { Storage } from './migrations.ts';
import { Partitions } from './partitions.ts';
import type { Session } from './session.ts';

/** A session with all that is known through it and of no use with another. */
export type Generation = {
  readonly session: Session;
  readonly storage: Storage;
  readonly instruments: InstrumentIds;
  readonly partitions: Partitions;
  /** Temporary tables that the session has made. */
  readonly stages: Set<string>;
};

/** `shared`: other programs may write too; false where this one keeps them out. */
export async function openGeneration(
  connector: Connector,
  schema: string,
  storage: Storage,
  shared: boolean,
  signal: AbortSignal,
): Promise<Generation> {
  const session = await connector.open(signal);
  try {
    if (shared) await lockAsWriter(session, schema, signal);
  } catch (error) {
    session.destroy();
    throw error;
  }
  return {
    session,
    storage,
    instruments: new InstrumentIds(session, schema),
    partitions: new Partitions(session, schema, storage),
    stages: new Set(),
  };
}
