/** A collector for traces by OTLP over HTTP: reads every request, or does not answer at all. */
import { gunzipSync } from 'node:zlib';
import { spansOfJson, spansOfProtobuf, type ReceivedSpan } from './otlp.ts';

export type Export = {
  readonly path: string;
  readonly headers: Headers;
  /** Unpacked. */
  readonly body: Uint8Array;
  readonly spans: readonly ReceivedSpan[];
};

export type Collector = {
  /** http:// address without a path. */
  readonly url: string;
  readonly exports: readonly Export[];
  /** What could not be read, of all that came. */
  readonly faults: readonly unknown[];
  readonly spans: () => readonly ReceivedSpan[];
  /** Requests that came, answered or not. */
  readonly requests: () => number;
  stop(): Promise<void>;
};

export type CollectorOptions = {
  /** `hang` takes what comes and never answers; `refuse` answers 400. Default: `take`. */
  readonly manner?: 'take' | 'hang' | 'refuse';
};

export const startCollector = ({ manner = 'take' }: CollectorOptions = {}): Collector => {
  const exports: Export[] = [];
  const faults: unknown[] = [];
  let requests = 0;
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    fetch: async (request) => {
      requests += 1;
      if (manner === 'hang') await new Promise<never>(() => undefined);
      if (manner === 'refuse') return new Response('no', { status: 400 });
      try {
        exports.push(await read(request));
        return Response.json({});
      } catch (error) {
        // The test that looks at `faults` fails with it.
        faults.push(error);
        return new Response('unreadable', { status: 400 });
      }
    },
  });
  return {
    url: server.url.origin,
    exports,
    faults,
    spans: () => exports.flatMap(({ spans }) => spans),
    requests: () => requests,
    stop: () => server.stop(true),
  };
};

const read = async (request: Request): Promise<Export> => {
  const { headers } = request;
  const sent = new Uint8Array(await request.arrayBuffer());
  const body = headers.get('content-encoding') === 'gzip' ? gunzipSync(sent) : sent;
  const isJson = headers.get('content-type') === 'application/json';
  const spans = isJson ? spansOfJson(new TextDecoder().decode(body)) : spansOfProtobuf(body);
  return { path: new URL(request.url).pathname, headers, body, spans };
};
