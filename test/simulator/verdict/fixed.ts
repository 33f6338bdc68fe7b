/**
 * Exact arithmetic for the model: numbers with `SCALE` decimals, in a bigint. Shares nothing with
 * `src/market/decimal.ts`.
 */
export const SCALE = 10;

export const fixed = (text: string): bigint => {
  const [whole = '', fraction = ''] = text.split('.');
  if (fraction.length > SCALE) throw new Error(`${text} has more than ${SCALE} decimals`);
  return BigInt(whole + fraction.padEnd(SCALE, '0'));
};

/** `units / 10^scale` as text, without superfluous zeros. Not for negative numbers. */
export const fixedText = (units: bigint, scale: number): string => {
  const digits = units.toString().padStart(scale + 1, '0');
  const text = `${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}`;
  return text.replace(/\.?0+$/, '') || '0';
};

/** `a / b` with `scale` decimals, ties to the even digit. */
export const dividedText = (a: bigint, b: bigint, scale: number): string => {
  const scaled = a * 10n ** BigInt(scale);
  const [quotient, rest] = [scaled / b, (scaled % b) * 2n];
  const isUp = rest > b || (rest === b && quotient % 2n === 1n);
  return fixedText(isUp ? quotient + 1n : quotient, scale);
};
