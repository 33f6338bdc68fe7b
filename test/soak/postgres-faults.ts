/**
 * Two workers write trades without a pause while one fault after another befalls the server and the
 * way to it. At the end every sound trade is there once, every poisoned one came back dead, and
 * every fault has fired.
 *
 *     ./scripts/dev.sh soak postgres-faults [SECONDS] [SEED]
 */
import { createLog } from '../../src/runtime/json-log.ts';
import type { SinkWorker } from '../../src/sinks/sink.ts';
import { commitHeld, waitFor } from '../postgres/committing.ts';
import { FaultProxy } from '../postgres/proxy.ts';
import { makeTrade, noon, tradeBatch } from '../postgres/rows.ts';
import { PrivateServer, execute } from '../postgres/server.ts';
import { clock, makeSink } from '../postgres/sinks.ts';

export type SoakOptions = {
  readonly seconds: number;
  readonly seed: number;
  /** How long a fault lasts that lasts. */
  readonly faultMs: number;
};

export type SoakReport = {
  readonly sent: number;
  readonly stored: number;
  readonly poisoned: number;
  readonly dead: number;
  readonly heldTimes: number;
  readonly fired: Readonly<Record<string, number>>;
};

const never = new AbortController().signal;
const batchRows = 1_000;
/** Most time from the end of a fault until both workers have committed again. */
const recoveryMs = 30_000;
/** Longer than any fault with the recovery behind it. */
const giveUpMs = 120_000;
const log = createLog({
  level: 'error',
  format: 'text',
  now: () => clock.now(),
  write: (line) => process.stderr.write(line),
});

type Fault = () => Promise<void>;

class Soak {
  readonly #options: SoakOptions;
  readonly #server: PrivateServer;
  readonly #proxy: FaultProxy;
  readonly #faultRandom: () => number;
  readonly #rowRandom: () => number;
  readonly #fired = new Map<string, number>();
  /** By worker. */
  readonly #commits: number[] = [];
  #sent = 0;
  #poisoned = 0;
  #dead = 0;
  #heldTimes = 0;
  #over = false;

  constructor(options: SoakOptions, server: PrivateServer, proxy: FaultProxy) {
    this.#options = options;
    this.#server = server;
    this.#proxy = proxy;
    this.#faultRandom = seeded(options.seed);
    this.#rowRandom = seeded(options.seed + 1);
  }

  async run(): Promise<SoakReport> {
    const sink = makeSink(this.#proxy.url().replace('postgres@', 'writer@'), { log });
    const workers = [await sink.open(never), await sink.open(never)];
    await execute(
      this.#server.url(),
      'alter table mdp.trade add constraint sane check (price < 1000000)',
    );
    const writing = Promise.all(workers.map((worker, index) => this.#write(worker, index)));
    await Promise.race([this.#befall(), writing]);
    this.#over = true;
    await writing;
    await sink.close();
    const [row] = await execute(this.#server.url(), 'select count(*)::int as n from mdp.trade');
    return {
      sent: this.#sent,
      stored: Number(row?.['n']),
      poisoned: this.#poisoned,
      dead: this.#dead,
      heldTimes: this.#heldTimes,
      fired: Object.fromEntries(this.#fired),
    };
  }

  async #write(worker: SinkWorker, index: number): Promise<void> {
    this.#commits[index] = 0;
    while (!this.#over) {
      const first = this.#sent;
      this.#sent += batchRows;
      const poison = this.#rowRandom() < 0.05;
      if (poison) this.#poisoned += 1;
      const rows = Array.from({ length: batchRows }, (_, row) =>
        poison && row === 7
          ? makeTrade(first + row, { price: { units: 2_000_000, scale: 0 } })
          : makeTrade(first + row),
      );
      await this.#commit(worker, rows);
      this.#commits[index] += 1;
      if (this.#rowRandom() < 0.02) await this.#commit(worker, rows.slice(8));
    }
  }

  async #commit(worker: SinkWorker, rows: Parameters<typeof tradeBatch>[0]): Promise<void> {
    const { committed, errors } = await commitHeld(worker, tradeBatch(rows), giveUpMs);
    this.#dead += committed.dead.length;
    this.#heldTimes += errors.length;
  }

  /**
   * Every fault in turn, in another order each round; the first when both workers have committed,
   * the next when both commit again, and a moment of peace.
   */
  async #befall(): Promise<void> {
    await this.#recovered('the start');
    const until = Date.now() + this.#options.seconds * 1_000;
    const faults = Object.entries(this.#faults());
    for (let next = 0; Date.now() < until || next < faults.length; next += 1) {
      if (next % faults.length === 0) shuffle(faults, this.#faultRandom);
      const [name, befall] = faults[next % faults.length] ?? [];
      if (name === undefined || befall === undefined) return;
      await befall();
      this.#fired.set(name, (this.#fired.get(name) ?? 0) + 1);
      await this.#recovered(name);
      await Bun.sleep(100 + 400 * this.#faultRandom());
    }
  }

  /** Both workers have committed since; fails when they have not in time. */
  async #recovered(fault: string): Promise<void> {
    const before = [...this.#commits];
    const until = Date.now() + recoveryMs;
    while (this.#commits.some((commits, index) => commits === before[index])) {
      if (Date.now() > until) throw new Error(`nothing was committed again after ${fault}`);
      await Bun.sleep(20);
    }
  }

  #faults(): Readonly<Record<string, Fault>> {
    const { faultMs } = this.#options;
    const url = this.#server.url();
    return {
      killed: () => this.#kill(),
      cut: () => Promise.resolve(this.#proxy.cut()),
      cutAfterCommit: () => this.#cutAfterCommit(),
      hanging: () => this.#inMode('hang', faultMs),
      closing: () => this.#inMode('close', faultMs),
      frozen: async () => {
        this.#server.freeze();
        await Bun.sleep(faultMs);
        this.#server.thaw();
      },
      stopped: async () => {
        await this.#server.stop();
        await Bun.sleep(faultMs);
        await this.#server.start();
      },
      crashed: async () => {
        await this.#server.kill();
        await this.#server.start();
      },
      readOnly: async () => {
        await this.#server.setReadOnly(true);
        await Bun.sleep(faultMs);
        await this.#server.setReadOnly(false);
      },
      locked: async () => {
        const lock = 'lock table mdp.trade in access exclusive mode';
        await execute(url, `begin; ${lock}; select pg_sleep(${(1.5 * faultMs) / 1_000}); commit`);
      },
      missing: async () => {
        await execute(url, 'alter table mdp.trade rename to elsewhere');
        await Bun.sleep(faultMs);
        await execute(url, 'alter table mdp.elsewhere rename to trade');
      },
      revoked: async () => {
        await execute(url, 'revoke insert on mdp.trade from writer');
        await Bun.sleep(faultMs);
        await execute(url, 'grant insert on mdp.trade to writer');
      },
      crowded: async () => {
        // The role's own limit says 53300 too, and leaves us a way in.
        await execute(url, 'alter role writer connection limit 0');
        await this.#kill();
        await Bun.sleep(faultMs);
        await execute(url, 'alter role writer connection limit -1');
      },
      partitionless: () => this.#detachPartition(),
      deadlocked: () => this.#deadlock(),
    };
  }

  /** Takes the partition that is written to off the table, until a writer has attached it again. */
  async #detachPartition(): Promise<void> {
    const url = this.#server.url();
    const name = this.#partition;
    await execute(url, `alter table mdp.trade detach partition mdp.${name}`);
    await waitFor(url, `select from pg_inherits where inhrelid = 'mdp.${name}'::regclass`);
  }

  /**
   * Locks the partition, and then the table that a writer has locked on its way to the partition,
   * until the server has made a writer the victim.
   */
  async #deadlock(): Promise<void> {
    const url = this.#server.url();
    const before = await this.#deadlocks();
    while ((await this.#deadlocks()) === before) {
      await execute(
        url,
        `set deadlock_timeout = '10s'; begin;
         lock table only mdp.${this.#partition} in access exclusive mode;
         select pg_sleep(0.2);
         lock table only mdp.trade in access exclusive mode; commit`,
      );
    }
  }

  async #deadlocks(): Promise<unknown> {
    const counted = 'select deadlocks from pg_stat_database where datname = current_database()';
    return (await execute(this.#server.url(), counted))[0]?.['deadlocks'];
  }

  /** Where the rows of this moment go. */
  get #partition(): string {
    const day = new Date(noon / 1_000 + this.#sent).toISOString().slice(0, 10);
    return `trade_${day.replaceAll('-', '')}`;
  }

  async #kill(): Promise<void> {
    const killed = await execute(
      this.#server.url(),
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'mdp'`,
    );
    if (killed.length === 0) await this.#kill();
  }

  async #cutAfterCommit(): Promise<void> {
    const before = this.#proxy.fired.cut_after_commit;
    this.#proxy.mode = 'cut_after_commit';
    while (this.#proxy.fired.cut_after_commit === before) await Bun.sleep(5);
    this.#proxy.mode = 'pass';
  }

  async #inMode(mode: 'hang' | 'close', ms: number): Promise<void> {
    this.#proxy.mode = mode;
    if (mode === 'close') this.#proxy.cut();
    await Bun.sleep(ms);
    this.#proxy.mode = 'pass';
    this.#proxy.cut();
  }
}

export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const server = await PrivateServer.start();
  const proxy = await FaultProxy.start(server.port);
  try {
    // No superuser, whom neither a grant nor a limit would stop.
    await execute(
      server.url(),
      'create role writer login; grant create on database postgres to writer',
    );
    return await new Soak(options, server, proxy).run();
  } finally {
    await proxy.close();
    await server.remove();
  }
}

/** Mulberry32: the same faults for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffle(items: [string, Fault][], random: () => number): void {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const [a, b] = [items[last], items[other]];
    if (a !== undefined && b !== undefined) [items[last], items[other]] = [b, a];
  }
}

if (import.meta.main) {
  const seconds = Number(process.argv[2] ?? 3_600);
  const seed = Number(process.argv[3] ?? Date.now() % 100_000);
  process.stdout.write(`${seconds} s, seed ${seed}\n`);
  const report = await runSoak({ seconds, seed, faultMs: Math.min(20_000, seconds * 50) });
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  const whole = report.stored === report.sent - report.poisoned && report.dead === report.poisoned;
  process.exitCode = whole ? 0 : 1;
}
