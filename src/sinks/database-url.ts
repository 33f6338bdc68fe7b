/**
 * Which database a `database.url` names. The text behind `postgres://` is the PostgreSQL sink's to
 * read.
 */
export type DatabaseUrl =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string };

const postgresForm = /^postgres(ql)?:\/\//;
/** `sqlite:PATH`; also `sqlite:///PATH`, the form with an empty host that other programs write. */
const sqliteForm = /^sqlite:(?:\/\/(?=\/))?(.+)$/;
/**
 * What SQLite, or a reader of URLs, would not take for a plain path: memory, temporary files,
 * hosts.
 */
const noFile = /^(:|file:|\/\/)/;

/**
 * undefined where the URL is neither. A database in memory is refused: it would lose everything at
 * the end.
 */
export function parseDatabaseUrl(url: string): DatabaseUrl | undefined {
  if (postgresForm.test(url)) return { kind: 'postgres', url };
  const path = sqliteForm.exec(url)?.[1];
  if (path === undefined || noFile.test(path) || path.endsWith('/')) return undefined;
  return { kind: 'sqlite', path };
}
