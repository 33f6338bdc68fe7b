import type { BuildInfo } from '../http/metrics.ts';

/** Stamped by the build; `dev` when run from the sources. */
declare const MDP_VERSION: string | undefined;
declare const MDP_COMMIT: string | undefined;

export const BUILD: BuildInfo = {
  version: typeof MDP_VERSION === 'string' ? MDP_VERSION : 'dev',
  commit: typeof MDP_COMMIT === 'string' ? MDP_COMMIT : 'dev',
};
