import { join } from 'node:path';
import * as v from 'valibot';
import { heard, type Heard } from './messages.ts';

type Kind = Heard['kind'];
type HeardOf<K extends Kind> = Extract<Heard, { readonly kind: K }>;

/** The command of one of the benchmark's scripts, by its path from `bench`, under this same Bun. */
export const underBun = (script: string): readonly string[] => [
  process.execPath,
  join(import.meta.dir, '..', script),
];

/** A process of the benchmark, spoken to over IPC. */
export class Child {
  readonly #process: Bun.Subprocess;
  readonly #last = new Map<Kind, Heard>();
  readonly #waiting = new Set<() => void>();

  constructor(command: readonly string[]) {
    this.#process = Bun.spawn([...command], {
      // Understood by Node too.
      serialization: 'json',
      stdin: 'ignore',
      stdout: 'inherit',
      stderr: 'inherit',
      ipc: (message: unknown) => {
        const told = v.parse(heard, message);
        this.#last.set(told.kind, told);
        for (const check of this.#waiting) check();
      },
      onExit: () => {
        for (const check of this.#waiting) check();
      },
    });
  }

  /** Rejects when the process ends; never resolves. */
  async ended(): Promise<never> {
    await this.#process.exited;
    throw new Error('a process of the benchmark has ended');
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Sends an order; messages of these kinds that were heard before no longer count. */
  order(order: object, ...answers: readonly Kind[]): void {
    for (const answer of answers) this.#last.delete(answer);
    this.#process.send(order);
  }

  /** The last message of its kind that fits, now or when it comes. */
  hear<K extends Kind>(
    kind: K,
    fits: (message: HeardOf<K>) => boolean = () => true,
  ): Promise<HeardOf<K>> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const message = this.#last.get(kind);
        if (message !== undefined && isOf(message, kind) && fits(message)) resolve(message);
        else if (this.#process.exitCode === null) return;
        else reject(new Error(`a process of the benchmark ended before it said ${kind}`));
        this.#waiting.delete(check);
      };
      this.#waiting.add(check);
      check();
    });
  }

  async close(): Promise<void> {
    this.#process.kill();
    await this.#process.exited;
  }
}

const isOf = <K extends Kind>(message: Heard, kind: K): message is HeardOf<K> =>
  message.kind === kind;
