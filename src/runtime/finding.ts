/** One thing that was looked at, how it stands, and what an operator can do about it. */
export type Finding = {
  /** What was looked at: `disk`, `database`, `source coinbase`. */
  readonly about: string;
  /** fail: the program cannot work like this. warn: it can, and not as well as it could. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly text: string;
  readonly cure: string | undefined;
};

export const ok = (about: string, text: string): Finding => ({
  about,
  status: 'ok',
  text,
  cure: undefined,
});

export const warn = (about: string, text: string, cure: string): Finding => ({
  about,
  status: 'warn',
  text,
  cure,
});

export const fail = (about: string, text: string, cure: string | undefined): Finding => ({
  about,
  status: 'fail',
  text,
  cure,
});
