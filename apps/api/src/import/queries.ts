import { and, eq, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { recording } from '../audit/queries.ts'
import { among } from '../db/among.ts'
import type { Database } from '../db/open.ts'
import { importedUsers, users } from '../db/schema.ts'
import type { Candidate } from './record.ts'

/** What is here already of what a source has. */
export interface Known {
  /** By the source's key: the account that it became, null where that was deleted since. */
  imported: ReadonlyMap<string, string | null>
  /** By `username_key`: whose name it is, and which account of the source became that one, if one did. */
  taken: ReadonlyMap<string, { userId: string; sourceKey: string | null }>
}

export type ImportQueries = ReturnType<typeof createImportQueries>

export function createImportQueries(db: Database) {
  const ofSource = eq(importedUsers.source, sql.placeholder('source'))
  const selectImported = db
    .select({ sourceKey: importedUsers.sourceKey, userId: importedUsers.userId })
    .from(importedUsers)
    .where(and(ofSource, among(importedUsers.sourceKey, 'keys')))
    .prepare('imported_users_select')
  const selectTaken = db
    .select({ usernameKey: users.usernameKey, userId: users.id, sourceKey: importedUsers.sourceKey })
    .from(users)
    .leftJoin(importedUsers, and(eq(importedUsers.userId, users.id), ofSource))
    .where(among(users.usernameKey, 'keys'))
    .prepare('imported_users_select_taken')

  return {
    async findKnown(source: string, candidates: readonly Candidate[]): Promise<Known> {
      const keysOf = (keyOf: (candidate: Candidate) => string) => JSON.stringify(candidates.map(keyOf))
      const [imported, taken] = await Promise.all([
        selectImported.execute({ source, keys: keysOf(({ sourceKey }) => sourceKey) }),
        selectTaken.execute({ source, keys: keysOf(({ usernameKey }) => usernameKey) }),
      ])
      return {
        imported: new Map(imported.map(({ sourceKey, userId }) => [sourceKey, userId])),
        taken: new Map(taken.map(({ usernameKey, ...rest }) => [usernameKey, rest])),
      }
    },

    /**
     * Creates the account, notes where it came from and records it: one statement. Its id; undefined when its name is
     * taken. Fails with 23505 when the source's account came over before under another name, or was deleted here.
     */
    async insert(source: string, candidate: Candidate, password: string, now: Date): Promise<string | undefined> {
      const { sourceKey } = candidate
      const created = db.$with('created').as(
        db
          .insert(users)
          .select(db.select(rowOf(candidate, password, now)).from(sql`(values (1)) as one`))
          .onConflictDoNothing({ target: users.usernameKey })
          .returning({ id: users.id }),
      )
      const noted = db.$with('noted').as(
        db
          .insert(importedUsers)
          .select(
            db
              .select({
                source: sql`${source}::text`.as('source'),
                sourceKey: sql`${sourceKey}::text`.as('source_key'),
                userId: created.id,
                importTime: instant(now).as('import_time'),
              })
              .from(created),
          )
          .returning({ userId: importedUsers.userId }),
      )
      const recorded = recording(
        db,
        noted,
        { event: 'user_imported', origin: { actor: 'operator' }, details: { source }, now },
        { subjectId: noted.userId },
      )
      const [row] = await db.with(created, noted, recorded).select({ userId: noted.userId }).from(noted)
      return row?.userId ?? undefined
    },
  }
}

/** In the order of the table's columns. */
function rowOf({ username, usernameKey, birthday, role, createTime, lastLogin }: Candidate, password: string, now: Date) {
  return {
    id: sql`${uuidv7({ msecs: now.getTime() })}::uuid`.as('id'),
    username: sql`${username}::text`.as('username'),
    usernameKey: sql`${usernameKey}::text`.as('username_key'),
    password: sql`${password}::text`.as('password'),
    passwordChangeTime: sql`null::timestamptz`.as('password_change_time'),
    birthday: sql`${birthday}::date`.as('birthday'),
    role: sql`${role}::text`.as('role'),
    createTime: instant(createTime ?? now).as('create_time'),
    lastLogin: instant(lastLogin).as('last_login'),
    disabledAt: sql`null::timestamptz`.as('disabled_at'),
  }
}

const instant = (time: Date | null) => sql`${time?.toISOString() ?? null}::timestamptz`
