import type { Clock, Timer } from '../../../src/runtime/clock.ts';
import type { OpenSocket, Socket } from '../../../src/sources/socket.ts';

/**
 * What a process is to the world: all that it does has effect until it dies, at any instruction,
 * and nothing has afterwards. What was on its way to it is not heard.
 */
export class Body {
  /** Resolves when it has died. */
  readonly death: Promise<void>;
  readonly #end: () => void;
  #alive = true;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.death = promise;
    this.#end = resolve;
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  die(): void {
    this.#alive = false;
    this.#end();
  }

  /** An answer of the world, or of what works for it: none for the dead. */
  async hears<T>(answer: Promise<T>): Promise<T> {
    await Promise.allSettled([answer]);
    if (!this.#alive) await new Promise(() => undefined);
    return answer;
  }

  clock(of: Clock): Clock {
    return {
      now: () => of.now(),
      after: (ms, call) => (this.#alive ? of.after(ms, () => this.#called(call)) : NO_TIMER),
      every: (ms, call) => {
        if (!this.#alive) return NO_TIMER;
        const timer = of.every(ms, () => {
          if (this.#alive) call();
          else timer.cancel();
        });
        return timer;
      },
    };
  }

  sockets(open: OpenSocket): OpenSocket {
    return (url, options, events) => {
      if (!this.#alive) return NO_SOCKET;
      const socket = open(url, options, {
        opened: () => this.#called(() => events.opened()),
        received: () => this.#called(() => events.received()),
        told: () => this.#called(() => events.told()),
        message: (text, bytes) => this.#called(() => events.message(text, bytes)),
        pinged: () => this.#called(() => events.pinged()),
        ponged: (payload) => this.#called(() => events.ponged(payload)),
        failed: (failure) => this.#called(() => events.failed(failure)),
        closed: (code, reason) => this.#called(() => events.closed(code, reason)),
      });
      return {
        send: (text) => this.#called(() => socket.send(text)),
        ping: (payload) => this.#called(() => socket.ping(payload)),
        pong: () => this.#called(() => socket.pong()),
        pause: () => this.#called(() => socket.pause()),
        resume: () => this.#called(() => socket.resume()),
        close: () => this.#called(() => socket.close()),
        terminate: () => this.#called(() => socket.terminate()),
      };
    };
  }

  #called(call: () => void): void {
    if (this.#alive) call();
  }
}

const NO_TIMER: Timer = { cancel: () => undefined };

const NO_SOCKET: Socket = {
  send: () => undefined,
  ping: () => undefined,
  pong: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
  close: () => undefined,
  terminate: () => undefined,
};
