/**
 * The protobuf wire format, as far as OTLP's traces need it:
 * https://protobuf.dev/programming-guides/encoding/ (read 2026-11-27).
 */

/** A field's number, and what it holds. */
export type Field = readonly [number: number, value: bigint | Uint8Array];

/** Every field of a message, in order. Throws on what is not one. */
export const fieldsOf = (bytes: Uint8Array): readonly Field[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(view.getUint8(at++));
      value |= (byte & 127n) << shift;
      if (byte < 128n) return value;
    }
  };
  const piece = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error('a field is longer than its message');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const valueOf = (type: number): bigint | Uint8Array => {
    if (type === 0) return varint();
    if (type === 1) return new DataView(piece(8).slice().buffer).getBigUint64(0, true);
    if (type === 2) return piece(Number(varint()));
    if (type === 5) return BigInt(new DataView(piece(4).slice().buffer).getUint32(0, true));
    throw new Error(`wire type ${type} is not of this format`);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    fields.push([tag >> 3, valueOf(tag & 7)]);
  }
  return fields;
};

/** The messages in a field. */
export const messagesIn = (fields: readonly Field[], number: number): readonly Uint8Array[] =>
  fields.flatMap(([n, value]) => (n === number && value instanceof Uint8Array ? [value] : []));

export const bytesIn = (fields: readonly Field[], number: number): Uint8Array =>
  messagesIn(fields, number)[0] ?? new Uint8Array();

export const textIn = (fields: readonly Field[], number: number): string =>
  new TextDecoder().decode(bytesIn(fields, number));

/** 0 where it is missing, as the format has it. */
export const numberIn = (fields: readonly Field[], number: number): bigint => {
  const value = fields.find(([n]) => n === number)?.[1];
  return typeof value === 'bigint' ? value : 0n;
};
