/**
 * The executable through several lives, each but the last ended by `kill -9` at a moment that a
 * seed draws: while it starts, recovers, receives, commits or takes a checkpoint.
 */
import { startMdp, until, type Environment, type Running } from '../e2e/mdp.ts';
import { seededRandom } from '../../src/sources/random-walk.ts';
import { SYMBOLS, type Tape } from './tape.ts';

export type Ordeal = {
  readonly tape: Tape;
  readonly frames: number;
  readonly kills: number;
  readonly seed: number;
  readonly directory: string;
  readonly environment: Environment;
  /** Strikes once a life of these numbers has begun; what it does is awaited at the end. */
  readonly outages?: ReadonlyMap<number, () => Promise<void>>;
};

/** What one life had counted as received, of the frames from `start` on. */
export type Counted = { readonly start: number; readonly frames: number };

export type Survived = {
  readonly run: Running;
  /** By life, 50 ms before it was killed. */
  readonly counted: readonly Counted[];
  /** The most that the ledger had ever counted as received 50 ms before a kill. */
  readonly received: number;
};

const BEFORE_MS = 50;
const SAMPLE_MS = 10;
/** By then the tape has met everything that a killed client had sent it. */
const HEARD_BY_TAPE_MS = 20;
/** Of ten lives, so many end while they start or recover. */
const EARLY = 0.2;

export const sourceOf = (tape: Tape): Environment => ({
  PIPELINE_SOURCES: JSON.stringify([
    { type: 'binance', symbols: SYMBOLS, channels: ['trades'], url: tape.url },
  ]),
  PIPELINE_OPERATORS_VALIDATE_MAX_AGE_MS: '0',
});

/** Kills as often as asked; resolves with the last life, which is running. */
export const survive = async (ordeal: Ordeal): Promise<Survived> => {
  const { tape, frames, kills, directory, environment } = ordeal;
  const draw = seededRandom(ordeal.seed);
  const counted: Counted[] = [];
  const strikes: Promise<void>[] = [];
  let received = 0;
  for (let life = 0; life < kills; life += 1) {
    const connections = tape.starts.length;
    const run = await startMdp(directory, environment);
    const strike = ordeal.outages?.get(life);
    if (strike !== undefined) strikes.push(strike());
    const watched = watch(run);
    const share = ((frames - tape.sent) / (kills - life)) * (0.2 + draw());
    const early = life > 0 && draw() < EARLY;
    const target = early ? tape.sent : Math.min(frames - 1, tape.sent + share);
    await until(
      () => Promise.resolve(tape.sent),
      (sent) => sent >= target,
      120_000,
    );
    await Bun.sleep(draw() * 100);
    const sample = await watched.kill();
    received = Math.max(received, sample.received);
    const start = tape.starts[connections];
    if (start !== undefined) counted.push({ start, frames: sample.heard });
  }
  const run = await startMdp(directory, environment);
  await Promise.all(strikes);
  return { run, counted, received };
};

type Sample = { readonly at: number; readonly received: number; readonly heard: number };

/** Asks for the counters all the time; `kill` gives what they were 50 ms before. */
const watch = (run: Running) => {
  const samples: Sample[] = [{ at: 0, received: 0, heard: 0 }];
  const gone = new AbortController();
  const watching = (async () => {
    while (!gone.signal.aborted) {
      samples.push(await sampleOf(run));
      await Bun.sleep(SAMPLE_MS);
    }
  })();
  watching.catch(() => undefined);
  return {
    kill: async (): Promise<Sample> => {
      run.signal('SIGKILL');
      const before = performance.now() - BEFORE_MS;
      gone.abort();
      await run.exited;
      await Bun.sleep(HEARD_BY_TAPE_MS);
      const last = samples.findLast(({ at }) => at <= before);
      return last ?? { at: 0, received: 0, heard: 0 };
    },
  };
};

const sampleOf = async (run: Running): Promise<Sample> => {
  const text = await (await run.get('/metrics')).text();
  const valueOf = (name: RegExp): number => Number(name.exec(text)?.[1] ?? 0);
  return {
    at: performance.now(),
    received: valueOf(/^mdp_frames_total\{outcome="received"\} (\d+)/m),
    heard: valueOf(/^mdp_source_frames_total\{[^}]*\} (\d+)/m),
  };
};
