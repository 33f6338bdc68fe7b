/** A file of the repository: its path from the root, with `/`, and its text. */
export type File = { readonly path: string; readonly text: string };

/** What is wrong, where, and how to mend it: `path:line: sentence`. */
export type Fault = string;

const skipped = /^(node_modules|dist|data|\.cache|\.git)\//;

/** Every file under the root that people wrote and whose path matches, in order of path. */
export async function readTree(pattern: RegExp): Promise<readonly File[]> {
  const root = `${import.meta.dir}/../..`;
  const files: File[] = [];
  for await (const path of new Bun.Glob('**/*').scan({ cwd: root, dot: true })) {
    if (skipped.test(path) || !pattern.test(path)) continue;
    files.push({ path, text: await Bun.file(`${root}/${path}`).text() });
  }
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
