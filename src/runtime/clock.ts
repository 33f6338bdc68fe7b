/**
 * Time as a parameter: the program takes it from here and nowhere else, so that a test or the
 * simulator can hold it.
 */
export interface Clock {
  /** Now, in integer microseconds since the epoch; never goes back within a process. */
  now(): number;
  /** Calls once after `ms`. */
  after(ms: number, call: () => void): Timer;
  /** Calls every `ms` until cancelled. */
  every(ms: number, call: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}
