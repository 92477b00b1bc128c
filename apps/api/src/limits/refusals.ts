import type { Policy } from './policies.ts'

/** A limit that was reached, until when. */
export interface Refusal {
  policy: Policy
  /** Milliseconds since 1970. */
  until: number
}

/** Milliseconds that a refusal is believed; the count may go down before it is over. */
const trust = 1_000

/** More would take memory; who is forgotten is counted as ever. */
const capacity = 10_000

/** The limits that were reached a moment ago: a flood past one of them asks the database once a second. */
export function createRefusals() {
  const byKey = new Map<string, Refusal & { asked: number }>()

  return {
    note(key: string, refusal: Refusal, now: number): void {
      const oldest = byKey.size >= capacity && byKey.keys().next().value
      if (typeof oldest === 'string') byKey.delete(oldest)
      byKey.delete(key) // the order is that of the notes
      byKey.set(key, { ...refusal, asked: now })
    },

    /** The refusal of the first of `keys` that has one. */
    find(keys: readonly string[], now: number): Refusal | undefined {
      return keys.map((key) => byKey.get(key)).find((refusal) => refusal && now < Math.min(refusal.until, refusal.asked + trust))
    },
  }
}
