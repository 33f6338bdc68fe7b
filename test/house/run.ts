/** How a script ended, and what it said. */
export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs `cmd` in `cwd` with no environment but `env`, to its end. */
export async function run(cmd: string[], cwd: string, env: Record<string, string>): Promise<Ended> {
  const child = Bun.spawn({ cmd, cwd, env, stdout: 'pipe', stderr: 'pipe' });
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}
