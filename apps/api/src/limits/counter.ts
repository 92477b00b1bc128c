import type { Clock, Log } from '../context.ts'
import { StatementTimeout, describeError } from '../db/database-error.ts'
import { inTime } from '../db/in-time.ts'
import { createTurns } from '../in-turn.ts'
import { type Policy, slowing } from './policies.ts'
import type { Counted, LimitQueries } from './queries.ts'
import { createRefusals } from './refusals.ts'
import { createTallies } from './tallies.ts'
import { LimitsUnavailable, TooManyRequests } from './too-many-requests.ts'

/** What is counted together. */
export interface Bucket {
  policy: Policy
  key: string
}

/** An attempt that was counted. */
export interface Permit {
  /** Takes it out of the counts: it was no failure, or it never came about. */
  giveBack(): Promise<void>
}

/** Milliseconds that an answer is waited for, and that nobody is asked after one did not come. */
const patience = 2_000
const rest = 1_000

/** Milliseconds between two log lines about the same trouble. */
const logInterval = 60_000

export type Counter = ReturnType<typeof createCounter>

/** Counts attempts for all instances together, in the database, before they are made. */
export function createCounter({ queries, clock, log }: { queries: LimitQueries; clock: Clock; log: Log }) {
  const refusals = createRefusals()
  const tallies = createTallies()
  const inTurn = createTurns()
  let restingUntil: number | undefined
  let loggedAt = -Infinity

  /** Throws `TooManyRequests` if one of `buckets` was full a moment ago: the database is not asked. */
  function check(buckets: readonly Bucket[]): void {
    const now = clock().getTime()
    const refusal = refusals.find(
      buckets.map(({ key }) => key),
      now,
    )
    if (refusal) throw new TooManyRequests(refusal.policy, refusal.until - now)
  }

  /** Counts an attempt in all of `buckets`, or in none. Throws `TooManyRequests`, `LimitsUnavailable`. */
  async function take(buckets: readonly Bucket[]): Promise<Permit> {
    check(buckets)
    const taken: Counted[] = []
    const countIn = async (bucket: Bucket) => {
      const counted = await count(bucket)
      if (counted) taken.push(counted)
    }
    const { slow = [], plain = [] } = Object.groupBy(buckets, ({ policy }) => (policy === slowing ? 'slow' : 'plain'))
    const giveBack = () => takeBack(taken)
    try {
      await settled(plain.map(countIn))
      await settled(slow.map(countIn)) // last: to count there and take it back would make others wait
      return { giveBack }
    } catch (error) {
      await giveBack()
      throw error
    }
  }

  /** Undefined where the attempt was not told to the others. */
  async function count(bucket: Bucket): Promise<Counted | undefined> {
    check([bucket])
    if (passes(bucket)) return undefined
    // One at a time per key: of a flood, those behind the first that is refused need not ask.
    return inTurn(bucket.key, async () => {
      check([bucket])
      return passes(bucket) ? undefined : tell(bucket)
    })
  }

  function passes({ policy: { batch, window }, key }: Bucket): boolean {
    return batch !== undefined && tallies.pass(key, { batch, window: window * 1000 }, clock().getTime())
  }

  async function tell(bucket: Bucket): Promise<Counted> {
    const { policy, key } = bucket
    const attempts = policy.batch === undefined ? 1 : tallies.take(key)
    const outcome = await ask(() =>
      policy === slowing ? queries.countSlowing(key, clock()) : queries.count(policy, key, attempts),
    )
    if (!('counted' in outcome)) throw refusalOf(bucket, outcome.wait)
    if (policy.batch !== undefined) tallies.settle(key, { batch: policy.batch, remaining: outcome.remaining ?? 0 })
    return outcome.counted
  }

  function refusalOf({ policy, key }: Bucket, wait: number): TooManyRequests {
    const now = clock().getTime()
    refusals.note(key, { policy, until: now + wait }, now)
    return new TooManyRequests(policy, wait)
  }

  async function takeBack(taken: readonly Counted[]): Promise<void> {
    try {
      await Promise.all(taken.map((counted) => inTurn(counted.key, () => ask(() => queries.takeBack(counted)))))
    } catch (error) {
      logOnceInAWhile(error) // an attempt too many is counted: no reason to refuse who got it right
    }
  }

  /** After an answer that did not come, one asks for all whether it does again; the others don't wait for that. */
  async function ask<T>(statement: () => Promise<T>): Promise<T> {
    const now = performance.now()
    if (restingUntil !== undefined && now < restingUntil) throw new LimitsUnavailable('not asked')
    if (restingUntil !== undefined) restingUntil = now + patience + rest
    try {
      const answer = await inTime(statement(), patience)
      restingUntil = undefined
      return answer
    } catch (error) {
      restingUntil = error instanceof StatementTimeout ? performance.now() + rest : undefined
      throw new LimitsUnavailable('not answered', { cause: error })
    }
  }

  function logOnceInAWhile(error: unknown): void {
    const now = performance.now()
    if (now - loggedAt < logInterval) return
    loggedAt = now
    const { cause } = error as Error
    log.warn({ error: describeError(cause ?? error) }, 'attempts could not be counted')
  }

  return { check, take, logOnceInAWhile, ask }
}

/** Waits for all of `tasks`, and throws what one of them did. */
async function settled(tasks: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(tasks)) if (outcome.status === 'rejected') throw outcome.reason
}
