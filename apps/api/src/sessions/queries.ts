import { and, asc, desc, eq, gt, isNull, sql } from 'drizzle-orm'
import type { Circumstances } from '../audit/event.ts'
import { recording } from '../audit/queries.ts'
import { among } from '../db/among.ts'
import { createBatchReader } from '../db/batch-reader.ts'
import type { Database } from '../db/open.ts'
import { keeping, knownNetworks, sessions, users } from '../db/schema.ts'
import type { Credentials } from '../users/queries.ts'
import { createEndingQueries } from './endings/queries.ts'

/** Where a session is used from, as far as its owner needs it to tell it from others. */
export interface Device {
  userAgent: string | null
  addressPrefix: string | null
}

/** A session with the account that it speaks for. */
export interface Session {
  id: string
  userId: string
  username: string
  role: 'user' | 'admin'
  generation: number
  rotateTime: Date
  createTime: Date
  expireTime: Date
}

export type SessionQueries = ReturnType<typeof createSessionQueries>

const session = {
  id: sessions.id,
  userId: sessions.userId,
  username: users.username,
  role: users.role,
  generation: sessions.generation,
  rotateTime: sessions.rotateTime,
  createTime: sessions.createTime,
  expireTime: sessions.expireTime,
}

/** Seconds. */
export interface Lifetimes {
  /** After which an unused session is over. */
  idle: number
  /** After which any session is over. */
  max: number
}

export function createSessionQueries(db: Database, lifetimes: Lifetimes) {
  const selectPresent = db
    .select({ id: sessions.id })
    .from(sessions)
    .where(among(sessions.id, 'ids'))
    .prepare('sessions_select_present')
  const readPresent = createBatchReader(
    (ids: string[]) => selectPresent.execute({ ids: JSON.stringify(ids) }),
    ({ id }) => id,
  )

  const used = sql`${sql.placeholder('now')}::timestamptz`
  const lastly = sql`${sessions.createTime} + make_interval(secs => ${sql.placeholder('maxAge')}::integer)`
  const moveOn = db
    .update(sessions)
    .set({
      generation: sql`${sql.placeholder('next')}::integer`,
      rotateTime: used,
      lastUsed: used,
      expireTime: sql`least(${sql.placeholder('idleUntil')}::timestamptz, ${lastly})`,
    })
    .from(users)
    .where(
      and(
        eq(sessions.id, sql.placeholder('id')),
        eq(sessions.generation, sql.placeholder('generation')),
        gt(sessions.expireTime, used),
        eq(users.id, sessions.userId),
        isNull(users.disabledAt),
      ),
    )
    .returning(session)
    .prepare('sessions_move_on')

  return {
    /**
     * Opens a session for whom the credentials prove, notes the sign-in and its network, records it, and renews the hash
     * where there is a new one: one statement. Undefined if the account or its password changed meanwhile.
     */
    async open(
      proven: Credentials,
      newHash: string | undefined,
      { id, userAgent, addressPrefix }: { id: string } & Device,
      { now, origin }: Circumstances,
    ): Promise<Session | undefined> {
      const unchanged = and(eq(users.id, proven.id), eq(users.password, proven.password), eq(users.role, proven.role))
      const signedIn = db.$with('signed_in').as(
        db
          .update(users)
          .set({ lastLogin: now, ...(newHash !== undefined && { password: newHash }) })
          .where(and(unchanged, isNull(users.disabledAt), keeping('all')))
          .returning({ userId: users.id }),
      )
      const from = sql`${addressPrefix}::text`
      const known = db.$with('known').as(
        db
          .insert(knownNetworks)
          .select(
            db
              .select({
                userId: signedIn.userId,
                addressPrefix: from.as('address_prefix'),
                lastSignIn: instant(now).as('last_sign_in'),
              })
              .from(signedIn)
              .where(sql`${from} is not null`),
          )
          .onConflictDoUpdate({
            target: [knownNetworks.userId, knownNetworks.addressPrefix],
            set: { lastSignIn: sql`excluded.last_sign_in` },
          })
          .returning({ userId: knownNetworks.userId }),
      )
      const recorded = recording(db, signedIn, {
        event: 'signed_in',
        origin: { ...origin, actor: 'user', actorId: proven.id },
        subjectId: proven.id,
        details: { session_id: id },
        now,
      })
      const expireTime = later(now, Math.min(lifetimes.idle, lifetimes.max))
      const rows = await db
        .with(signedIn, known, recorded)
        .insert(sessions)
        .select(
          db
            .select({
              id: sql`${id}::uuid`.as('id'),
              userId: signedIn.userId,
              generation: sql`0`.as('generation'),
              rotateTime: instant(now).as('rotate_time'),
              createTime: instant(now).as('create_time'),
              lastUsed: instant(now).as('last_used'),
              expireTime: instant(expireTime).as('expire_time'),
              userAgent: sql`${userAgent}::text`.as('user_agent'),
              addressPrefix: sql`${addressPrefix}::text`.as('address_prefix'),
            })
            .from(signedIn),
        )
        .returning({ id: sessions.id })
      if (rows.length === 0) return undefined
      const { id: userId, username, role } = proven
      return { id, userId, username, role, generation: 0, rotateTime: now, createTime: now, expireTime }
    },

    /** Moves a live session from `generation` on to `next`; undefined if another was faster, or it is over. */
    async rotate(id: string, generation: number, next: number, now: Date): Promise<Session | undefined> {
      const idleUntil = later(now, lifetimes.idle).toISOString()
      const [row] = await moveOn.execute({ id, generation, next, now: now.toISOString(), idleUntil, maxAge: lifetimes.max })
      return row
    },

    async find(id: string): Promise<Session | undefined> {
      const [row] = await db
        .select(session)
        .from(sessions)
        .innerJoin(users, eq(users.id, sessions.userId))
        .where(and(eq(sessions.id, id), isNull(users.disabledAt)))
      return row
    },

    /** Whether the session's row is there. */
    async exists(id: string): Promise<boolean> {
      return (await readPresent(id)) !== undefined
    },

    /** The live sessions of an account, the one used last first. */
    list(userId: string, now: Date) {
      return db
        .select({
          id: sessions.id,
          createTime: sessions.createTime,
          lastUsed: sessions.lastUsed,
          expireTime: sessions.expireTime,
          userAgent: sessions.userAgent,
          addressPrefix: sessions.addressPrefix,
        })
        .from(sessions)
        .where(and(eq(sessions.userId, userId), gt(sessions.expireTime, now)))
        .orderBy(desc(sessions.lastUsed), asc(sessions.id))
    },

    ...createEndingQueries(db),
  }
}

const instant = (time: Date) => sql`${time.toISOString()}::timestamptz`

const later = (time: Date, seconds: number) => new Date(time.getTime() + seconds * 1000)
