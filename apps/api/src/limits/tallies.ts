/** What an instance has let pass without asking. */
interface Tally {
  passed: number
  /** How many more may. */
  allowance: number
  /** Milliseconds since 1970 when it means nothing any more. */
  until: number
}

/** More would take memory; what is forgotten was only not told. */
const capacity = 10_000

/**
 * Lets an instance count some attempts by itself and tell the others of several at once: where a limit guards
 * against load and not against guesses, a statement for each attempt would cost more than what it guards.
 */
export function createTallies() {
  const byKey = new Map<string, Tally>()

  function keep(key: string, tally: Tally): void {
    const oldest = byKey.size >= capacity && byKey.keys().next().value
    if (typeof oldest === 'string') byKey.delete(oldest)
    byKey.delete(key) // the order is that of the windows
    byKey.set(key, tally)
  }

  return {
    /**
     * Whether an attempt may pass without asking. While the others are being told, none may.
     *
     * @param window milliseconds
     */
    pass(key: string, { batch, window }: { batch: number; window: number }, now: number): boolean {
      const known = byKey.get(key)
      const tally = known && now < known.until ? known : { passed: 0, allowance: batch - 1, until: now + window }
      if (tally !== known) keep(key, tally)
      if (tally.allowance === 0) return false
      tally.allowance -= 1
      tally.passed += 1
      return true
    },

    /** How many attempts the others are to be told of: those that passed, and this one. */
    take(key: string): number {
      const tally = byKey.get(key)
      const passed = tally?.passed ?? 0
      if (tally) tally.passed = 0
      return passed + 1
    },

    /** What is left of the limit, as the others know it: no more may pass. */
    settle(key: string, { batch, remaining }: { batch: number; remaining: number }): void {
      const tally = byKey.get(key)
      if (tally) tally.allowance = Math.min(batch - 1, remaining)
    },
  }
}
