import { and, asc, desc, eq, gt, lt } from 'drizzle-orm'
import { union } from 'drizzle-orm/pg-core'
import type { StoredEvent } from '../audit/queries.ts'
import type { Database } from '../db/open.ts'
import { auditEvents, importedUsers, knownNetworks, passwordResets, sessions, users } from '../db/schema.ts'

export type ExportQueries = ReturnType<typeof createExportQueries>

/** Everything about an account but its secrets, each column by its name: a test finds the one that is forgotten. */
export function createExportQueries(db: Database) {
  return {
    /** The account's row; undefined where it is no more. */
    async findAccount(id: string) {
      const [row] = await db.select(account).from(users).where(eq(users.id, id))
      return row
    },

    async findPasswordReset(userId: string) {
      const [row] = await db.select(passwordReset).from(passwordResets).where(eq(passwordResets.userId, userId))
      return row
    },

    /** Where the account was imported from: few places, if any. */
    listImports: (userId: string) =>
      db.select(imported).from(importedUsers).where(eq(importedUsers.userId, userId)).orderBy(asc(importedUsers.source)),

    listNetworks: (userId: string, limit: number, after?: { address_prefix: string }) =>
      db
        .select(network)
        .from(knownNetworks)
        .where(and(eq(knownNetworks.userId, userId), after && gt(knownNetworks.addressPrefix, after.address_prefix)))
        .orderBy(asc(knownNetworks.addressPrefix))
        .limit(limit),

    /** Those that go on, and those that expired and are not cleaned up yet. */
    listSessions: (userId: string, limit: number, after?: { id: string }) =>
      db
        .select(session)
        .from(sessions)
        .where(and(eq(sessions.userId, userId), after && gt(sessions.id, after.id)))
        .orderBy(asc(sessions.id))
        .limit(limit),

    /** What happened to the account and what its owner did, the newest first. Each half is read along its index. */
    listEvents(userId: string, limit: number, after?: { id: string }): Promise<StoredEvent[]> {
      const half = (column: typeof auditEvents.subjectId | typeof auditEvents.actorId) =>
        db
          .select()
          .from(auditEvents)
          .where(and(eq(column, userId), after && lt(auditEvents.id, after.id)))
          .orderBy(desc(auditEvents.id))
          .limit(limit)
      return union(half(auditEvents.subjectId), half(auditEvents.actorId)).orderBy(desc(auditEvents.id)).limit(limit)
    },
  }
}

const account = {
  id: users.id,
  username: users.username,
  username_key: users.usernameKey,
  password_change_time: users.passwordChangeTime,
  birthday: users.birthday,
  role: users.role,
  create_time: users.createTime,
  last_login: users.lastLogin,
  disabled_at: users.disabledAt,
}

const passwordReset = { create_time: passwordResets.createTime, expire_time: passwordResets.expireTime }

const imported = {
  source: importedUsers.source,
  source_key: importedUsers.sourceKey,
  import_time: importedUsers.importTime,
}

const network = { address_prefix: knownNetworks.addressPrefix, last_sign_in: knownNetworks.lastSignIn }

const session = {
  id: sessions.id,
  generation: sessions.generation,
  rotate_time: sessions.rotateTime,
  create_time: sessions.createTime,
  last_used: sessions.lastUsed,
  expire_time: sessions.expireTime,
  user_agent: sessions.userAgent,
  address_prefix: sessions.addressPrefix,
}
