import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { giveAway } from './server.ts';

/**
 * A tmpfs of the server's own, small enough to fill. Mounting needs root: without it a test fails
 * and says so.
 */
export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** `size` as mount takes it, `2m`. */
  static mount(size: string): SmallDisk {
    const disk = new SmallDisk(mkdtempSync(join(tmpdir(), 'mdp-disk-')));
    run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk.path);
    giveAway(disk.path);
    return disk;
  }

  resize(size: string): void {
    run('mount', '-o', `remount,size=${size}`, this.path);
  }

  remove(): void {
    run('umount', this.path);
    rmdirSync(this.path);
  }
}

function run(...command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { stderr: 'pipe' });
  if (exitCode !== 0) throw new Error(`a small tmpfs needs root: ${stderr.toString().trim()}`);
}
