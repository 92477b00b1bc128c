import { ne } from 'drizzle-orm'
import type { Database } from '../db/open.ts'
import { type PublicJwk, signingKeys } from '../db/schema.ts'

/** A signing key as stored; `sealedPrivateKey` opens with the master secret only. */
export interface StoredKey {
  kid: string
  state: 'next' | 'current' | 'previous' | 'retired'
  publicJwk: PublicJwk
  sealedPrivateKey: string
}

export type KeyQueries = ReturnType<typeof createKeyQueries>

export function createKeyQueries(db: Database) {
  return {
    /** Every key that may still verify a token. */
    findUsable(): Promise<StoredKey[]> {
      return db.select().from(signingKeys).where(ne(signingKeys.state, 'retired'))
    },

    /** Stores `key` as the current one, unless another instance was first. */
    async insertFirst(key: Omit<StoredKey, 'state'>, now: Date): Promise<void> {
      await db
        .insert(signingKeys)
        .values({ ...key, state: 'current', createTime: now, stateTime: now })
        .onConflictDoNothing()
    },
  }
}
