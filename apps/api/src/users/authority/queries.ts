import { and, eq, exists, gte, inArray, isNull, or, sql } from 'drizzle-orm'
import type { Database } from '../../db/open.ts'
import { sessions, users } from '../../db/schema.ts'

/** On whose authority a row is changed: the statement itself checks that it still holds. */
export interface Authority {
  userId: string
  /** It must not have ended: a request may take long after its token was looked at. */
  sessionId: string
  /** The caller's hash that `current_password` matched, when it was asked for. */
  provenHash?: string
  /** Whether the sign-in is the proof: the password must not have changed since. */
  provenBySignIn?: boolean
  /** Whether it takes an administrator, for the caller's own row too. */
  asAdministrator?: boolean
}

/** Whoever has the command line has the database, and needs no account in it. */
export type Authorized = Authority | 'operator'

/** The row to change, as a common table expression, with those that it needs before it. */
export type Authorization = ReturnType<typeof authorizing>

/**
 * Locks the caller's row and the one to change, and finds the second where the first, as it then is, allows that. PostgreSQL
 * looks again at a row that it waited for, so neither is judged by what it was before. The locks are taken in the order of
 * the ids: two administrators who act on each other take turns, and the second is one no more.
 */
export function authorizing(db: Database, id: string, authorized: Authorized) {
  const ids = authorized === 'operator' ? [id] : [authorized.userId, id]
  const locked = locking(db, ids)
  const caller = authorized === 'operator' ? undefined : callerIn(db, locked, id, authorized)
  const target = db.$with('target').as(
    db
      .select()
      .from(locked)
      .where(and(eq(locked.id, id), caller && exists(caller))),
  )
  return { ctes: [locked, target], target }
}

const facts = {
  id: users.id,
  role: users.role,
  disabledAt: users.disabledAt,
  birthday: users.birthday,
  password: users.password,
  passwordChangeTime: users.passwordChangeTime,
}

type Locked = ReturnType<typeof locking>

const locking = (db: Database, ids: string[]) =>
  db.$with('locked').as(db.select(facts).from(users).where(inArray(users.id, ids)).orderBy(users.id).for('no key update'))

/** The caller among the locked rows, if the account, its session, its right over the row and the proof are still there. */
function callerIn(db: Database, locked: Locked, id: string, { asAdministrator = false, ...authority }: Authority) {
  const { userId, sessionId, provenHash, provenBySignIn = false } = authority
  const sinceThePassword = or(isNull(locked.passwordChangeTime), gte(sessions.createTime, locked.passwordChangeTime))
  const session = db
    .select({ one: sql`1` })
    .from(sessions)
    .where(and(eq(sessions.id, sessionId), eq(sessions.userId, userId), provenBySignIn ? sinceThePassword : undefined))
  return db
    .select({ one: sql`1` })
    .from(locked)
    .where(
      and(
        eq(locked.id, userId),
        isNull(locked.disabledAt),
        userId === id && !asAdministrator ? undefined : eq(locked.role, 'admin'),
        provenHash === undefined ? undefined : eq(locked.password, provenHash),
        exists(session),
      ),
    )
}
