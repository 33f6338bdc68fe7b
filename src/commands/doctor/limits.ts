import { readFileSync } from 'node:fs';
import { ok, warn, type Finding } from '../../runtime/finding.ts';

const ABOUT = 'open files';
/** Files, sockets and clients of the HTTP side, beside one socket a connection. */
const OWN_FILES = 128;
/** Anything less is a default of long ago. */
const USUAL_LIMIT = 1024;

/** Whether the process may open as many files as `connections` to venues and database need. */
export const diagnoseOpenFiles = (connections: number): Finding => {
  const limit = softLimit();
  if (limit === undefined) return ok(ABOUT, 'this system does not tell its limit');
  const needed = Math.max(USUAL_LIMIT, connections + OWN_FILES);
  if (limit >= needed) return ok(ABOUT, `${limit} allowed, for ${connections} connections`);
  const cure = `raise it to ${needed}: ulimit -n, or LimitNOFILE= in the systemd unit`;
  return warn(ABOUT, `${limit} allowed, for ${connections} connections`, cure);
};

/** Of this process; Linux only. */
const softLimit = (): number | undefined => {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const soft = /^Max open files +(\d+|unlimited)/m.exec(limits)?.[1];
    if (soft === undefined) return undefined;
    return soft === 'unlimited' ? Infinity : Number(soft);
  } catch {
    // No /proc: nothing is known, and the finding says so.
    return undefined;
  }
};
