/** Certificates by the machine's openssl: self-signed ones, and authorities with what they sign. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export type Pair = {
  readonly cert: string;
  readonly key: string;
  /** Where they are. */
  readonly certFile: string;
  readonly keyFile: string;
};

const HERE = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];

/** A certificate for this machine that nobody has signed but itself; `name` is its CN. */
export const selfSigned = (directory: string, name: string): Pair => {
  const [keyFile, certFile] = [join(directory, `${name}.key`), join(directory, `${name}.crt`)];
  const files = ['-keyout', keyFile, '-out', certFile];
  openssl('req', '-x509', ...EC, '-subj', `/CN=${name}`, ...HERE, ...files, '-days', '2');
  return pairOf(certFile, keyFile);
};

/** The same, but that `authority` has signed it; with negative days one that has ended. */
export const signedBy = (authority: Pair, directory: string, name: string, days = 2): Pair => {
  const [keyFile, certFile] = [join(directory, `${name}.key`), join(directory, `${name}.crt`)];
  const request = join(directory, `${name}.csr`);
  openssl('req', ...EC, '-subj', `/CN=${name}`, ...HERE, '-keyout', keyFile, '-out', request);
  const by = ['-CA', authority.certFile, '-CAkey', authority.keyFile, '-days', String(days)];
  openssl('x509', '-req', '-in', request, '-copy_extensions', 'copy', ...by, '-out', certFile);
  return pairOf(certFile, keyFile);
};

const pairOf = (certFile: string, keyFile: string): Pair => ({
  cert: readFileSync(certFile, 'utf8'),
  key: readFileSync(keyFile, 'utf8'),
  certFile,
  keyFile,
});

const openssl = (...command: readonly string[]): void => {
  const { exitCode, stderr } = Bun.spawnSync(['openssl', ...command], { stderr: 'pipe' });
  if (exitCode !== 0) throw new Error(`openssl: ${stderr.toString()}`);
};
