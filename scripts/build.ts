/**
 * Makes dist/mdp: one executable with Bun, the program and its source maps inside, which reads no
 * `.env`, `bunfig.toml` or `node_modules` where it runs. It appears by a rename, so a running one
 * is never overwritten. The version is package.json's; the commit is the last one that changed what
 * is built, with `-dirty` when files differ from it. Beside it: what it is made of (mdp.cdx.json),
 * and the checksums of both (SHA256SUMS).
 */
import { rm, rename, stat } from 'node:fs/promises';
import { version } from '../package.json';
import { billOfMaterials } from './sbom.ts';

const inputs = ['src', 'config.yaml', 'package.json', 'bun.lock'];

const commit = stamp();
const unfinished = 'dist/mdp.unfinished';
await compile(unfinished);
await rm(`${unfinished}.map`, { force: true });
const sha256 = await sha256Of(Bun.file(unfinished).stream());
const bill = await billOfMaterials({ commit, sha256 });
const sums = [
  `${sha256}  mdp`,
  `${new Bun.CryptoHasher('sha256').update(bill).digest('hex')}  mdp.cdx.json`,
];
await Bun.write('dist/mdp.cdx.json', bill);
await Bun.write('dist/SHA256SUMS', `${sums.join('\n')}\n`);
await rename(unfinished, 'dist/mdp');
const { size } = await stat('dist/mdp');
console.log(`dist/mdp ${version} (${commit}), ${(size / 1e6).toFixed(1)} MB`);

async function compile(outfile: string): Promise<void> {
  const flags = ['--compile', '--minify', '--sourcemap', '--bytecode', '--format=esm'];
  const isolation = ['--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'];
  const build = Bun.spawn({
    cmd: [
      process.execPath,
      'build',
      ...flags,
      ...isolation,
      `--define=MDP_VERSION=${JSON.stringify(version)}`,
      `--define=MDP_COMMIT=${JSON.stringify(commit)}`,
      `--outfile=${outfile}`,
      'src/main.ts',
    ],
    stdout: 'ignore',
    stderr: 'inherit',
  });
  if ((await build.exited) !== 0) process.exit(1);
}

async function sha256Of(stream: ReadableStream<Uint8Array>): Promise<string> {
  const hasher = new Bun.CryptoHasher('sha256');
  for await (const chunk of stream) hasher.update(chunk);
  return hasher.digest('hex');
}

function stamp(): string {
  const last = git('log', '-1', '--format=%h', '--abbrev=10', '--', ...inputs);
  if (last === '') return 'unknown';
  return git('status', '--porcelain', '--', ...inputs) === '' ? last : `${last}-dirty`;
}

/** Empty when git or its directory is not there, as in a source archive. */
function git(...args: readonly string[]): string {
  if (Bun.which('git') === null) return '';
  const { success, stdout } = Bun.spawnSync({ cmd: ['git', ...args], stderr: 'ignore' });
  return success ? stdout.toString().trim() : '';
}
