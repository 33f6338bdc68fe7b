/** What the benchmark's processes tell each other over IPC, and the clock that they share. */
import * as v from 'valibot';

/** To the feed: play so many frames at so many a second; 0 = as fast as they are taken. */
export const playOrder = v.object({ frames: v.number(), rate: v.number() });

/** To a client: say when so many more have come (frames, or rows stored). */
export const expectOrder = v.object({ count: v.number() });

export const heard = v.variant('kind', [
  v.object({ kind: v.literal('listening'), port: v.number() }),
  v.object({ kind: v.literal('subscribed'), connections: v.number(), symbols: v.number() }),
  v.object({
    kind: v.literal('played'),
    frames: v.number(),
    trades: v.number(),
    began: v.number(),
    ended: v.number(),
  }),
  v.object({ kind: v.literal('expecting') }),
  v.object({ kind: v.literal('reached'), at: v.number() }),
]);

export type Heard = v.InferOutput<typeof heard>;

/** From a child to the benchmark. */
export const tell = (message: Heard): void => {
  if (process.send === undefined) throw new Error('to be started by the benchmark, with IPC');
  process.send(message);
};

/** Milliseconds since 1970 with fractions: comparable between processes of this machine. */
export const wallMs = (): number => performance.timeOrigin + performance.now();
