import type { Clock, Timer } from './clock.ts';
import { watchFile } from './file-watch.ts';

/** Files whose changes are told, as long as they are on the list. */
export class FollowedFiles {
  readonly #clock: Clock;
  readonly #watches = new Map<string, Timer>();
  /** Changes that nobody has been told of yet. */
  readonly #untold = new Set<string>();
  #tell: ((path: string) => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From now on these and no others; one that was there already is looked at without a break. */
  follow(paths: readonly (string | undefined)[]): void {
    const wanted = new Set(paths.filter((path) => path !== undefined));
    for (const [path, watch] of this.#watches) {
      if (wanted.has(path)) continue;
      watch.cancel();
      this.#watches.delete(path);
    }
    for (const path of wanted) {
      if (this.#watches.has(path)) continue;
      this.#watches.set(
        path,
        watchFile(path, this.#clock, () => this.#changed(path)),
      );
    }
  }

  /** Who is told from now on, and at once of what changed before. */
  tell(changed: (path: string) => void): void {
    this.#tell = changed;
    for (const path of this.#untold) changed(path);
    this.#untold.clear();
  }

  #changed(path: string): void {
    if (this.#tell === undefined) this.#untold.add(path);
    else this.#tell(path);
  }
}
