import { join } from 'node:path';

const modules = join(import.meta.dir, '../node_modules');
const platform = `${process.platform}-${process.arch}`;

/** The linter with its type-aware rules, run by Bun: Node.js need not be there. */
export const lint = {
  cmd: [process.execPath, '--bun', join(modules, 'oxlint/bin/oxlint'), '--type-aware'],
  env: {
    ...process.env,
    OXLINT_TSGOLINT_PATH: join(modules, '@oxlint-tsgolint', platform, 'tsgolint'),
  },
} as const;
