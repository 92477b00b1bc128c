import { sql } from 'drizzle-orm'
import type { Circumstances } from '../audit/event.ts'
import { recording } from '../audit/queries.ts'
import type { Database } from '../db/open.ts'
import { passwordResets, users } from '../db/schema.ts'
import type { NewAccount } from '../users/queries.ts'

export type OperatorQueries = ReturnType<typeof createOperatorQueries>

export function createOperatorQueries(db: Database) {
  return {
    /** Creates an administrator's account, with a reset code where there is one; false when the name is taken. */
    async insertAdministrator(
      row: NewAccount,
      reset: { codeHash: string; expireTime: Date } | undefined,
      circumstances: Circumstances,
    ): Promise<boolean> {
      const { now } = circumstances
      const created = db.$with('created').as(
        db
          .insert(users)
          .values({ ...row, role: 'admin', createTime: now })
          .onConflictDoNothing({ target: users.usernameKey })
          .returning({ id: users.id }),
      )
      const account = { subjectId: created.id }
      const event = { event: 'user_created' as const, details: { role: 'admin' }, ...circumstances }
      const issuing = { event: 'password_reset_issued' as const, ...circumstances }
      const issued = db.$with('issued').as(
        db
          .insert(passwordResets)
          .select(
            db
              .select({
                userId: created.id,
                codeHash: sql`${reset?.codeHash}::text`.as('code_hash'),
                createTime: sql`${now.toISOString()}::timestamptz`.as('create_time'),
                expireTime: sql`${reset?.expireTime.toISOString()}::timestamptz`.as('expire_time'),
              })
              .from(created),
          )
          .returning({ userId: passwordResets.userId }),
      )
      const resetting = reset ? [issued, recording(db, issued, issuing, { subjectId: issued.userId, as: 'recorded_reset' })] : []
      const rows = await db
        .with(created, recording(db, created, event, account), ...resetting)
        .select({ id: created.id })
        .from(created)
      return rows.length === 1
    },
  }
}
