import type { Environment } from './environment.ts';

/** The variables of this process. */
export const processEnvironment = (): Environment => ({ ...process.env });
