/**
 * The software bill of materials of an executable, as CycloneDX 1.6 JSON: what bun.lock says is in
 * it, the Bun that runs it, and what that Bun says it is made of. The same inputs give the same
 * bytes: no time, no random number, everything in order.
 */
import { join } from 'node:path';
import * as v from 'valibot';
import lock from '../bun.lock';
import { name, version } from '../package.json';

export type Executable = { readonly commit: string; readonly sha256: string };

type Package = {
  readonly name: string;
  readonly version: string;
  readonly sha512: string;
  readonly license: string;
  /** Their places in the lock file. */
  readonly dependencies: readonly string[];
};

/** The document's text. Throws for a package that is locked in a way it does not know. */
export async function billOfMaterials(executable: Executable): Promise<string> {
  const direct = Object.keys(lock.workspaces['']?.dependencies ?? {}).map((each) =>
    placeOf('', each),
  );
  const packages = await closureOf(direct);
  const own = `${name}@${version}`;
  const refs = (places: readonly string[]): string[] =>
    places.map((place) => refOf(packages.get(place))).toSorted();
  const dependencies = [...packages.values()].map((each) => ({
    ref: refOf(each),
    dependsOn: refs(each.dependencies),
  }));
  const document = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: application(own, executable) },
    components: [...[...packages.values()].map(library), runtime()].toSorted(byRef),
    dependencies: [
      { ref: own, dependsOn: [...refs(direct), runtimeRef].toSorted() },
      { ref: runtimeRef, dependsOn: [] },
      ...dependencies,
    ].toSorted((a, b) => compare(a.ref, b.ref)),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

const runtimeRef = `bun@${Bun.version}`;

const application = (ref: string, { commit, sha256 }: Executable) => ({
  type: 'application',
  'bom-ref': ref,
  name,
  version,
  hashes: [{ alg: 'SHA-256', content: sha256 }],
  licenses: [{ license: { id: 'MIT' } }],
  properties: [{ name: 'mdp:commit', value: commit }],
});

const library = (each: Package) => ({
  type: 'library',
  'bom-ref': refOf(each),
  name: each.name,
  version: each.version,
  hashes: [{ alg: 'SHA-512', content: each.sha512 }],
  licenses: [{ license: { id: each.license } }],
  purl: purlOf(each.name, each.version),
});

/** What process.versions names for compatibility alone is not in it. */
const namesOnly = new Set(['bun', 'node', 'openssl', 'modules', 'napi', 'v8', 'unicode']);

const runtime = () => ({
  type: 'platform',
  'bom-ref': runtimeRef,
  name: 'bun',
  version: Bun.version,
  licenses: [{ license: { id: 'MIT' } }],
  purl: purlOf(
    `@oven/bun-${process.platform}-${process.arch === 'x64' ? 'x64' : 'aarch64'}`,
    Bun.version,
  ),
  components: Object.entries(process.versions)
    .flatMap(([part, of]) => (of === undefined || namesOnly.has(part) ? [] : [{ part, of }]))
    .map(({ part, of }) => ({
      type: 'library',
      'bom-ref': `${runtimeRef}/${part}`,
      name: part,
      version: of,
    }))
    .toSorted(byRef),
});

/** Everything that is reached from `places`, by place. */
async function closureOf(places: readonly string[]): Promise<ReadonlyMap<string, Package>> {
  const found = new Map<string, Package>();
  const waiting = [...places];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    if (found.has(place)) continue;
    const each = await packageAt(place);
    found.set(place, each);
    waiting.push(...each.dependencies);
  }
  return found;
}

async function packageAt(place: string): Promise<Package> {
  const [locked = '', , info, integrity] = lock.packages[place] ?? [];
  const digest = /^sha512-(.+)$/.exec(typeof integrity === 'string' ? integrity : '')?.[1];
  if (digest === undefined || typeof info !== 'object') {
    throw new Error(`bun.lock: ${place} is no package of the registry with a SHA-512`);
  }
  const at = locked.lastIndexOf('@');
  return {
    name: locked.slice(0, at),
    version: locked.slice(at + 1),
    sha512: Buffer.from(digest, 'base64').toString('hex'),
    license: await licenseOf(place),
    dependencies: Object.keys(info.dependencies ?? {}).map((each) => placeOf(place, each)),
  };
}

/** The names along a place: `a/@b/c` is c of the scope b inside a. */
const namesAlong = (place: string): readonly string[] => place.match(/(@[^/]+\/)?[^/]+/g) ?? [];

/** Where the lock file has a dependency of `place`: inside it, or nearer to the root. */
function placeOf(place: string, dependency: string): string {
  const names = namesAlong(place);
  const candidates = names.map((_, index) => [...names.slice(0, index + 1), dependency].join('/'));
  return candidates.findLast((each) => lock.packages[each] !== undefined) ?? dependency;
}

async function licenseOf(place: string): Promise<string> {
  const folders = namesAlong(place).flatMap((each) => ['node_modules', each]);
  const path = join(import.meta.dir, '..', ...folders, 'package.json');
  return v.parse(v.object({ license: v.string() }), await Bun.file(path).json()).license;
}

const refOf = (each: Package | undefined): string => `${each?.name}@${each?.version}`;

const purlOf = (of: string, at: string): string => `pkg:npm/${of.replace('@', '%40')}@${at}`;

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const byRef = (a: { 'bom-ref': string }, b: { 'bom-ref': string }): number =>
  compare(a['bom-ref'], b['bom-ref']);
