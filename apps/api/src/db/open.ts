import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import type * as schema from './schema.ts'

/** Drizzle over either driver. */
export type Database = PgDatabase<PgQueryResultHKT, typeof schema>

/** What has to be learned soon whatever else the database is busy with: on PostgreSQL, on connections of its own. */
export interface Feed {
  /** Rejects with a `StatementTimeout` where a connection may be lost: on PostgreSQL after two seconds. */
  read<T>(select: (db: Database) => Promise<T>): Promise<T>
  /** Calls `heard` at each notification on `channel`, and whenever some may have been missed. Called again, it listens anew. */
  listen(channel: string, heard: () => void): void
  /** Aborted when the database closes. */
  closed: AbortSignal
}

/** An open, migrated database. */
export interface OpenDatabase {
  db: Database
  /** For counts of attempts: on PostgreSQL on connections of its own, which hold up nothing else and may lose the last moment in a crash. */
  counting: Database
  feed: Feed
  /** Flushes and closes; statements still running finish first. */
  close(): Promise<void>
}
