/**
 * A port of 127.0.0.1 on which nothing listens, below those that systems give to whoever asks for
 * any: a program under test may be stopped and find its port free when it starts again, whatever
 * else connects and listens meanwhile.
 */
const [LEAST, PORTS] = [20_000, 12_000];
const MOST_TRIES = 100;

export const freePort = (draw: () => number = Math.random): number => {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const port = LEAST + Math.floor(draw() * PORTS);
    if (isFree(port)) return port;
  }
  throw new Error(`${MOST_TRIES} ports, and none of them is free`);
};

const isFree = (port: number): boolean => {
  try {
    Bun.listen({ hostname: '127.0.0.1', port, socket: { data: () => {} } }).stop(true);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
    throw error;
  }
};
