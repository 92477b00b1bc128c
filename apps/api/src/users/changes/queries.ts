import { type SQL, and, count, eq, gt, inArray, ne, sql } from 'drizzle-orm'
import type { AuditEvent, Circumstances } from '../../audit/event.ts'
import { record, recording } from '../../audit/queries.ts'
import { codeOf } from '../../db/database-error.ts'
import type { Database } from '../../db/open.ts'
import { keeping, sessions, users } from '../../db/schema.ts'
import { type Authorization, type Authorized, authorizing } from '../authority/queries.ts'

/** What a change may set. */
export interface Change {
  /** A PHC string. */
  password?: string
  birthday?: string
  role?: 'user' | 'admin'
  disabled?: boolean
}

/** The statements that change an account. Each records what it did. */
export function createChangeQueries(db: Database) {
  return {
    /**
     * Changes the row. A new password ends the account's sessions but the caller's; another role, or being disabled, ends all.
     * How many, or undefined when the row, or the caller's authority over it, is gone.
     */
    update(id: string, change: Change, authorized: Authorized, circumstances: Circumstances) {
      return unlessLast(async () => {
        if (Object.keys(change).length === 0) return 0
        const authorization = authorizing(db, id, authorized)
        const changed = updating(db, authorization, change, keptSession(change, authorized), circumstances.now)
        const recorded = eventsOf(change, changed).map(({ where, ...event }) =>
          recording(db, changed, { ...event, ...circumstances }, { subjectId: changed.id, where, as: event.event }),
        )
        const [row] = await db
          .with(...authorization.ctes, changed, ...recorded)
          .select({ sessionsEnded: changed.sessionsEnded })
          .from(changed)
        return row && Number(row.sessionsEnded)
      })
    },

    /** Whether the row was deleted; false when it, or the caller's authority over it, is gone. */
    delete(id: string, authorized: Authorized, circumstances: Circumstances) {
      return unlessLast(async () => {
        const { ctes, target } = authorizing(db, id, authorized)
        const deleted = db.$with('deleted').as(
          db
            .delete(users)
            .where(and(eq(users.id, id), inArray(users.id, db.select({ id: target.id }).from(target))))
            .returning({ id: users.id }),
        )
        const recorded = recording(db, deleted, { event: 'user_deleted', ...circumstances }, { subjectId: deleted.id })
        const rows = await db
          .with(...ctes, deleted, recorded)
          .select({ id: deleted.id })
          .from(deleted)
        return rows.length === 1
      })
    },

    /** Records that a change was tried, and refused. */
    recordRefusal: (event: AuditEvent): Promise<void> => record(db, { ...event, outcome: 'failure' }),
  }
}

/** The session that outlives the change: that of whoever sets a password, but not with another role, which is in its tokens. */
function keptSession({ role, disabled }: Change, authorized: Authorized): string | undefined {
  return authorized === 'operator' || role !== undefined || disabled !== undefined ? undefined : authorized.sessionId
}

type Changed = ReturnType<typeof updating>

/** The update, and what it made different. */
function updating(db: Database, { target }: Authorization, change: Change, kept: string | undefined, now: Date) {
  const { password, birthday, role, disabled } = change
  const ended = db
    .select({ count: count() })
    .from(sessions)
    .where(
      and(eq(sessions.userId, users.id), gt(sessions.expireTime, now), kept === undefined ? undefined : ne(sessions.id, kept)),
    )
  const otherRole = sql<boolean>`${users.role} <> ${target.role}`
  const wasDisabled = sql<boolean>`${users.disabledAt} is not null and ${target.disabledAt} is null`
  const endsSessions = password === undefined ? sql`(${otherRole} or (${wasDisabled}))` : sql`true`
  return db.$with('changed').as(
    db
      .update(users)
      .set({
        birthday,
        role,
        ...(password !== undefined && { password, passwordChangeTime: now }),
        // Disabled once more, an account has been so since the first time.
        ...(disabled !== undefined && { disabledAt: disabled ? sql`coalesce(${users.disabledAt}, ${now.toISOString()})` : null }),
      })
      .from(target)
      .where(and(eq(users.id, target.id), kept === undefined ? undefined : keeping(kept)))
      .returning({
        id: users.id,
        sessionsEnded: sql<string>`case when ${endsSessions} then (${ended}) else 0 end`.as('sessions_ended'),
        otherBirthday: sql<boolean>`${users.birthday} is distinct from ${target.birthday}`.as('other_birthday'),
        otherRole: otherRole.as('other_role'),
        wasDisabled: wasDisabled.as('was_disabled'),
        wasEnabled: sql<boolean>`${users.disabledAt} is null and ${target.disabledAt} is not null`.as('was_enabled'),
      }),
  )
}

/** One event for each thing that the change may do, and in which case it did it. */
function eventsOf(
  { password, birthday, role, disabled }: Change,
  changed: Changed,
): (Pick<AuditEvent, 'event' | 'details'> & { where?: SQL })[] {
  return [
    birthday === undefined
      ? []
      : { event: 'user_changed' as const, details: { members: ['birthday'] }, where: sql`${changed.otherBirthday}` },
    password === undefined ? [] : { event: 'password_changed' as const },
    role === undefined ? [] : { event: 'role_changed' as const, details: { to: role }, where: sql`${changed.otherRole}` },
    disabled !== true ? [] : { event: 'user_disabled' as const, where: sql`${changed.wasDisabled}` },
    disabled !== false ? [] : { event: 'user_enabled' as const, where: sql`${changed.wasEnabled}` },
  ].flat()
}

/** SQLSTATE of the trigger that keeps an enabled administrator. */
const lastAdministrator = 'UG001'

async function unlessLast<T>(statement: () => Promise<T>): Promise<T | 'last_administrator'> {
  try {
    return await statement()
  } catch (error) {
    if (codeOf(error) === lastAdministrator) return 'last_administrator'
    throw error
  }
}
