import type { Clock, Log } from '../context.ts'
import { describeError } from '../db/database-error.ts'
import { inTime } from '../db/in-time.ts'
import type { Feed } from '../db/open.ts'
import { createFreshReading } from '../fresh-reading.ts'
import { pause } from '../pause.ts'
import { readEnded } from './endings/queries.ts'
import type { SessionQueries } from './queries.ts'
import { createRevocationState } from './revocation-state.ts'

/** Milliseconds between two readings of the log; a notification brings the next one forward. */
const pollInterval = 300

/** Milliseconds that a request waits for its session's row. */
const patience = 5_000

/** Ended sessions kept in memory; about 100 bytes each. */
const remembered = 1_000_000

export interface Revocations {
  /** Whether a session goes on at `now`. Reads the session's row where the feed can't tell. */
  isLive(sessionId: string, now: Date): Promise<boolean> | boolean
  /** Resolves once nothing that ended before the call is taken for live here: it is known, or sessions are read. */
  catchUp(): Promise<void>
}

/**
 * Keeps the recently ended sessions of all instances in memory, so that a request needs no read: notified by
 * the database, read again and again besides, and past `staleAfter` without a reading not believed any more.
 */
export function openRevocations(
  sessions: Pick<SessionQueries, 'exists'>,
  { feed, tokenTtl, clock, log }: { feed: Feed; tokenTtl: number; clock: Clock; log: Log },
): Revocations {
  const state = createRevocationState({ tokenTtl, limit: remembered })
  let since: string | undefined
  let lastReading = new Date(0)
  let failing = false

  async function read(): Promise<void> {
    const beganAt = clock()
    if (beganAt < lastReading) since = undefined // the clock was set back: what was forgotten may matter again
    const { ended, next } = await feed.read((db) => readEnded(db, since, state.keepFor))
    if (since !== undefined && BigInt(next) < BigInt(since)) {
      since = undefined // another cluster stands in for the one before, and counts anew
      throw new Error('the log has another past: it is read from its beginning')
    }
    since = next
    lastReading = beganAt
    state.apply({ ended, beganAt })
  }

  const readAgain = createFreshReading(read)

  async function tryReading(): Promise<void> {
    try {
      await readAgain()
      if (failing) listen() // a server that was away has forgotten who listens
      failing = false
    } catch (error) {
      if (!failing && !feed.closed.aborted) {
        log.warn({ error: describeError(error) }, 'ended sessions can’t be read: each request reads its session instead')
      }
      failing = true
      state.doubt()
    }
  }

  async function poll(): Promise<void> {
    while (!feed.closed.aborted) {
      await tryReading()
      await pause(pollInterval, feed.closed)
    }
  }

  const listen = () => feed.listen('gatehouse_sessions', () => void tryReading())
  listen()
  void poll()

  return {
    isLive(sessionId, now) {
      const status = state.status(sessionId, now)
      return status === 'unknown' ? inTime(sessions.exists(sessionId), patience) : status === 'live'
    },
    catchUp: tryReading,
  }
}
