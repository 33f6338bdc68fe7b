/**
 * A CPU profile of the executable, summed up: its frames carry the source's path and line (the
 * executable has its source maps), and minified names, which the source gives back.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';

/** Name to share of the main thread's time, greatest first. */
export type Shares = ReadonlyMap<string, number>;

export type Profile = {
  readonly stages: Shares;
  readonly functions: Shares;
};

const profileSchema = v.object({
  nodes: v.array(
    v.object({
      id: v.number(),
      callFrame: v.object({ functionName: v.string(), url: v.string(), lineNumber: v.number() }),
      children: v.optional(v.array(v.number()), []),
    }),
  ),
  samples: v.array(v.number()),
  timeDeltas: v.array(v.number()),
});

type Node = v.InferOutput<typeof profileSchema>['nodes'][number];

/**
 * The stage of a sample is that of the innermost frame that belongs to one; but what a venue does
 * to classify frames is the source's.
 */
const stagesByPath: readonly (readonly [prefix: string, stage: string])[] = [
  ['src/sources/', 'source'],
  ['src/journal/', 'journal'],
  ['src/venues/', 'decode'],
  ['src/operators/', 'operators'],
  ['src/sinks/', 'encode'],
  ['node_modules/postgres/', 'driver'],
  ['src/pipeline/record-queue', 'record queue'],
  ['src/pipeline/source-intake', 'source'],
  ['src/pipeline/reader', 'reader'],
  ['src/pipeline/', 'rows, batches, ledger'],
  ['src/http/', 'http'],
];

/** Longer than any pause between samples of a busy thread: the rest of it was idle. */
const longestMicros = 5_000;
const root = join(import.meta.dir, '../..');

export const readProfile = async (file: string): Promise<Profile> => {
  const { nodes, samples, timeDeltas } = v.parse(profileSchema, await Bun.file(file).json());
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children }) => children.map((kid) => [kid, id])));
  const stages = new Map<string, number>();
  const functions = new Map<string, number>();
  let micros = 0;
  for (const [at, id] of samples.entries()) {
    const time = Math.min(timeDeltas[at] ?? 0, longestMicros);
    micros += time;
    add(stages, stageOf(id, byId, parents), time);
    add(functions, functionOf(id, byId, parents), time);
  }
  return { stages: sharesOf(stages, micros), functions: sharesOf(functions, micros) };
};

const add = (sums: Map<string, number>, name: string, time: number): void => {
  sums.set(name, (sums.get(name) ?? 0) + time);
};

const sharesOf = (sums: ReadonlyMap<string, number>, all: number): Shares =>
  new Map(
    [...sums].map(([name, sum]) => [name, sum / all] as const).toSorted((a, b) => b[1] - a[1]),
  );

type Nodes = ReadonlyMap<number, Node>;
type Parents = ReadonlyMap<number, number>;

const stageOf = (id: number, nodes: Nodes, parents: Parents): string => {
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
    const url = nodes.get(at)?.callFrame.url ?? '';
    const found = stagesByPath.find(([prefix]) => url.startsWith(prefix))?.[1];
    if (found === 'decode' && isWithin('src/sources/', at, nodes, parents)) return 'classify';
    if (found !== undefined) return found;
  }
  return 'runtime';
};

const isWithin = (prefix: string, id: number, nodes: Nodes, parents: Parents): boolean => {
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
    if (nodes.get(at)?.callFrame.url.startsWith(prefix) === true) return true;
  }
  return false;
};

/** A native function is named with who called it. */
const functionOf = (id: number, nodes: Nodes, parents: Parents): string => {
  const node = nodes.get(id);
  if (node === undefined) return 'unknown';
  const { functionName, url, lineNumber } = node.callFrame;
  if (url.startsWith('src/')) return sourceName(url, lineNumber);
  if (url !== '') return `${functionName} (${url.replace('node_modules/', '')}:${lineNumber + 1})`;
  const parent = parents.get(id);
  const caller = parent === undefined ? '' : functionOf(parent, nodes, parents);
  return functionName === '(root)' ? functionName : `${functionName} < ${caller}`;
};

const sources = new Map<string, readonly string[]>();

/** `src/market/decimal.ts:67 function parseShort(…`. */
const sourceName = (url: string, line: number): string => {
  let lines = sources.get(url);
  if (lines === undefined) {
    lines = readFileSync(join(root, url), 'utf8').split('\n');
    sources.set(url, lines);
  }
  return `${url}:${line + 1} ${(lines[line] ?? '').trim().slice(0, 60)}`;
};
