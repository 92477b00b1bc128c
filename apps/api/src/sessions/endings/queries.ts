import { and, eq, gt, inArray, lt, ne, sql } from 'drizzle-orm'
import type { AuditEvent, Circumstances } from '../../audit/event.ts'
import { recording } from '../../audit/queries.ts'
import type { Database } from '../../db/open.ts'
import { endedSessions, sessions } from '../../db/schema.ts'

/** The statements that end sessions, for their owners or for good. */
export function createEndingQueries(db: Database) {
  return {
    /**
     * Ends one session, if it is of that account where one is named, and records it as `event`; whether there was one.
     * A user who is not known is the session's own: a token of it was presented.
     */
    async end(id: string, event: AuditEvent, userId?: string): Promise<boolean> {
      const own = userId === undefined ? undefined : eq(sessions.userId, userId)
      const ended = db.$with('ended').as(
        db
          .delete(sessions)
          .where(and(eq(sessions.id, id), own))
          .returning({ userId: sessions.userId }),
      )
      const { actor, actorId } = event.origin
      const recorded = recording(
        db,
        ended,
        { ...event, details: { session_id: id, ...event.details } },
        { subjectId: ended.userId, ...(actor === 'user' && actorId === undefined && { actorId: ended.userId }) },
      )
      const rows = await db.with(ended, recorded).select({ userId: ended.userId }).from(ended)
      return rows.length === 1
    },

    /** Ends all sessions of an account but one, and records it where some were live; how many. */
    async endOthers(userId: string, keptId: string, { now, origin }: Circumstances): Promise<number> {
      const ended = db.$with('ended').as(
        db
          .delete(sessions)
          .where(and(eq(sessions.userId, userId), ne(sessions.id, keptId)))
          .returning({ expireTime: sessions.expireTime }),
      )
      const live = db.$with('live').as(
        db
          .select({ count: sql<string>`count(*)`.as('count') })
          .from(ended)
          .where(gt(ended.expireTime, now)),
      )
      const recorded = recording(
        db,
        live,
        { event: 'other_sessions_ended', origin, subjectId: userId, now },
        { details: sql`jsonb_build_object('sessions_ended', ${live.count})`, where: sql`${live.count} > 0` },
      )
      const [row] = await db.with(ended, live, recorded).select({ count: live.count }).from(live)
      return Number(row?.count)
    },

    /**
     * Deletes up to `limit` expired sessions and as many old entries of the log, if it is this instance's turn:
     * the larger count, 0 while another has the turn.
     */
    async deleteOver(now: Date, limit: number): Promise<number> {
      const turn = sql`(select pg_try_advisory_xact_lock(${cleaningLock}))`
      const over = db
        .select({ id: sessions.id })
        .from(sessions)
        .where(and(lt(sessions.expireTime, now), turn))
        .limit(limit)
        .for('update', { skipLocked: true })
      const old = db
        .select({ id: endedSessions.sessionId })
        .from(endedSessions)
        .where(and(sql`${endedSessions.endTime} < now() - make_interval(secs => ${logRetention})`, turn))
        .limit(limit)
      const expired = db.$with('expired').as(db.delete(sessions).where(inArray(sessions.id, over)).returning({ id: sessions.id }))
      const forgotten = db
        .$with('forgotten')
        .as(db.delete(endedSessions).where(inArray(endedSessions.sessionId, old)).returning({ id: endedSessions.sessionId }))
      const [row] = await db
        .with(expired, forgotten)
        .select({ count: sql<string>`greatest((select count(*) from ${expired}), (select count(*) from ${forgotten}))` })
        .from(sql`(values (1)) as one`)
      return Number(row?.count)
    },
  }
}

/** Any number; one for all instances. */
const cleaningLock = 7_483_920_116

/** Seconds: longer than any access token may be made to live. */
const logRetention = 86_400 + 3_600

/**
 * Ids of the sessions that ended since `since`, or within `seconds` where there is none, and what to pass next time.
 * A transaction that is still running at one reading lies at or after the horizon that the reading returns.
 */
export async function readEnded(
  db: Database,
  since: string | undefined,
  seconds: number,
): Promise<{ ended: string[]; next: string }> {
  const { sessionId, transactionId, endTime } = endedSessions
  const recent = sql`${endTime} > now() - make_interval(secs => ${seconds})`
  const [row] = await db
    .select({
      ended: sql<string[]>`(
        select coalesce(json_agg(${sessionId}), '[]') from ${endedSessions}
        where ${since === undefined ? recent : sql`${transactionId} >= ${since}::bigint`}
      )`,
      next: sql<string>`pg_snapshot_xmin(pg_current_snapshot())::text`,
    })
    .from(sql`(values (1)) as one`)
  if (!row) throw new Error('a select without a table has one row')
  return row
}
