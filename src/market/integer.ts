/**
 * An integer of any size: a `number` while it is a safe integer, a `bigint` beyond. The form is canonical (no bigint
 * that a number could hold), so `===`, `<` and Map keys work across both.
 */
export type Integer = number | bigint;
