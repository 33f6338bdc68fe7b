/**
 * Reads what a collector is sent: `ExportTraceServiceRequest` as protobuf or as JSON
 * (opentelemetry-proto 1.7, trace/v1/trace.proto).
 */
import * as v from 'valibot';
import { bytesIn, fieldsOf, messagesIn, numberIn, textIn, type Field } from './wire.ts';

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export type ReceivedSpan = {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty at a root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  /** Nanoseconds since the epoch. */
  readonly from: bigint;
  readonly to: bigint;
  readonly attributes: Attributes;
  /** 2 = error. */
  readonly status: number;
  readonly message: string;
  readonly resource: Attributes;
};

const value = v.object({
  stringValue: v.optional(v.string()),
  boolValue: v.optional(v.boolean()),
  intValue: v.optional(v.union([v.number(), v.string()])),
  doubleValue: v.optional(v.number()),
});
const attributes = v.optional(v.array(v.object({ key: v.string(), value })), []);
const hex = (digits: number) => v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${digits}}$`)));
const nanos = v.pipe(
  v.string(),
  v.regex(/^\d+$/),
  v.transform((text: string) => BigInt(text)),
);

const request = v.object({
  resourceSpans: v.array(
    v.object({
      resource: v.object({ attributes }),
      scopeSpans: v.array(
        v.object({
          spans: v.array(
            v.object({
              traceId: hex(32),
              spanId: hex(16),
              parentSpanId: v.optional(v.union([v.literal(''), hex(16)]), ''),
              name: v.string(),
              kind: v.number(),
              startTimeUnixNano: nanos,
              endTimeUnixNano: nanos,
              attributes,
              status: v.optional(
                v.object({ code: v.optional(v.number(), 0), message: v.optional(v.string(), '') }),
                {},
              ),
            }),
          ),
        }),
      ),
    }),
  ),
});

/** Throws on what does not follow the schema. */
export const spansOfJson = (text: string): readonly ReceivedSpan[] =>
  v.parse(request, JSON.parse(text)).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId,
        name: span.name,
        kind: span.kind,
        from: span.startTimeUnixNano,
        to: span.endTimeUnixNano,
        attributes: attributesOf(span.attributes),
        status: span.status.code,
        message: span.status.message,
        resource: attributesOf(resource.attributes),
      })),
    ),
  );

const attributesOf = (pairs: v.InferOutput<typeof attributes>): Attributes =>
  Object.fromEntries(
    pairs.map(({ key, value: one }) => [
      key,
      one.stringValue ?? one.boolValue ?? one.doubleValue ?? Number(one.intValue),
    ]),
  );

/** Throws on what does not follow the format. */
export const spansOfProtobuf = (bytes: Uint8Array): readonly ReceivedSpan[] =>
  messagesIn(fieldsOf(bytes), 1)
    .map(fieldsOf)
    .flatMap((resourceSpans) => {
      const resource = pairsIn(fieldsOf(bytesIn(resourceSpans, 1)), 1);
      return messagesIn(resourceSpans, 2)
        .map(fieldsOf)
        .flatMap((scopeSpans) => messagesIn(scopeSpans, 2))
        .map((span) => spanOf(fieldsOf(span), resource));
    });

const spanOf = (span: readonly Field[], resource: Attributes): ReceivedSpan => {
  const status = fieldsOf(bytesIn(span, 15));
  return {
    traceId: bytesIn(span, 1).toHex(),
    spanId: bytesIn(span, 2).toHex(),
    parentSpanId: bytesIn(span, 4).toHex(),
    name: textIn(span, 5),
    kind: Number(numberIn(span, 6)),
    from: numberIn(span, 7),
    to: numberIn(span, 8),
    attributes: pairsIn(span, 9),
    status: Number(numberIn(status, 3)),
    message: textIn(status, 2),
    resource,
  };
};

const pairsIn = (fields: readonly Field[], number: number): Attributes =>
  Object.fromEntries(
    messagesIn(fields, number)
      .map(fieldsOf)
      .map((pair) => [textIn(pair, 1), anyValue(fieldsOf(bytesIn(pair, 2)))]),
  );

const anyValue = ([field]: readonly Field[]): string | number | boolean => {
  if (field === undefined) throw new Error('an attribute has no value');
  const [number, held] = field;
  if (held instanceof Uint8Array) return new TextDecoder().decode(held);
  if (number === 2) return held === 1n;
  if (number === 3) return Number(BigInt.asIntN(64, held));
  return Buffer.from(BigUint64Array.of(held).buffer).readDoubleLE();
};
