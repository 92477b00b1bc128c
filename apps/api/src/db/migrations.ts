import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import type { Database } from './open.ts'

/** The generated SQL, beside the code whatever the working folder is. */
export const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url))

/** When each migration that this code knows was made, milliseconds, the oldest first: their names in the database. */
export const migrationTimes = (): number[] => readMigrationFiles({ migrationsFolder }).map(({ folderMillis }) => folderMillis)

/** Whether every migration that this code knows has been applied. */
export function createMigrationCheck(db: Database): () => Promise<boolean> {
  const newest = migrationTimes().at(-1) ?? 0
  return async () => {
    const applied = sql<string>`(select max(created_at) from drizzle.__drizzle_migrations)`
    const [row] = await db.select({ applied }).from(sql`(values (1)) as one`)
    return Number(row?.applied ?? 0) >= newest
  }
}
