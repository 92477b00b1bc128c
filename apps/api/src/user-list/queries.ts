import { type SQL, and, asc, gt, gte, lt, sql } from 'drizzle-orm'
import type { AuditEvent } from '../audit/event.ts'
import { recording } from '../audit/queries.ts'
import type { Database } from '../db/open.ts'
import { users } from '../db/schema.ts'
import { prefixEnd } from './prefix-end.ts'

/** Which accounts are listed. */
export interface UserFilter {
  /** What their keys begin with. */
  prefix?: string | undefined
  role?: 'user' | 'admin' | undefined
  disabled?: boolean | undefined
  /** Those behind this key. */
  after?: string | undefined
}

export type UserListQueries = ReturnType<typeof createUserListQueries>
export type ListedUser = Awaited<ReturnType<UserListQueries['list']>>[number]

export function createUserListQueries(db: Database) {
  return {
    /** Up to `limit` accounts in the order of their keys, compared by bytes; records that they were listed. */
    list(filter: UserFilter, limit: number, event: Omit<AuditEvent, 'event'>) {
      const asked = db.$with('asked').as(db.select({ one: sql`1`.as('one') }).from(sql`(values (1)) as one`))
      const following = db
        .select(listed)
        .from(users)
        .where(and(...behind(filter), ...kinds(filter)))
        .orderBy(asc(users.usernameKey))
        .limit(limit)
        .as('following')
      const end = prefixEnd(filter.prefix ?? '')
      return db
        .with(asked, recording(db, asked, { event: 'users_listed', ...event }))
        .select()
        .from(following)
        .where(end === undefined ? undefined : lt(following.usernameKey, end))
        .orderBy(asc(following.usernameKey))
    },
  }
}

const listed = {
  id: users.id,
  username: users.username,
  usernameKey: users.usernameKey,
  role: users.role,
  birthday: users.birthday,
  createTime: users.createTime,
  lastLogin: users.lastLogin,
  disabledAt: users.disabledAt,
}

/**
 * Where the page begins. Where its prefix ends is looked at behind the limit: of a range with both ends a planner without
 * statistics, and the embedded database has none, thinks that it is short, reads the whole of it and sorts.
 */
function behind({ prefix = '', after }: UserFilter): (SQL | undefined)[] {
  const startsInside = after?.startsWith(prefix) ?? false
  return [
    prefix === '' || startsInside ? undefined : gte(users.usernameKey, prefix),
    after === undefined ? undefined : gt(users.usernameKey, after),
  ]
}

/**
 * The rare kinds have indexes of their own, which only a condition without parameters is seen to fit. The others are
 * said so that a planner without statistics does not take them for rare.
 */
function kinds({ role, disabled }: UserFilter): (SQL | undefined)[] {
  const disabledOnes = sql`${users.disabledAt} is not null`
  return [
    role && (role === 'admin' ? sql`${users.role} = 'admin'` : sql`${users.role} <> 'admin'`),
    disabled === undefined ? undefined : disabled ? disabledOnes : sql`coalesce(${users.disabledAt} is null, false)`,
  ]
}
