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

/**
 * An address without its password and without query values that are named like secrets. Other text
 * is returned as it is. A password with an unescaped `@` or `/` is hidden whole.
 */
export function maskedUrl(text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^:/?#@]*):.*@/is, `$1:${HIDDEN}@`)
    .replace(
      /([?&][^=&#]*(?:pass|secret|token|key|auth|signature)[^=&#]*=)[^&#]*/gi,
      `$1${HIDDEN}`,
    );
}
