import { and, count, eq, exists, gt, gte, isNull, ne, or, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import type { Circumstances } from '../audit/event.ts'
import { recording } from '../audit/queries.ts'
import { among } from '../db/among.ts'
import { createBatchReader } from '../db/batch-reader.ts'
import type { Database } from '../db/open.ts'
import { keeping, sessions, users } from '../db/schema.ts'

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

/** On whose authority a row is changed: the statement itself checks that it still holds. */
export interface Authority {
  userId: string
  /** It must not have ended: a request may take long after its token was looked at. */
  sessionId: string
  /** The caller's hash that `current_password` matched, when it was asked for. */
  provenHash?: string
  /** Whether the sign-in is the proof: the password must not have changed since. */
  provenBySignIn?: boolean
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

    /**
     * Changes the row. A new password ends the account's sessions but the caller's: how many, or
     * undefined when the row, or the caller's authority over it, is gone.
     */
    async update(
      id: string,
      change: { password?: string; passwordChangeTime?: Date; birthday?: string },
      authority: Authority,
    ): Promise<number | undefined> {
      if (change.password === undefined && change.birthday === undefined) return 0
      const others = db
        .select({ count: count() })
        .from(sessions)
        .where(
          and(
            eq(sessions.userId, users.id),
            ne(sessions.id, authority.sessionId),
            gt(sessions.expireTime, change.passwordChangeTime ?? new Date(0)),
          ),
        )
      const [row] = await db
        .update(users)
        .set(change)
        .where(and(eq(users.id, id), holds(db, authority), keeping(authority.sessionId)))
        .returning({ sessionsEnded: change.password === undefined ? sql<string>`0` : sql<string>`(${others})` })
      return row && Number(row.sessionsEnded)
    },

    /** Whether the row was deleted; false when it, or the caller's authority over it, is gone. */
    async delete(id: string, authority: Authority): Promise<boolean> {
      const rows = await db
        .delete(users)
        .where(and(eq(users.id, id), holds(db, authority)))
        .returning({ id: users.id })
      return rows.length === 1
    },
  }
}

/**
 * The caller and the session are still there, still may change the row, and the proof still holds. For a row of one's own the
 * row itself is asked: PostgreSQL looks at that again after it waited for another change of it, but not at other rows.
 */
function holds(db: Database, { userId, sessionId, provenHash, provenBySignIn = false }: Authority) {
  const caller = alias(users, 'caller')
  const signedIn = (row: typeof users | typeof caller) =>
    db
      .select({ one: sql`1` })
      .from(sessions)
      .where(
        and(
          eq(sessions.id, sessionId),
          eq(sessions.userId, row.id),
          provenBySignIn ? or(isNull(row.passwordChangeTime), gte(sessions.createTime, row.passwordChangeTime)) : undefined,
        ),
      )
  const stands = (row: typeof users | typeof caller) =>
    and(
      eq(row.id, userId),
      isNull(row.disabledAt),
      provenHash === undefined ? undefined : eq(row.password, provenHash),
      exists(signedIn(row)),
    )
  const administrators = db
    .select({ one: sql`1` })
    .from(caller)
    .where(and(stands(caller), ne(caller.id, users.id), eq(caller.role, 'admin')))
  return or(stands(users), exists(administrators))
}
