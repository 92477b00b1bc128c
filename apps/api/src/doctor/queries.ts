import { sql } from 'drizzle-orm'
import type { Database } from '../db/open.ts'

/** What a database says of itself, whatever version of Gatehouse it is of. Undefined: there is no such table yet. */
export interface DatabaseFacts {
  /** `server_version_num`. */
  versionNumber: number
  databaseTime: Date
  /** Creation times of the applied migrations, milliseconds. */
  applied: number[]
  hasUsers: boolean
  mayWriteLimits: boolean | undefined
  administrators: number | undefined
}

/** Reads only. The clock is read first and alone: what is measured is the way there and back. */
export async function readClock(db: Database): Promise<Date> {
  const [row] = await db.select({ time: sql<string>`clock_timestamp()::text` }).from(one)
  return new Date(row?.time ?? Number.NaN)
}

export async function readFacts(db: Database): Promise<Omit<DatabaseFacts, 'databaseTime'>> {
  const [row] = await db
    .select({
      versionNumber: sql<string>`current_setting('server_version_num')`,
      hasMigrations: sql<boolean>`to_regclass('drizzle.__drizzle_migrations') is not null`,
      hasUsers: sql<boolean>`to_regclass('public.users') is not null`,
      mayWriteLimits: sql<boolean | null>`has_table_privilege(to_regclass('public.rate_limits'), 'insert, update, delete')`,
    })
    .from(one)
  if (!row) throw new Error('a select without a table has one row')
  const applied = row.hasMigrations ? await readApplied(db) : []
  return {
    versionNumber: Number(row.versionNumber),
    applied,
    hasUsers: row.hasUsers,
    mayWriteLimits: row.mayWriteLimits ?? undefined,
    administrators: applied.length > 0 && row.hasUsers ? await countAdministrators(db) : undefined,
  }
}

async function readApplied(db: Database): Promise<number[]> {
  const rows = await db.select({ time: sql<string>`created_at` }).from(sql`drizzle.__drizzle_migrations`)
  return rows.map(({ time }) => Number(time))
}

async function countAdministrators(db: Database): Promise<number> {
  const enabled = sql`(select count(*) from public.users where role = 'admin' and disabled_at is null)`
  const [row] = await db.select({ count: sql<string>`${enabled}` }).from(one)
  return Number(row?.count)
}

const one = sql`(values (1)) as one`
