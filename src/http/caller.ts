import { isIP } from 'node:net';
import type { KeyRing } from './keys.ts';

/** Who asks, as far as it can be known. */
export type Caller = {
  /** Of the key that was presented and is known; never the key. */
  readonly keyId: string | undefined;
  /** Whether a key was presented that is not known. */
  readonly wrongKey: boolean;
  /** Of the peer of the connection; undefined where the socket has gone. */
  readonly address: string | undefined;
  /** Asked on this machine, for this machine. */
  readonly isLocal: boolean;
};

export const callerOf = (headers: Headers, address: string | undefined, ring: KeyRing): Caller => {
  const key = presentedKey(headers);
  const keyId = key === undefined ? undefined : ring.idOf(key);
  return {
    keyId,
    wrongKey: key !== undefined && keyId === undefined && !ring.isEmpty,
    address,
    isLocal: isLoopback(address) && namesThisMachine(headers) && !isForwarded(headers),
  };
};

/**
 * What shares one budget of requests: a key, else an address. An IPv6 host has all of its /64 to
 * choose from.
 */
export const clientOf = ({ keyId, address }: Caller): string => {
  if (keyId !== undefined) return `key ${keyId}`;
  return address === undefined ? 'unknown' : networkOf(address);
};

const presentedKey = (headers: Headers): string | undefined => {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.get('authorization') ?? '')?.[1];
  return bearer ?? headers.get('x-api-key') ?? undefined;
};

const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address);

/**
 * A page in a browser here can have its own name point to 127.0.0.1 and read what loopback may
 * (DNS rebinding); its requests still carry that name.
 */
const namesThisMachine = (headers: Headers): boolean => {
  const host = headers.get('host');
  if (host === null) return true;
  const name = host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  return name.toLowerCase() === 'localhost' || isIP(name) !== 0;
};

const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip'];

/** Through a proxy on this machine everyone comes from loopback. */
const isForwarded = (headers: Headers): boolean => FORWARDED.some((name) => headers.has(name));

const networkOf = (address: string): string => {
  const v4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined || !address.includes(':')) return v4 ?? address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - groups.length - behind.length }, () => '0');
  return `${[...groups, ...zeros, ...behind].slice(0, 4).join(':')}::/64`;
};
