/**
 * Who may reach outside the program's own values: the environment, the process's end, the clock,
 * chance, disk and network each have a door and an owner. Judged on the code as Bun prints it,
 * without comments and types.
 */
import type { Fault, File } from './tree.ts';

type Door = {
  readonly what: RegExp;
  /** Paths that may. */
  readonly owner: RegExp;
  readonly mend: string;
};

const doors: readonly Door[] = [
  {
    what: /\bprocess\.env\b|\bBun\.env\b|\bimport\.meta\.env\b|\bnode:process\b/,
    owner: /^src\/config\//,
    mend: 'only src/config reads the environment: take a setting',
  },
  {
    what: /\bprocess\.exit\(/,
    owner: /^src\/main\.ts$/,
    mend: 'only src/main.ts ends the process: return an exit code or throw MdpError',
  },
  {
    what: /\bDate\.now\(|\bnew Date\b(?!\([^)])|\bperformance\.now\(|\bBun\.nanoseconds\(/,
    owner: /^src\/runtime\//,
    mend: 'time comes from a Clock parameter (src/runtime/clock.ts)',
  },
  {
    what: /\bsetTimeout\(|\bsetInterval\(|\bBun\.sleep|\bnode:timers/,
    owner: /^src\/runtime\//,
    mend: 'timers come from a Clock parameter (src/runtime/clock.ts)',
  },
  {
    what: /\bMath\.random\(|\bgetRandomValues\(/,
    owner: /^src\/(runtime|commands)\//,
    mend: 'chance is a parameter, so that a test can seed it',
  },
  {
    what: /\bfrom ?"(node:|bun[:"])|\bfetch\(|\bnew WebSocket\(|\bBun\.(file|write|serve)\b/,
    owner: /^src\/(?!market\/|venues\/|operators\/)/,
    mend: 'market, venues and operators are pure: no disk, no network, no modules of the platform',
  },
];

const transpiler = new Bun.Transpiler({ loader: 'ts' });

/** Uses of a door by someone who does not own it; tests are free. */
export function wrongReaches(files: readonly File[]): Fault[] {
  return files
    .filter(({ path }) => !path.endsWith('.test.ts'))
    .flatMap(({ path, text }) => {
      const code = transpiler.transformSync(text);
      return doors
        .filter(({ what, owner }) => !owner.test(path) && what.test(code))
        .map(({ what, mend }) => `${path}: ${what.exec(code)?.[0] ?? ''}: ${mend}`);
    });
}
