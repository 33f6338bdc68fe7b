import type { OpenSocket } from '../socket.ts';
import { openBunSocket } from './bun-client.ts';
import { openDirectSocket } from './direct-client.ts';

/** Our own client, or Bun's where that one's abilities are asked for. */
export const openSocket: OpenSocket = (url, options, events) => {
  const { compression, proxy } = options;
  const open = compression || proxy !== undefined ? openBunSocket : openDirectSocket;
  return open(url, options, events);
};
