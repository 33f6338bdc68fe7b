import type { Clock } from '../../runtime/clock.ts';
import { MdpError } from '../../runtime/errors.ts';
import { fail, ok, warn, type Finding } from '../../runtime/finding.ts';
import { ALL_GAPS, recountGaps } from '../gap-recount.ts';
import { gapsFinding } from '../gaps-finding.ts';
import { ledgerFinding, ledgerTotals, LEDGER_TOTALS } from '../ledger-finding.ts';
import { lockAsWriter } from './clear.ts';
import { sqlstateOf } from './failure.ts';
import { postgresGapTables } from './gap-tables.ts';
import { requireSchema, timescaleSchemaOf } from './migrate.ts';
import { quoteName, quoteText } from './migrations.ts';
import type { Session } from './session.ts';
import { connectorOf, type ConnectionOptions } from './sink.ts';

type DiagnoseOptions = ConnectionOptions & {
  readonly migrate: boolean;
  readonly keepsAll: boolean;
  readonly workers: number;
};

const ABOUT = 'database';
const AWAY = 'does the server run, and are host and port of database.url right?';
const UNUSED =
  'it was installed later: nothing is compressed; give database.schema a new name to begin anew';
/** Clocks of two synchronised machines are closer than this. */
const CLOCK_TOLERANCE_MS = 1000;
/** Beside one a worker: upkeep, recounting gaps, and asking whether a pooler stands between. */
const OTHER_CONNECTIONS = 3;

/** How a PostgreSQL server stands: reachable, ours to write to, of our schema, and in time. */
export async function diagnosePostgres(
  options: DiagnoseOptions,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  try {
    const connector = await connectorOf(options);
    const session = await connector.open(signal);
    try {
      return [
        await serverFinding(session, signal),
        await clockFinding(session, options.clock, signal),
        await connectionsFinding(session, options.workers, signal),
        await timescaleFinding(session, signal),
        ...(await schemaFindings(session, options, signal)),
      ];
    } finally {
      await session.close();
    }
  } catch (error) {
    return [failureFinding(error)];
  }
}

async function serverFinding(session: Session, signal: AbortSignal): Promise<Finding> {
  const { rows } = await session.query(
    `select current_setting('server_version') as version, current_user as role,
       current_database() as database, current_setting('fsync') as fsync`,
    [],
    signal,
  );
  const { version, role, database, fsync } = rows[0] ?? {};
  const text = `PostgreSQL ${String(version)}, database ${String(database)} as ${String(role)}`;
  if (fsync === 'on') return ok(ABOUT, text);
  return warn(ABOUT, `${text}, with fsync off`, 'a crash of the server loses rows: set fsync = on');
}

async function clockFinding(session: Session, clock: Clock, signal: AbortSignal): Promise<Finding> {
  const now = 'select (extract(epoch from clock_timestamp()) * 1000000)::bigint::text as now';
  const sent = clock.now();
  const { rows } = await session.query(now, [], signal);
  const received = clock.now();
  const tripMs = (received - sent) / 1000;
  const aheadMs = (Number(rows[0]?.['now']) - (sent + received) / 2) / 1000;
  const text =
    `a round trip takes ${tripMs.toFixed(1)} ms; the server's clock is ` +
    `${Math.abs(aheadMs).toFixed(0)} ms ${aheadMs < 0 ? 'behind' : 'ahead'}`;
  if (Math.abs(aheadMs) - tripMs / 2 <= CLOCK_TOLERANCE_MS) return ok(ABOUT, text);
  return warn(ABOUT, text, 'synchronise the clocks of both machines (chrony, systemd-timesyncd)');
}

/** Whether server, database and role leave as many connections as the workers will open. */
async function connectionsFinding(
  session: Session,
  workers: number,
  signal: AbortSignal,
): Promise<Finding> {
  // Those of a pipeline that runs already, and this one, are ours.
  const others = `count(*) filter (where not
    coalesce(usename = current_user and application_name = 'mdp', false))`;
  const { rows } = await session.query(
    `select least(
       (select current_setting('max_connections')::int
          - case when rolsuper then 0
            else current_setting('superuser_reserved_connections')::int end
        from pg_roles where rolname = current_user)
         - (select ${others} from pg_stat_activity where datid is not null),
       (select nullif(datconnlimit, -1) from pg_database where datname = current_database())
         - (select ${others} from pg_stat_activity where datname = current_database()),
       (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user)) as free`,
    [],
    signal,
  );
  const free = Number(rows[0]?.['free']);
  const wanted = workers + OTHER_CONNECTIONS;
  const text = `${free} connections are free for this role, ${wanted} are wanted`;
  if (free >= wanted) return ok(ABOUT, text);
  const cure = 'raise max_connections, or the limit of role or database, or lower sink.workers';
  return warn(ABOUT, text, cure);
}

async function timescaleFinding(session: Session, signal: AbortSignal): Promise<Finding> {
  const { rows } = await session.query(
    `select (select extversion from pg_extension where extname = 'timescaledb') as installed,
       exists (select from pg_available_extensions where name = 'timescaledb') as available`,
    [],
    signal,
  );
  const { installed, available } = rows[0] ?? {};
  if (typeof installed === 'string') return ok(ABOUT, `TimescaleDB ${installed} is installed`);
  const text = available === true ? 'is available and not installed' : 'is not there';
  return ok(ABOUT, `TimescaleDB ${text}`);
}

async function schemaFindings(
  session: Session,
  { schema, migrate, keepsAll }: DiagnoseOptions,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  try {
    const { version, storage } = await requireSchema(session, schema, signal);
    const kept = storage === 'timescaledb' ? 'hypertables' : 'native partitions';
    const found = `schema ${schema} has version ${version}, with ${kept}`;
    const unused = storage === 'native' && (await timescaleSchemaOf(session, signal)) !== undefined;
    return [
      unused ? warn(ABOUT, `${found}, beside TimescaleDB`, UNUSED) : ok(ABOUT, found),
      await writingFinding(session, schema, storage === 'native', signal),
      await accountFinding(session, schema, keepsAll, signal),
      await holesFinding(session, schema, signal),
    ];
  } catch (error) {
    if (!(error instanceof MdpError) || error.code !== 'schema_missing') throw error;
    if (!migrate) return [failureFinding(error)];
    const found = ok(ABOUT, `${error.message}: the next start applies them`);
    return [found, await makingFinding(session, schema, signal)];
  }
}

/** The ledger against the trades. Counting may take longer than a statement is given. */
async function accountFinding(
  session: Session,
  schema: string,
  keepsAll: boolean,
  signal: AbortSignal,
): Promise<Finding> {
  const totals = `select ${LEDGER_TOTALS} from ${quoteName(schema)}.ledger`;
  const count = `select count(*) as trades from ${quoteName(schema)}.trade`;
  const ledger = await session.query(totals, [], signal);
  return ledgerFinding(ledgerTotals(ledger.rows[0] ?? null), keepsAll, async () => {
    const { rows } = await session.query(count, [], signal);
    return BigInt(String(rows[0]?.['trades']));
  });
}

/** The gap rows against the trades: brings them up to date where the role may. */
function holesFinding(session: Session, schema: string, signal: AbortSignal): Promise<Finding> {
  const recount = async () => {
    await lockAsWriter(session, schema, signal);
    return recountGaps(postgresGapTables(session, schema, signal), ALL_GAPS, signal);
  };
  return gapsFinding(recount, {
    isRefused: (error) => sqlstateOf(error) === '42501',
    cure: `grant select, update on ${schema}.gap and select on ${schema}.trade to the role`,
  });
}

/** Whether the role may write to the tables that are there, and make partitions where we do. */
async function writingFinding(
  session: Session,
  schema: string,
  makesPartitions: boolean,
  signal: AbortSignal,
): Promise<Finding> {
  const tables = "'instrument', 'trade', 'quote', 'bar', 'gap', 'dead_letter', 'ledger'";
  const { rows } = await session.query(
    `select relname as name from pg_class
     where relnamespace = to_regnamespace(${quoteText(quoteName(schema))})
       and relname in (${tables})
       and not (has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert'))
     order by relname`,
    [],
    signal,
  );
  const names = rows.map(({ name }) => String(name)).join(', ');
  if (names !== '') {
    const cure = `grant select, insert, update on all tables in schema ${schema} to the role`;
    return fail(ABOUT, `the role may not write to ${names}`, cure);
  }
  if (!makesPartitions || (await mayCreateIn(session, schema, signal))) {
    return ok(ABOUT, 'the role may write to every table');
  }
  const cure = `grant create on schema ${schema} to the role, which must own the tables`;
  return fail(ABOUT, `the role may not make partitions in schema ${schema}`, cure);
}

/** Whether the role may make the schema, or the tables in one that is there. */
async function makingFinding(
  session: Session,
  schema: string,
  signal: AbortSignal,
): Promise<Finding> {
  if (await mayCreateIn(session, schema, signal)) return ok(ABOUT, 'the role may make the schema');
  const cure = `grant create on the database, or run \`mdp migrate\` as a role that has it`;
  return fail(ABOUT, `the role may not make schema ${schema}`, cure);
}

/** In the schema where it is there, else in the database. */
async function mayCreateIn(
  session: Session,
  schema: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { rows } = await session.query(
    `select coalesce(
       has_schema_privilege(to_regnamespace(${quoteText(quoteName(schema))}), 'create'),
       has_database_privilege(current_database(), 'create')) as allowed`,
    [],
    signal,
  );
  return rows[0]?.['allowed'] === true;
}

function failureFinding(error: unknown): Finding {
  if (!(error instanceof MdpError)) throw error;
  return fail(ABOUT, error.message, error.hint ?? AWAY);
}
