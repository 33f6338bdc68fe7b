/** Seeds that failed, with what they found. They live again in each run of the tests. */
export const EVER_FAILED: readonly (readonly [seed: number, found: string])[] = [
  [4, 'gaps of batches dropped by the last flush were left behind'],
  [9, 'symbols in another case than the venue’s were received and not stored'],
  [85, 'the reader waited for ever for room in memory'],
  [153, 'the gap of a dropped batch was taken for an older copy of a filled one'],
  [213, 'holes of several dropped batches were lost, and some of them left behind'],
  [1075, 'a hole that was found anew and ends elsewhere kept its first end'],
  [2000769, 'frames were given up unread that an earlier process had committed'],
  [2000786, 'a trade lost in front of the first that came was thought to be known'],
  [2004575, 'a trade was stored out of memory, and its process died before its hole was'],
  [4201386, 'all that a process knew was forgotten, and frames were given up by those behind it'],
  [4201434, 'a snapshot larger than any frame that is taken'],
  [13409939, 'a segment that was begun anew hid what stood in the one before it'],
  [13411365, 'a failed sync removed segments that were synced, and the process was killed'],
  [13411844, 'frames of a synced segment were lost: the sync of the next one had failed'],
  [13410346, 'what one start had not found in the journal came back at the next'],
];
