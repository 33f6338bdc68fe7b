/** A disk that gives back other bytes than it was given. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Turns a byte in the middle of every file in `directory` whose name ends so. */
export const damage = (directory: string, ending: string): void => {
  for (const name of readdirSync(directory).filter((each) => each.endsWith(ending))) {
    const bytes = readFileSync(join(directory, name));
    const at = Math.trunc(bytes.length / 2);
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    writeFileSync(join(directory, name), bytes);
  }
};
