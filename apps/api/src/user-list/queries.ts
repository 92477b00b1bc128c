import { type SQL, and, asc, gt, gte, isNull, lt, not, sql } from 'drizzle-orm'
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
      return db
        .with(asked, recording(db, asked, { event: 'users_listed', ...event }))
        .select({
          id: users.id,
          username: users.username,
          usernameKey: users.usernameKey,
          role: users.role,
          birthday: users.birthday,
          createTime: users.createTime,
          lastLogin: users.lastLogin,
          disabledAt: users.disabledAt,
        })
        .from(users)
        .where(and(...conditions(filter)))
        .orderBy(asc(users.usernameKey))
        .limit(limit)
    },
  }
}

/** All of it is a range of one index: of that of all names, or of the few that a partial one holds. */
function conditions({ prefix = '', role, disabled, after }: UserFilter): (SQL | undefined)[] {
  const end = prefixEnd(prefix)
  return [
    prefix === '' ? undefined : gte(users.usernameKey, prefix),
    end === undefined ? undefined : lt(users.usernameKey, end),
    after === undefined ? undefined : gt(users.usernameKey, after),
    role && roles[role],
    disabled === undefined ? undefined : disabled ? not(isNull(users.disabledAt)) : isNull(users.disabledAt),
  ]
}

/** Written out: a parameter does not tell the planner that the index of administrators will do. */
const roles = { user: sql`${users.role} = 'user'`, admin: sql`${users.role} = 'admin'` }
