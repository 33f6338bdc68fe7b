import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { Config } from '../config/config.ts';
import { errorCode } from '../config/files.ts';
import { formatTime } from '../market/time.ts';
import { MdpError } from '../runtime/errors.ts';

type TlsSettings = Config['http']['tls'];

/** What a listener needs to end TLS; all of it PEM. */
export type TlsMaterial = {
  readonly cert: string;
  readonly key: string;
  /** Who must have signed the certificates of clients; undefined = clients need none. */
  readonly clientCa: string | undefined;
  /** When the certificate starts and ends, µs since the epoch. */
  readonly validFrom: number;
  readonly validTo: number;
};

/**
 * Reads the files that `http.tls.*` names; undefined where TLS is off. Throws `config` where a file
 * cannot be read, is no PEM, or where certificate and key are no pair.
 */
export const readTls = ({ cert, key, clientCa }: TlsSettings): TlsMaterial | undefined => {
  if (cert === undefined || key === undefined) return undefined;
  const certText = textOf('cert', cert);
  const keyText = textOf('key', key);
  const leaf = certificatesOf('cert', cert, certText)[0];
  const caText = clientCa === undefined ? undefined : textOf('client_ca', clientCa);
  if (clientCa !== undefined) certificatesOf('client_ca', clientCa, caText ?? '');
  assertPair(cert, certText, key, keyText);
  return {
    cert: certText,
    key: keyText,
    clientCa: caText,
    validFrom: microsOf(leaf?.validFrom),
    validTo: microsOf(leaf?.validTo),
  };
};

export const isValid = ({ validFrom, validTo }: TlsMaterial, now: number): boolean =>
  validFrom <= now && now < validTo;

/** Throws `config` for a certificate that clients would refuse now. */
export const assertValid = (material: TlsMaterial, now: number): void => {
  if (isValid(material, now)) return;
  const { validFrom, validTo } = material;
  const when = `${formatTime(validFrom)} to ${formatTime(validTo)}`;
  throw new MdpError('config', `http.tls.cert: valid from ${when} only`, {
    hint: 'put a certificate in its place that is valid now',
  });
};

export const isSameTls = (a: TlsMaterial, b: TlsMaterial): boolean =>
  a.cert === b.cert && a.key === b.key && a.clientCa === b.clientCa;

const textOf = (name: string, path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw refusal(name, path, `cannot be read (${errorCode(cause)})`, cause);
  }
};

const PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Every certificate of a PEM file, in its order; at least one. */
const certificatesOf = (name: string, path: string, text: string): readonly X509Certificate[] => {
  const blocks = text.match(PEM) ?? [];
  if (blocks.length === 0) throw refusal(name, path, 'holds no certificate in PEM');
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw refusal(name, path, 'holds a certificate that cannot be read', cause);
  }
};

const assertPair = (certPath: string, cert: string, keyPath: string, key: string): void => {
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    const code = errorCode(cause);
    const isOther = code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH';
    const reason = isOther ? `is not the key of ${certPath}` : `cannot be used (${code})`;
    throw refusal('key', keyPath, reason, cause);
  }
};

/** As X509Certificate gives it: `Nov 29 17:53:55 2026 GMT`. */
const microsOf = (text: string | undefined): number => Date.parse(text ?? '') * 1000;

const refusal = (name: string, path: string, reason: string, cause?: unknown): MdpError =>
  new MdpError('config', `http.tls.${name}: ${path} ${reason}`, {
    hint: 'certificate and key are PEM files of one pair; a key with a passphrase cannot be used',
    cause,
  });
