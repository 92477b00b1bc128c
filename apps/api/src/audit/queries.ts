import { type SQL, type SQLWrapper, type WithSubquery, and, desc, eq, getTableColumns, gte, inArray, lt, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import type { Database } from '../db/open.ts'
import { auditEvents, users } from '../db/schema.ts'
import { firstIdAt } from './cursor.ts'
import type { AuditEvent, EventName } from './event.ts'

/** What the statement itself works out of an event. */
export interface Computed {
  subjectId?: SQLWrapper
  actorId?: SQLWrapper
  details?: SQL
  /** Which row of the cause makes it happen; without it, any. */
  where?: SQL | undefined
  /** The expression's name, where a statement records several events. */
  as?: string
}

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
            actorId: sql`${computed.actorId ?? sql`${row.actorId}::uuid`}`.as('actor_id'),
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

/** What is looked for; all of it has to fit. */
export interface EventFilter {
  event?: EventName | undefined
  outcome?: 'success' | 'failure' | undefined
  actorId?: string | undefined
  /** It has to be each of them. */
  subjectIds?: readonly string[] | undefined
  since?: Date | undefined
  /** Exclusive. */
  until?: Date | undefined
  /** Ids below this one: what was read before ends there. */
  before?: string | undefined
}

/** An event as stored. */
export type StoredEvent = typeof auditEvents.$inferSelect

/** An event with the names of its accounts as they are now; null once they are deleted. */
export interface NamedEvent extends StoredEvent {
  actorUsername: string | null
  subjectUsername: string | null
}

export type AuditQueries = ReturnType<typeof createAuditQueries>

export function createAuditQueries(db: Database) {
  return {
    record: (event: AuditEvent): Promise<void> => record(db, event),

    /** Up to `limit` events, the newest first, with names. */
    list(filter: EventFilter, limit: number): Promise<NamedEvent[]> {
      return db
        .select({
          ...getTableColumns(auditEvents),
          actorUsername: nameOf(db, auditEvents.actorId),
          subjectUsername: nameOf(db, auditEvents.subjectId),
        })
        .from(auditEvents)
        .where(fits(filter))
        .orderBy(desc(auditEvents.id))
        .limit(limit)
    },

    /** Up to `limit` events that happened to an account, the newest first. */
    listAbout: (subjectId: string, before: string | undefined, limit: number): Promise<StoredEvent[]> =>
      db
        .select()
        .from(auditEvents)
        .where(fits({ subjectIds: [subjectId], before }))
        .orderBy(desc(auditEvents.id))
        .limit(limit),

    /** Deletes up to `limit` events from before `time`, if it is this instance's turn: how many, 0 while another has it. */
    async deleteBefore(time: Date, limit: number): Promise<number> {
      const old = db
        .select({ id: auditEvents.id })
        .from(auditEvents)
        .where(and(lt(auditEvents.id, firstIdAt(time)), cleaningTurn, tellingTheTrigger))
        .orderBy(auditEvents.id)
        .limit(limit)
      const deleted = await db.delete(auditEvents).where(inArray(auditEvents.id, old)).returning({ id: auditEvents.id })
      return deleted.length
    },
  }
}

/** Each has an index that ends in the id, which is the order of time: what is read does not grow with what is stored. */
function fits(filter: EventFilter): SQL | undefined {
  const { event, outcome, actorId, subjectIds = [], since, until, before } = filter
  return and(
    event && eq(auditEvents.event, event),
    outcome && eq(auditEvents.outcome, outcome),
    actorId === undefined ? undefined : eq(auditEvents.actorId, actorId),
    ...subjectIds.map((subjectId) => eq(auditEvents.subjectId, subjectId)),
    since && gte(auditEvents.id, firstIdAt(since)),
    until && lt(auditEvents.id, firstIdAt(until)),
    before === undefined ? undefined : lt(auditEvents.id, before),
  )
}

/** The name that an account has now. Looked up for each row of a page, whatever the planner thinks of joins. */
function nameOf(db: Database, id: typeof auditEvents.actorId | typeof auditEvents.subjectId): SQL<string | null> {
  return sql<string | null>`(${db.select({ username: users.username }).from(users).where(eq(users.id, id))})`
}

/** Any number; one for all instances. */
const cleaningLock = 7_483_920_120

const cleaningTurn = sql`(select pg_try_advisory_xact_lock(${cleaningLock}))`

/** The trigger that keeps events lets the cleaning pass. Always true. */
const tellingTheTrigger = sql`(select set_config('gatehouse.audit_cleaning', 'on', true) is not null)`

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
