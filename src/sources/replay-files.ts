import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { MdpError } from '../runtime/errors.ts';

/** A longer line is no recording: it is given up, and the next one read. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

export type ReplayFile = { readonly path: string; readonly bytes: number };

/**
 * The recordings under `paths`: files as they are named, directories by their `ws-*` and `hft-*`
 * files sorted by name. Throws `input` where a path is missing or holds no recording.
 */
export const replayFiles = (paths: readonly string[]): readonly ReplayFile[] =>
  paths.flatMap((path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) {
      throw new MdpError('input', `there is no file or directory ${path}`, {
        hint: 'name a recording (ws-*.ndjson[.gz], hft-*[.gz]) or a directory of them',
      });
    }
    if (!stat.isDirectory()) return [{ path, bytes: stat.size }];
    const recordings = readdirSync(path)
      .filter((name) => /^(ws|hft)-/.test(name))
      .toSorted();
    if (recordings.length === 0) {
      throw new MdpError('input', `the directory ${path} holds no recording`, {
        hint: 'recordings are named ws-*.ndjson[.gz] or hft-*[.gz]; name other files one by one',
      });
    }
    return recordings.flatMap((name) => replayFiles([join(path, name)]));
  });

/**
 * A file's lines as it is read, with the number of compressed bytes they took; a broken file ends
 * early.
 */
export type LineBlock = {
  readonly lines: readonly string[];
  readonly bytes: number;
  /** Why the file cannot be read any further, or what of it was left out. */
  readonly fault: string | undefined;
};

/**
 * Reads a file, unpacked if its name ends in `.gz`, a block of whole lines at a time and never more
 * than the caller takes. Never throws: a file that breaks off gives what could be read and a last
 * block that says why.
 */
export async function* lineBlocks(path: string): AsyncGenerator<LineBlock> {
  const file = createReadStream(path);
  const unpacked = path.endsWith('.gz')
    ? pipeline(file, createGunzip(), () => {
        // The error comes out of the loop below as well, where it is told.
      })
    : file;
  let rest: Buffer[] = [];
  let restBytes = 0;
  let told = 0;
  const taken = (): number => {
    const bytes = file.bytesRead - told;
    told = file.bytesRead;
    return bytes;
  };
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      const end = chunk.lastIndexOf(NEWLINE);
      if (end >= 0) {
        const lines = Buffer.concat([...rest, chunk.subarray(0, end)]).toString('utf8');
        rest = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : [];
        restBytes = chunk.length - end - 1;
        yield { lines: lines.split('\n'), bytes: taken(), fault: undefined };
      } else if (restBytes + chunk.length > MAX_LINE_BYTES) {
        rest = [];
        restBytes = 0;
        yield { lines: [], bytes: taken(), fault: `a line of more than ${MAX_LINE_BYTES} bytes` };
      } else {
        rest.push(chunk);
        restBytes += chunk.length;
      }
    }
  } catch (error) {
    // Truncated or damaged: what came before was handed on, and the caller counts and names the
    // rest.
    const fault = error instanceof Error ? error.message : String(error);
    yield { lines: [], bytes: taken(), fault };
    return;
  }
  const lines = rest.length === 0 ? [] : [Buffer.concat(rest).toString('utf8')];
  yield { lines, bytes: taken(), fault: undefined };
}
