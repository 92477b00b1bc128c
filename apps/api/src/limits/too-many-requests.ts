import type { Context } from 'hono'
import type { Env } from '../context.ts'
import { problem } from '../errors.ts'
import type { Policy } from './policies.ts'

/** Thrown when something was tried too often. */
export class TooManyRequests extends Error {
  override name = 'TooManyRequests'
  readonly policy: Policy
  /** Seconds after which it may be tried again. */
  readonly wait: number

  /** @param milliseconds after which it may be tried again */
  constructor(policy: Policy, milliseconds: number) {
    super(`too many attempts: ${policy.name}`)
    this.policy = policy
    this.wait = Math.max(1, Math.ceil(milliseconds / 1000))
  }
}

/** Thrown when what counts the attempts can't be asked. */
export class LimitsUnavailable extends Error {
  override name = 'LimitsUnavailable'
}

/** 429, with the fields of draft-ietf-httpapi-ratelimit-headers-10: the policy, what is left of it, and when more is. */
export function answerTooMany(c: Context<Env>, { policy, wait }: TooManyRequests) {
  const response = problem(c, 'too_many_requests')
  response.headers.set('Retry-After', String(wait))
  response.headers.set('RateLimit-Policy', `"${policy.name}";q=${policy.quota};w=${policy.window}`)
  response.headers.set('RateLimit', `"${policy.name}";r=0;t=${wait}`)
  return response
}
