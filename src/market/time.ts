/**
 * Times. Every time in the program is an integer count of microseconds since the Unix epoch in UTC, held in a
 * `number` (exact until the year 2255). Two brands keep the venue's clock and ours apart: the one is never
 * compared with the other, because venues run seconds ahead of us and behind.
 */
declare const eventTimeBrand: unique symbol;
declare const receiveTimeBrand: unique symbol;

/** When it happened, by the venue's clock, in integer microseconds since the epoch. */
export type EventTime = number & { readonly [eventTimeBrand]: true };

/** When it reached us, by our clock, in integer microseconds since the epoch. */
export type ReceiveTime = number & { readonly [receiveTimeBrand]: true };
