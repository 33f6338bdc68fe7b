import type { Clock } from '../../../src/runtime/clock.ts';
import type { FaultCount } from '../faults.ts';
import type { Chance } from '../random.ts';
import type { Body } from './body.ts';

/** Where a process dies, by what it was doing. */
export const CRASH_POINTS = [
  'within_write',
  'before_sync',
  'during_sync',
  'in_rotation',
  'in_snapshot',
  'in_upkeep',
  'in_recovery',
  'before_commit',
  'after_commit',
  'between_tables',
  'in_drain',
  'anywhere',
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

/** How a scenario kills. Times in ms, a mean of 0 = never. */
export type DeathPlan = {
  /** Mean time until the next pass of the point at which a process dies, one of `points`. */
  readonly meanMs: number;
  readonly points: readonly CrashPoint[];
  /** The share of deaths that take the machine's power with them. */
  readonly powerLoss: number;
  /** Mean time between orderly stops. */
  readonly stopMs: number;
  /** What such a stop has for its drain. */
  readonly drainMs: number;
  /** Between the end of one process and the start of the next. */
  readonly downMs: readonly [least: number, most: number];
};

export const NO_DEATHS: DeathPlan = {
  meanMs: 0,
  points: [],
  powerLoss: 0,
  stopMs: 0,
  drainMs: 1000,
  downMs: [0, 0],
};

/** Calls of the disk within which a process may die before it has recovered. */
const RECOVERY_CALLS = 10;

/** Decides when a process has passed a crash point for the last time: one of them for each. */
export class Reaper {
  readonly #body: Body;
  readonly #clock: Clock;
  readonly #chance: Chance;
  readonly #faults: FaultCount;
  /** In µs. */
  readonly #at: number;
  readonly #point: CrashPoint | undefined;
  #recoveryCalls: number;
  #isResting = false;

  constructor(plan: DeathPlan, body: Body, clock: Clock, chance: Chance, faults: FaultCount) {
    this.#body = body;
    this.#clock = clock;
    this.#chance = chance;
    this.#faults = faults;
    const { meanMs, points } = plan;
    this.#point = meanMs === 0 ? undefined : points[chance.integer(0, points.length - 1)];
    this.#recoveryCalls = chance.integer(1, RECOVERY_CALLS);
    const wait = chance.waitFor(meanMs);
    this.#at = clock.now() + wait * 1000;
    if (this.#point === 'anywhere') body.clock(clock).after(wait, () => this.#kill('anywhere'));
  }

  /** From now on nobody dies. */
  rest(): void {
    this.#isResting = true;
  }

  /** It is to be stopped, and to die before it has drained. */
  get wantsStop(): boolean {
    return this.#point === 'in_drain' && this.#clock.now() >= this.#at && !this.#isResting;
  }

  /** True when this pass is the last: the process is dead. */
  strikes(point: CrashPoint): boolean {
    return this.#point === point && this.#isDue(point) && this.#kill(point);
  }

  /** Whether the call in which it dies has its effect. */
  get isBehind(): boolean {
    return this.#chance.happens(0.5);
  }

  /** How much of a write the kernel has taken when its process dies in it. */
  partOf(length: number): number {
    return this.#chance.integer(0, length - 1);
  }

  #isDue(point: CrashPoint): boolean {
    if (point !== 'in_recovery') return this.#clock.now() >= this.#at;
    this.#recoveryCalls -= 1;
    return this.#recoveryCalls <= 0;
  }

  /** False where nobody is to die any more. */
  #kill(point: CrashPoint): boolean {
    if (!this.#body.isAlive || this.#isResting) return false;
    this.#faults.fired(`killed_${point}`);
    this.#body.die();
    return true;
  }
}
