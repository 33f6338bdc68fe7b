/** What became of the configuration since the start: taken, refused, or waiting for a restart. */
export class ConfigurationState {
  /** Our clock, µs. */
  loadedAt: number;
  /** The last one read was refused: since when, and why, a line for each problem. */
  refusal: { readonly at: number; readonly problems: readonly string[] } | undefined;
  /** Keys that were changed and take effect at the next start. */
  needsRestart: readonly string[] = [];
  taken = 0;
  refused = 0;

  constructor(now: number) {
    this.loadedAt = now;
  }

  take(now: number, needsRestart: readonly string[]): void {
    this.loadedAt = now;
    this.refusal = undefined;
    this.needsRestart = needsRestart;
    this.taken += 1;
  }

  refuse(now: number, problems: readonly string[]): void {
    this.refusal = { at: this.refusal?.at ?? now, problems };
    this.refused += 1;
  }
}
