import type { Life } from '../simulate.ts';
import type { Copy, HeardTrade } from '../witness.ts';

/** It was in the journal's file when its process ended, or committed: it must be in the tables. */
export const isOwed = (copies: readonly Copy[]): boolean =>
  copies.some(({ delivery: { fate } }) => fate === 'kept' || fate === 'stored');

/** No death could take this one: whatever follows knows of it. */
export const isKept = ({ delivery }: Copy): boolean => delivery.fate === 'kept';

/**
 * The program may have worked with it and have forgotten it: of a record that a power loss took, or
 * that had no place on the disk. What was derived from it may be in the tables nevertheless.
 */
export const isShaky = (copies: readonly Copy[]): boolean =>
  copies.some(({ delivery: { fate } }) => fate === 'doubtful' || fate === 'stored');

/** The copies of which one may be the stored row: up to the first that no death could take. */
export const possible = (copies: readonly Copy[]): readonly Copy[] => {
  const taken = copies.filter(({ delivery }) => delivery.fate !== 'lost');
  const kept = taken.findIndex(isKept);
  return kept < 0 ? taken : taken.slice(0, kept + 1);
};

/** Trades of `symbol` with which the program may have worked and which it may have forgotten. */
export const shakyTrades = (life: Life, symbol: string): readonly HeardTrade[] =>
  [...(life.witness.trades.get(symbol)?.values() ?? [])].filter(({ copies }) => isShaky(copies));

/**
 * Records were processed from memory, forgotten, and later ones not: what those gave was computed
 * twice, from different records.
 */
export const isRewritten = ({ past }: Life): boolean =>
  (past.hasDropped && past.starts > 1) ||
  past.deliveries.some((run) => {
    const doubtful = run.findIndex(({ fate }) => fate === 'doubtful' || fate === 'stored');
    return doubtful >= 0 && run.slice(doubtful).some(({ fate }) => fate === 'kept');
  });
