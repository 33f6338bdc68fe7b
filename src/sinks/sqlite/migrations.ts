import tables from './migrations/0001_tables.sql' with { type: 'text' };
import views from './migrations/0002_views.sql' with { type: 'text' };

export type Migration = { readonly version: number; readonly name: string; readonly sql: string };

/**
 * In order, versions from 1 without a hole. Expand, then contract: an older program must be able to
 * go on while a newer one has already migrated. A released migration is never edited.
 */
export const migrations: readonly Migration[] = [
  { version: 1, name: 'tables', sql: tables },
  { version: 2, name: 'views', sql: views },
];
