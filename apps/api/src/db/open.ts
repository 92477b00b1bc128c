import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import type * as schema from './schema.ts'

/** Drizzle over either driver. */
export type Database = PgDatabase<PgQueryResultHKT, typeof schema>

/** An open, migrated database. */
export interface OpenDatabase {
  db: Database
  /** Flushes and closes; statements still running finish first. */
  close(): Promise<void>
}
