/** Milliseconds after which a reading no longer vouches that a session goes on. Below the promised second. */
export const staleAfter = 900

/** What one reading of the log of ended sessions brings. */
export interface Reading {
  /** Ids of sessions that ended since the last reading; some may be known already. */
  ended: readonly string[]
  /** When the reading began: it holds all that had ended by then. */
  beganAt: Date
}

/** What is known of a session's end; `unknown` where the last reading is too old to tell. */
export type SessionStatus = 'live' | 'ended' | 'unknown'

export type RevocationState = ReturnType<typeof createRevocationState>

/**
 * Which sessions have ended, as one instance knows it. An id is kept until no access token of its session can be alive.
 *
 * @param options.tokenTtl seconds that access tokens live
 * @param options.limit ids kept at most; past it nothing is vouched for until enough are forgotten
 */
export function createRevocationState({ tokenTtl, limit }: { tokenTtl: number; limit: number }) {
  const keepFor = tokenTtl + margin
  /** In the order in which they came, which is that in which they are forgotten. */
  const ended = new Map<string, number>()
  let vouchedFor = -Infinity

  function forget(now: number): void {
    for (const [id, until] of ended) {
      if (until > now) return
      ended.delete(id)
    }
  }

  return {
    /** Seconds that an id is kept. */
    keepFor,

    apply({ ended: ids, beganAt }: Reading): void {
      const at = beganAt.getTime()
      forget(at)
      for (const id of ids) if (!ended.has(id)) ended.set(id, at + keepFor * 1000)
      if (ended.size <= limit) vouchedFor = at
    },

    /** Vouches for nothing until the next reading: one that was due could not be made. */
    doubt(): void {
      vouchedFor = -Infinity
    },

    status(id: string, now: Date): SessionStatus {
      if (ended.has(id)) return 'ended'
      const age = now.getTime() - vouchedFor
      // A clock that was set back vouches for nothing.
      return age >= 0 && age < staleAfter ? 'live' : 'unknown'
    },

    get size(): number {
      return ended.size
    },
  }
}

/** Seconds that an id is kept beyond its tokens: clocks differ, and a reading takes its time. */
const margin = 60
