import type { MarketRecord } from '../market/record.ts';
import { memoryOf, type Block, type Mark, type Position } from './record-buffer.ts';

/** A block ends at so many records or bytes. */
const BLOCK_RECORDS = 512;
const BLOCK_BYTES = 256 * 1024;

export const emptyBlock = (end: Mark): Block => ({
  records: [],
  positions: [],
  bytes: 0,
  frames: 0,
  lost: 0,
  end,
});

export const hasRoom = (block: Block): boolean =>
  block.records.length < BLOCK_RECORDS && block.bytes < BLOCK_BYTES;

export const addRecord = (block: Block, record: MarketRecord, position: Position): void => {
  block.records.push(record);
  block.positions.push(position);
  block.bytes += memoryOf(record);
  if (record.kind === 'frame') block.frames += 1;
};
