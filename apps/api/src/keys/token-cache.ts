/**
 * Remembers what was verified, so that a signature is checked once. Holds `limit` entries;
 * past it, the one that was set longest ago goes.
 */
export function createTokenCache<Verified>(limit: number) {
  const entries = new Map<string, Verified>()

  return {
    get: (token: string): Verified | undefined => entries.get(token),

    set(token: string, verified: Verified): void {
      entries.delete(token) // set again, it is the newest
      entries.set(token, verified)
      if (entries.size <= limit) return
      const oldest = entries.keys().next()
      if (!oldest.done) entries.delete(oldest.value)
    },

    clear: (): void => entries.clear(),

    get size(): number {
      return entries.size
    },
  }
}
