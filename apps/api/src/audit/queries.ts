import { type SQL, type SQLWrapper, type WithSubquery, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../db/open.ts'
import { auditEvents } from '../db/schema.ts'
import type { AuditEvent } from './event.ts'

/** What the statement itself works out of an event. */
export interface Computed {
  subjectId?: SQLWrapper
  details?: SQL
  /** Which row of the cause makes it happen; without it, any. */
  where?: SQL | undefined
  /** The expression's name, where a statement records several events. */
  as?: string
}

/** A common table expression that records `event` in the statement that makes it happen: once, if `cause` has a row. */
export function recording(db: Database, cause: WithSubquery, event: AuditEvent, computed: Computed = {}) {
  const row = rowOf(event)
  const { subjectId = sql`${row.subjectId}::uuid`, details = sql`${row.details && JSON.stringify(row.details)}::jsonb` } =
    computed
  return db.$with(computed.as ?? 'recorded').as(
    db
      .insert(auditEvents)
      .select(
        db
          .select({
            id: sql`${row.id}::uuid`.as('id'),
            time: sql`${row.time.toISOString()}::timestamptz`.as('time'),
            event: sql`${row.event}::text`.as('event'),
            outcome: sql`${row.outcome}::text`.as('outcome'),
            actor: sql`${row.actor}::text`.as('actor'),
            actorId: sql`${row.actorId}::uuid`.as('actor_id'),
            subjectId: sql`${subjectId}`.as('subject_id'),
            addressPrefix: sql`${row.addressPrefix}::text`.as('address_prefix'),
            requestId: sql`${row.requestId}::text`.as('request_id'),
            details: details.as('details'),
          })
          .from(cause)
          .where(computed.where)
          .limit(1),
      )
      .returning({ id: auditEvents.id }),
  )
}

/** Records what no other statement makes happen: what was tried, or read. */
export async function record(db: Database, event: AuditEvent): Promise<void> {
  await db.insert(auditEvents).values(rowOf(event))
}

function rowOf({ event, outcome = 'success', origin, subjectId, details, now }: AuditEvent) {
  const { actor, actorId, addressPrefix, requestId } = origin
  return {
    id: uuidv7({ msecs: now.getTime() }),
    time: now,
    event,
    outcome,
    actor,
    actorId: actorId ?? null,
    subjectId: subjectId ?? null,
    addressPrefix: addressPrefix ?? null,
    requestId: requestId ?? null,
    details: details ?? null,
  }
}
