/** A setting that must not be shown, and the variables that may carry it, the usual one first. */
export type Secret = { readonly key: string; readonly variables: readonly string[] };

/** Each variable also exists with `_FILE` behind it and then names a file with the value. */
export const secrets: readonly Secret[] = [
  { key: 'database.url', variables: ['DATABASE_URL', 'PIPELINE_DATABASE_URL'] },
  { key: 'http.api_keys', variables: ['API_KEY', 'PIPELINE_HTTP_API_KEYS'] },
];

export const HIDDEN = '***';

export function isSecret(key: string): boolean {
  return secrets.some((secret) => secret.key === key);
}

/** The value as it may be shown: passwords in addresses and whole API keys are hidden. */
export function masked(key: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => masked(key, item));
  if (typeof value !== 'string') return value;
  return key === 'http.api_keys' ? HIDDEN : maskedUrl(value);
}

/** Query values that say how a database is reached, and no secret. */
const harmless =
  'user|host|port|sslmode|sslrootcert|application_name|connect_timeout|target_session_attrs';
const otherValues = new RegExp(`([?&](?!(?:${harmless})=)[^=&#]*=)[^&#]*`, 'gi');

/**
 * An address without its password and without query values but those that are known to be harmless.
 * Other text is returned as it is. A password with an unescaped `@` or `/` is hidden whole.
 */
export function maskedUrl(text: string): string {
  if (text.startsWith('sqlite:')) return text;
  return text
    .replace(/^((?:[a-z][a-z0-9+.-]*:\/\/)?[^:/?#@]*):(?!\/\/).*@/is, `$1:${HIDDEN}@`)
    .replace(otherValues, `$1${HIDDEN}`);
}
