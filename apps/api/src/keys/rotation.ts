import type { StoredKey } from './queries.ts'

/** What a key's life is judged by. */
export type KeyLife = Pick<StoredKey, 'kid' | 'state' | 'createTime' | 'stateTime'>

/** Seconds. */
export interface RotationRules {
  /** How long a key signs. */
  maxAge: number
  /** How long a key is published before it signs, so that every verifier has fetched it. */
  publishLead: number
  /** How long a key verifies after it signed last. */
  overlap: number
}

export type RotationStep = { step: 'publish' } | { step: 'promote'; kid: string } | { step: 'retire'; kid: string }

/** Seconds: `max-age` of the published key set. */
export const jwksMaxAge = 300

/** Seconds between two readings of the keys by an instance. */
export const reloadInterval = 30

/** Seconds for clocks that differ and readings that failed. */
const margin = 270

/** @param settings seconds */
export function rotationRules(settings: { signingKeyMaxAge: number; accessTokenTtl: number }): RotationRules {
  const untilKnown = jwksMaxAge + reloadInterval + margin
  return { maxAge: settings.signingKeyMaxAge, publishLead: untilKnown, overlap: settings.accessTokenTtl + untilKnown }
}

/** The one step that is due at `now`, if any. */
export function planRotation(keys: readonly KeyLife[], now: Date, rules: RotationRules): RotationStep | undefined {
  const over = keys.find(({ state, stateTime }) => state === 'previous' && age(stateTime, now) > rules.overlap)
  if (over) return { step: 'retire', kid: over.kid }
  const next = findNext(keys)
  if (next) return age(next.createTime, now) >= rules.publishLead ? { step: 'promote', kid: next.kid } : undefined
  const current = keys.find(({ state }) => state === 'current')
  if (!current || age(current.stateTime, now) <= rules.maxAge - rules.publishLead) return undefined
  return { step: 'publish' }
}

/** The key that signs next: of several, the one that was published first. */
export function findNext<Key extends KeyLife>(keys: readonly Key[]): Key | undefined {
  return keys
    .filter(({ state }) => state === 'next')
    .toSorted((a, b) => a.createTime.getTime() - b.createTime.getTime())
    .at(0)
}

/** Seconds. */
const age = (since: Date, now: Date) => (now.getTime() - since.getTime()) / 1000
