/**
 * Which folder of src may import which: a frame moves down the list, an import only points up.
 * Stations (sources, journal, operators, sinks) never import each other; pipeline wires them.
 */
import { posix } from 'node:path';
import type { Fault, File } from './tree.ts';

const stations = ['sources', 'journal', 'operators', 'sinks'];
const below = ['market', 'venues', ...stations];

/** Besides itself and `runtime`, which every folder may import. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  runtime: [],
  market: [],
  venues: ['market'],
  sources: ['market', 'venues'],
  journal: ['market', 'venues'],
  operators: ['market', 'venues'],
  sinks: ['market', 'venues'],
  config: [],
  pipeline: [...below, 'config'],
  http: [...below, 'config', 'pipeline'],
  commands: [...below, 'config', 'pipeline', 'http'],
};

/** Imports in `src` that point the wrong way, and folders that the list does not know. */
export function wrongArrows(files: readonly File[]): Fault[] {
  return files.flatMap((file) =>
    importsOf(file).flatMap(({ target, line }) => {
      const reason = refusal(file.path, target);
      return reason === undefined ? [] : [`${file.path}:${line}: ${reason}`];
    }),
  );
}

type Import = { readonly target: string; readonly line: number };

const specifier = /(?:\bfrom|\bimport|\bimport\()\s*'([^']+)'/g;

/**
 * Static, side-effect, type and dynamic imports; a relative target is resolved to a path from the
 * root.
 */
function importsOf({ path, text }: File): Import[] {
  return Array.from(text.matchAll(specifier), (match) => {
    const target = match[1] ?? '';
    return {
      target: target.startsWith('.') ? posix.join(posix.dirname(path), target) : target,
      line: text.slice(0, match.index).split('\n').length,
    };
  });
}

function refusal(path: string, target: string): string | undefined {
  const from = folderOf(path);
  if (!/^(src|test|bench|scripts)\//.test(target)) return undefined;
  if (!target.startsWith('src/')) {
    const isTest = path.endsWith('.test.ts') && target.startsWith('test/');
    return isTest ? undefined : `${target} is not part of the program`;
  }
  const to = folderOf(target);
  if (from === to || from === 'main.ts' || to === 'runtime') return undefined;
  if (from === 'config' && posix.basename(target) === 'settings.ts') return undefined;
  const ups = allowed[from];
  if (ups === undefined) return `${from} is not a folder of the architecture: list it in arrows.ts`;
  return ups.includes(to) ? undefined : `${from} must not import ${to} (${target})`;
}

/** `src/venues/binance/decode.ts` is in `venues`; `src/main.ts` is itself. */
function folderOf(path: string): string {
  return path.split('/')[1] ?? '';
}
