/**
 * Two workers write trades without a pause while one fault after another befalls the server and the
 * way to it. At the end every sound trade is there once, every poisoned one came back dead, and
 * every fault has fired.
 *
 *     ./scripts/dev.sh soak postgres-faults [SECONDS] [SEED]
 */
import { createLog } from '../../src/runtime/json-log.ts';
import type { SinkWorker } from '../../src/sinks/sink.ts';
import { commitHeld } from '../postgres/committing.ts';
import { FaultProxy } from '../postgres/proxy.ts';
import { makeTrade, tradeBatch } from '../postgres/rows.ts';
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
    const sink = makeSink(this.#proxy.url(), { log });
    const workers = [await sink.open(never), await sink.open(never)];
    await execute(
      this.#server.url(),
      'alter table mdp.trade add constraint sane check (price < 1000000)',
    );
    const writing = Promise.all(workers.map((worker) => this.#write(worker)));
    await this.#befall();
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

  async #write(worker: SinkWorker): Promise<void> {
    while (!this.#over) {
      const first = this.#sent;
      this.#sent += batchRows;
      const poison = this.#rowRandom() < 0.05;
      if (poison) this.#poisoned += 1;
      const rows = Array.from({ length: batchRows }, (_, index) =>
        poison && index === 7
          ? makeTrade(first + index, { price: { units: 2_000_000, scale: 0 } })
          : makeTrade(first + index),
      );
      await this.#commit(worker, rows);
      if (this.#rowRandom() < 0.02) await this.#commit(worker, rows.slice(8));
    }
  }

  async #commit(worker: SinkWorker, rows: Parameters<typeof tradeBatch>[0]): Promise<void> {
    const { committed, errors } = await commitHeld(worker, tradeBatch(rows), giveUpMs);
    this.#dead += committed.dead.length;
    this.#heldTimes += errors.length;
  }

  /** Every fault in turn, in another order each round, with a moment of peace between. */
  async #befall(): Promise<void> {
    const until = Date.now() + this.#options.seconds * 1_000;
    const faults = Object.entries(this.#faults());
    for (let next = 0; Date.now() < until || next < faults.length; next += 1) {
      if (next % faults.length === 0) shuffle(faults, this.#faultRandom);
      const [name, befall] = faults[next % faults.length] ?? [];
      if (name === undefined || befall === undefined) return;
      await befall();
      this.#fired.set(name, (this.#fired.get(name) ?? 0) + 1);
      await Bun.sleep(100 + 400 * this.#faultRandom());
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
      restarted: () => this.#server.restart(),
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
        await execute(url, `begin; ${lock}; select pg_sleep(${faultMs / 1_000}); commit`);
      },
      missing: async () => {
        await execute(url, 'alter table mdp.trade rename to elsewhere');
        await Bun.sleep(faultMs);
        await execute(url, 'alter table mdp.elsewhere rename to trade');
      },
    };
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
