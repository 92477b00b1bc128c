import { and, eq, gt, inArray, isNull, sql } from 'drizzle-orm'
import type { Circumstances } from '../audit/event.ts'
import { recording } from '../audit/queries.ts'
import type { Database } from '../db/open.ts'
import { passwordResets, users } from '../db/schema.ts'
import { type Authorized, authorizing } from '../users/authority/queries.ts'

export type PasswordResetQueries = ReturnType<typeof createPasswordResetQueries>

/** Every statement locks the account's row before its code's, as a change of the account does: none waits crosswise. */
export function createPasswordResetQueries(db: Database) {
  /** The account that an unspent code is for, if it is enabled. */
  const accountOf = (codeHash: string, now: Date) =>
    db
      .select({ id: users.id, username: users.username })
      .from(users)
      .innerJoin(passwordResets, eq(passwordResets.userId, users.id))
      .where(and(eq(passwordResets.codeHash, codeHash), gt(passwordResets.expireTime, now), isNull(users.disabledAt)))

  return {
    /** Stores a code in place of the one before; undefined when the account, or the caller's authority over it, is gone. */
    async issue(
      id: string,
      { codeHash, expireTime }: { codeHash: string; expireTime: Date },
      authorized: Authorized,
      circumstances: Circumstances,
    ): Promise<'issued' | 'account_disabled' | undefined> {
      const { ctes, target } = authorizing(db, id, authorized)
      const row = { codeHash, createTime: circumstances.now, expireTime }
      const issued = db.$with('issued').as(
        db
          .insert(passwordResets)
          .select(
            db
              .select({
                userId: target.id,
                codeHash: sql`${codeHash}::text`.as('code_hash'),
                createTime: instant(circumstances.now).as('create_time'),
                expireTime: instant(expireTime).as('expire_time'),
              })
              .from(target)
              .where(isNull(target.disabledAt)),
          )
          .onConflictDoUpdate({ target: passwordResets.userId, set: row })
          .returning({ userId: passwordResets.userId }),
      )
      const event = { event: 'password_reset_issued' as const, ...circumstances }
      const [found] = await db
        .with(...ctes, issued, recording(db, issued, event, { subjectId: issued.userId }))
        .select({ disabledAt: target.disabledAt })
        .from(target)
      return found && (found.disabledAt === null ? 'issued' : 'account_disabled')
    },

    /** Whose password a code may set. */
    async findAccount(codeHash: string, now: Date): Promise<{ username: string } | undefined> {
      const [row] = await accountOf(codeHash, now)
      return row
    },

    /** Spends a code for a new password, which ends the account's sessions. Of several at once, one does; whether it was this. */
    async spend(codeHash: string, password: string, circumstances: Circumstances): Promise<boolean> {
      const { now } = circumstances
      const account = db.$with('account').as(accountOf(codeHash, now).for('no key update', { of: users }))
      const spent = db.$with('spent').as(
        db
          .delete(passwordResets)
          .where(
            and(
              eq(passwordResets.codeHash, codeHash),
              inArray(passwordResets.userId, db.select({ id: account.id }).from(account)),
            ),
          )
          .returning({ userId: passwordResets.userId }),
      )
      const changed = db
        .$with('changed')
        .as(
          db
            .update(users)
            .set({ password, passwordChangeTime: now })
            .from(spent)
            .where(eq(users.id, spent.userId))
            .returning({ id: users.id }),
        )
      const event = { event: 'password_reset' as const, ...circumstances }
      const rows = await db
        .with(account, spent, changed, recording(db, changed, event, { subjectId: changed.id }))
        .select({ id: changed.id })
        .from(changed)
      return rows.length === 1
    },
  }
}

const instant = (time: Date) => sql`${time.toISOString()}::timestamptz`
