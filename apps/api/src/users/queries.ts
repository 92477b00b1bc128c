import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Circumstances } from '../audit/event.ts'
import { recording } from '../audit/queries.ts'
import { among } from '../db/among.ts'
import { createBatchReader } from '../db/batch-reader.ts'
import type { Database } from '../db/open.ts'
import { sessions, users } from '../db/schema.ts'
import type { Authority } from './authority/queries.ts'
import { createChangeQueries } from './changes/queries.ts'

/** An account without its password hash. */
export interface Account {
  id: string
  username: string
  usernameKey: string
  birthday: string | null
  role: 'user' | 'admin'
  createTime: Date
  lastLogin: Date | null
  disabledAt: Date | null
}

/** What proves who somebody is. */
export interface Credentials {
  id: string
  username: string
  role: 'user' | 'admin'
  /** A PHC string. */
  password: string
  passwordChangeTime: Date | null
  disabledAt: Date | null
}

export interface NewAccount {
  id: string
  username: string
  usernameKey: string
  password: string
  birthday: string | null
}

export type UserQueries = ReturnType<typeof createUserQueries>

const account = {
  id: users.id,
  username: users.username,
  usernameKey: users.usernameKey,
  birthday: users.birthday,
  role: users.role,
  createTime: users.createTime,
  lastLogin: users.lastLogin,
  disabledAt: users.disabledAt,
}
const credentials = {
  id: users.id,
  username: users.username,
  role: users.role,
  password: users.password,
  passwordChangeTime: users.passwordChangeTime,
  disabledAt: users.disabledAt,
}
const enabled = isNull(users.disabledAt)

export function createUserQueries(db: Database) {
  const selectCredentials = db
    .select(credentials)
    .from(users)
    .where(eq(users.usernameKey, sql.placeholder('usernameKey')))
    .prepare('users_select_credentials')

  const selectCaller = db
    .select({ ...credentials, signInTime: sessions.createTime })
    .from(users)
    .innerJoin(sessions, eq(sessions.userId, users.id))
    .where(and(eq(users.id, sql.placeholder('userId')), eq(sessions.id, sql.placeholder('sessionId')), enabled))
    .prepare('users_select_caller')

  const selectByKeys = db.select(account).from(users).where(among(users.usernameKey, 'keys')).prepare('users_select_by_keys')

  return {
    /** Whether the account was created, which is recorded; false when its name is taken. */
    async insert(row: NewAccount, { now, origin }: Circumstances): Promise<boolean> {
      const created = db.$with('created').as(
        db
          .insert(users)
          .values({ ...row, createTime: now })
          .onConflictDoNothing({ target: users.usernameKey })
          .returning({ id: users.id }),
      )
      const recorded = recording(db, created, { event: 'user_created', origin, subjectId: row.id, now })
      const rows = await db.with(created, recorded).select({ id: created.id }).from(created)
      return rows.length === 1
    },

    /** What proves who somebody is, disabled or not. */
    async findCredentials(usernameKey: string): Promise<Credentials | undefined> {
      const [row] = await selectCredentials.execute({ usernameKey })
      return row
    },

    /** Who a session speaks for, and since when. Undefined when it, or its account, is no more. */
    async findCaller({ userId, sessionId }: Authority): Promise<(Credentials & { signInTime: Date }) | undefined> {
      const [row] = await selectCaller.execute({ userId, sessionId })
      return row
    },

    /** An account by its name, disabled or not. */
    findByKey: createBatchReader(
      (keys: string[]): Promise<Account[]> => selectByKeys.execute({ keys: JSON.stringify(keys) }),
      ({ usernameKey }) => usernameKey,
    ),

    ...createChangeQueries(db),
  }
}
