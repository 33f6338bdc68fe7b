import * as v from 'valibot';

const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
const path = v.pipe(v.string(), v.nonEmpty(), v.metadata({ allowed: 'the path of a file' }));

/**
 * What a header can carry: visible ASCII; no comma, as lists in the environment are separated by
 * it.
 */
const apiKey = v.pipe(
  v.string(),
  v.regex(/^[\x21-\x2b\x2d-\x7e]{1,256}$/),
  v.metadata({ allowed: '1 to 256 visible ASCII characters, no comma or space' }),
);

/** `http.*`: where health, metrics and status are served, and to whom. */
export const httpSettings = v.strictObject({
  host: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$|^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/),
      v.metadata({ allowed: 'a host name or an IP address' }),
      v.description('address to listen on'),
    ),
    '127.0.0.1',
  ),
  port: v.optional(
    v.pipe(
      port,
      v.description('port to listen on; 0 = a free one, told by the log line `listening`'),
    ),
    8083,
  ),
  api_keys: v.optional(
    v.pipe(
      v.array(apiKey),
      v.maxLength(100, 'at most 100 keys'),
      v.description('keys that open the routes beside /health and /metrics'),
    ),
    [],
  ),
  protect_metrics: v.optional(
    v.pipe(v.boolean(), v.description('whether /health and /metrics need a key too')),
    false,
  ),
  max_requests_per_sec: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(0),
      v.maxValue(1_000_000),
      v.description(
        'requests a second, and at once, of one key or address; past it 429; 0 = unlimited',
      ),
    ),
    100,
  ),
  tls: v.strictObject({
    cert: v.optional(
      v.pipe(
        path,
        v.description('PEM file of the certificate chain; with it everything is served by TLS'),
      ),
    ),
    key: v.optional(v.pipe(path, v.description('PEM file of its private key, without passphrase'))),
    client_ca: v.optional(
      v.pipe(
        path,
        v.description(
          'PEM file of the CAs one of which must have signed each client’s certificate',
        ),
      ),
    ),
  }),
  audit_log: v.optional(
    v.pipe(
      path,
      v.description('file that gets a JSON line for every request to a protected route'),
    ),
  ),
});
