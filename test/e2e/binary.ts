/** The executable under test: what users run, never the sources. */
import { join } from 'node:path';

const root = join(import.meta.dir, '../..');
let built: string | undefined;

/**
 * Absolute path of the executable: `MDP_BINARY` where set (a release to be judged), else dist/mdp,
 * built first when the sources are newer. Throws with the build's output when it fails.
 */
export function binary(): string {
  built ??= process.env['MDP_BINARY'] ?? build();
  return built;
}

function build(): string {
  const { success, stderr } = Bun.spawnSync({
    cmd: ['./scripts/dev.sh', 'build'],
    cwd: root,
    stdout: 'ignore',
  });
  if (!success) throw new Error(`dev.sh build failed:\n${stderr.toString()}`);
  return join(root, 'dist/mdp');
}
