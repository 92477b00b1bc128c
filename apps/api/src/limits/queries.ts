import { type SQL, and, eq, gt, inArray, lt, sql } from 'drizzle-orm'
import { RateLimiterDrizzle, RateLimiterRes } from 'rate-limiter-flexible'
import type { Database } from '../db/open.ts'
import { knownNetworks, rateLimits } from '../db/schema.ts'
import { type Policy, slowing } from './policies.ts'

/** Seconds for which a network is known after a sign-in. */
const familiarity = 90 * 86_400

/** What was counted, so that it can be taken back. */
export interface Counted {
  key: string
  /** When the count is forgotten. */
  expire: Date
  /** When it would have been forgotten without this attempt, where an attempt moves that. */
  expireBefore?: Date
}

/** With `remaining`, what is left of the quota. */
export type Outcome = { counted: Counted; remaining?: number } | { wait: number }

export type LimitQueries = ReturnType<typeof createLimitQueries>

export function createLimitQueries(db: Database) {
  const limiters = new Map<Policy, RateLimiterDrizzle>()
  const limiterOf = (policy: Policy) => {
    const known = limiters.get(policy)
    if (known) return known
    const { quota: points, window: duration } = policy
    // Keys come whole, and what has expired is removed with everything else that is over.
    const limiter = new RateLimiterDrizzle({
      storeClient: db,
      schema: rateLimits,
      points,
      duration,
      keyPrefix: '',
      clearExpiredByTimeout: false,
    })
    limiters.set(policy, limiter)
    return limiter
  }

  const { points, expire } = rateLimits
  const now = sql`${sql.placeholder('now')}::timestamptz`
  const forgotten = sql`${now} + make_interval(secs => ${sql.raw(String(slowing.window))})`
  const past = sql`least(${points} - ${sql.raw(String(slowing.quota))}, 30)`
  const delay = sql`case when ${past} < 0 then 0 else least(power(2, ${past}), ${sql.raw(String(slowing.longestDelay))}) end`
  /** `expire` also tells when the last failure was. */
  const due = sql`${expire} - make_interval(secs => ${sql.raw(String(slowing.window))} - (${delay}))`
  const slowed = db.$with('slowed').as(
    db
      .insert(rateLimits)
      .values({ key: sql.placeholder('key'), points: 1, expire: forgotten })
      .onConflictDoUpdate({
        target: rateLimits.key,
        set: { points: sql`case when ${expire} <= ${now} then 1 else ${points} + 1 end`, expire: forgotten },
        setWhere: sql`${due} <= ${now}`,
      })
      .returning({ expire }),
  )
  const slow = db
    .with(slowed)
    .select({
      expire: sql<Date | null>`(select ${slowed.expire} from ${slowed})`.mapWith(expire),
      expireBefore:
        sql<Date | null>`(select ${expire} from ${rateLimits} where ${rateLimits.key} = ${sql.placeholder('key')})`.mapWith(
          expire,
        ),
      wait: sql<
        number | null
      >`(select extract(epoch from ${due} - ${now})::float8 * 1000 from ${rateLimits} where ${rateLimits.key} = ${sql.placeholder('key')})`,
    })
    .from(sql`(values (1)) as one`)
    .prepare('rate_limits_slow')

  const takeBack = (name: string, change: { expire?: SQL }, condition: SQL) =>
    db
      .update(rateLimits)
      .set({ points: sql`${points} - 1`, ...change })
      .where(and(eq(rateLimits.key, sql.placeholder('key')), gt(points, 0), condition))
      .prepare(name)
  const counted = sql`${sql.placeholder('expire')}::timestamptz`
  // Another window has begun: the attempt is not in its count. The library tells the end of one to some milliseconds.
  const sameWindow = sql`${expire} between ${counted} - interval '1 second' and ${counted} + interval '1 second'`
  const takeBackOfWindow = takeBack('rate_limits_take_back', {}, sameWindow)
  const before = sql`case when ${expire} = ${counted} then ${sql.placeholder('expireBefore')}::timestamptz else ${expire} end`
  const takeBackSlowing = takeBack('rate_limits_take_back_slowing', { expire: before }, sql`true`)

  const selectKnown = db
    .select({ userId: knownNetworks.userId })
    .from(knownNetworks)
    .where(
      and(
        eq(knownNetworks.userId, sql.placeholder('userId')),
        eq(knownNetworks.addressPrefix, sql.placeholder('addressPrefix')),
        gt(knownNetworks.lastSignIn, sql`${sql.placeholder('since')}::timestamptz`),
      ),
    )
    .prepare('known_networks_select')

  /** Takes an attempt back. When the last failure was is what it was before, unless another came since. */
  async function takeBackCounted({ key, expire, expireBefore }: Counted): Promise<void> {
    const values = { key, expire: expire.toISOString(), expireBefore: expireBefore?.toISOString() }
    await (expireBefore ? takeBackSlowing : takeBackOfWindow).execute(values)
  }

  return {
    /** Counts an attempt, and those before it that were not told, or says how many milliseconds it has to wait. */
    async count(policy: Policy, key: string, attempts: number): Promise<Outcome> {
      const { allowed, remaining, msBeforeNext } = await consume(limiterOf(policy), key, attempts)
      const counted = { key, expire: new Date(Date.now() + msBeforeNext) }
      if (allowed) return { counted, remaining }
      await takeBackCounted(counted) // the library counts what it refuses, too
      return { wait: msBeforeNext }
    },

    /** Counts an attempt by the rule of `slowing`, if it does not have to wait: one statement decides and counts. */
    async countSlowing(key: string, now: Date): Promise<Outcome> {
      const [row] = await slow.execute({ key, now: now.toISOString() })
      if (!row?.expire) return { wait: row?.wait ?? 1000 } // without a row: another made it at this moment
      return { counted: { key, expire: row.expire, expireBefore: row.expireBefore ?? row.expire } }
    },

    takeBack: takeBackCounted,

    /** Whether the account has signed in from the network lately. */
    async isKnown(userId: string, addressPrefix: string, now: Date): Promise<boolean> {
      const since = new Date(now.getTime() - familiarity * 1000).toISOString()
      return (await selectKnown.execute({ userId, addressPrefix, since })).length > 0
    },

    /** Deletes up to `limit` counts and as many networks that are over: the larger count. */
    async deleteOver(now: Date, limit: number): Promise<number> {
      const expired = db.select({ key: rateLimits.key }).from(rateLimits).where(lt(expire, now)).limit(limit)
      const since = new Date(now.getTime() - familiarity * 1000)
      const { userId, addressPrefix, lastSignIn } = knownNetworks
      const old = db.select({ userId, addressPrefix }).from(knownNetworks).where(lt(lastSignIn, since)).limit(limit)
      const counts = await db
        .delete(rateLimits)
        .where(inArray(rateLimits.key, expired.for('update', { skipLocked: true })))
        .returning({ key: rateLimits.key })
      const networks = await db
        .delete(knownNetworks)
        .where(inArray(sql`(${userId}, ${addressPrefix})`, old.for('update', { skipLocked: true })))
        .returning({ userId })
      return Math.max(counts.length, networks.length)
    },
  }
}

async function consume(limiter: RateLimiterDrizzle, key: string, points: number) {
  try {
    const { remainingPoints: remaining, msBeforeNext } = await limiter.consume(key, points)
    return { allowed: true, remaining, msBeforeNext }
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error
    return { allowed: false, remaining: 0, msBeforeNext: error.msBeforeNext }
  }
}
