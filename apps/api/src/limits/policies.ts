/** How often something may be tried: `quota` times in `window` seconds, counted from the first. */
export interface Policy {
  /** As `RateLimit-Policy` names it. */
  name: string
  quota: number
  window: number
  /** Attempts of which an instance tells the others at once; each, where there is none. */
  batch?: number
}

/** As a `Policy`, but past the quota nothing is refused for good: each attempt waits twice as long as the one before. */
export interface SlowingPolicy extends Policy {
  /** Seconds that an attempt waits at most; the first past the quota waits one. */
  longestDelay: number
}

const minute = 60
const hour = 3600

export const policies = {
  registrationsFromAddress: { name: 'registration-by-address', quota: 300, window: hour },
  registrationsOfName: { name: 'registration', quota: 20, window: hour },
  /** Wrong passwords, wherever they are asked for. */
  failuresFromAddress: { name: 'sign-in-by-address', quota: 100, window: 15 * minute },
  failuresOnAccountFromAddress: { name: 'sign-in', quota: 20, window: 15 * minute },
  /** Wrong ones of who has signed in already. */
  failuresOfCaller: { name: 'current-password', quota: 10, window: 15 * minute },
  refreshesOfSession: { name: 'refresh', quota: 60, window: minute, batch: 6 },
  refreshesFromAddress: { name: 'refresh-by-address', quota: 3000, window: 5 * minute, batch: 30 },
  resetsFromAddress: { name: 'password-reset', quota: 30, window: 15 * minute },
} as const satisfies Record<string, Policy>

/** Failures on one account from one place, or from all places that it doesn't know. Forgotten an hour after the last. */
export const slowing: SlowingPolicy = { name: 'account', quota: 10, window: hour, longestDelay: 15 * minute }
