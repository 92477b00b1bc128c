import { and, asc, eq, sql } from 'drizzle-orm'
import type { EventName } from '../audit/event.ts'
import { record, recording } from '../audit/queries.ts'
import type { Database, OpenDatabase } from '../db/open.ts'
import { type PublicJwk, signingKeys } from '../db/schema.ts'

/** A key pair to store; `sealedPrivateKey` opens with the master secret only. */
export interface NewKey {
  kid: string
  publicJwk: PublicJwk
  sealedPrivateKey: string
}

/** A signing key as stored. */
export interface StoredKey extends NewKey {
  state: 'next' | 'current' | 'previous' | 'retired'
  /** When it was published. */
  createTime: Date
  /** When it came into its present state. */
  stateTime: Date
}

export type KeyQueries = ReturnType<typeof createKeyQueries>

export type KeyActor = 'system' | 'operator'

/** What only one process at a time may do with the keys. */
export type KeyTurn = ReturnType<typeof createTurn>

/** Any number; one for all instances. */
const rotationLock = 7_483_920_117

/** @param actor for whom it is recorded: an instance by itself, or somebody on the command line */
export function createKeyQueries({ db, feed }: Pick<OpenDatabase, 'db' | 'feed'>, actor: KeyActor) {
  return {
    /** Every key there ever was, the oldest first. */
    findAll: () => findAllKeys(db),

    /** The same, soon or not at all, whatever else the database is busy with. */
    findAllSoon: () => feed.read(findAllKeys),

    /** Stores `key` as the current one, unless another instance was first. */
    async insertFirst(key: NewKey, now: Date): Promise<void> {
      const stored = db.$with('stored').as(
        db
          .insert(signingKeys)
          .values({ ...key, state: 'current', createTime: now, stateTime: now })
          .onConflictDoNothing()
          .returning({ kid: signingKeys.kid }),
      )
      const details = { kid: key.kid, state: 'current' }
      const recorded = recording(db, stored, { event: 'key_published', origin: { actor }, details, now })
      await db.with(stored, recorded).select({ kid: stored.kid }).from(stored)
    },

    /** Runs `act` in one transaction while no other process acts; undefined when another has the turn. */
    tryTurn<T>(act: (turn: KeyTurn) => Promise<T>): Promise<T | undefined> {
      return db.transaction(async (transaction) => {
        const [row] = await transaction
          .select({ mine: sql<boolean>`pg_try_advisory_xact_lock(${rotationLock})` })
          .from(sql`(values (1)) as one`)
        return row?.mine ? act(createTurn(transaction, actor)) : undefined
      })
    },

    /** Runs `act` in one transaction, once no other process acts. */
    takeTurn<T>(act: (turn: KeyTurn) => Promise<T>): Promise<T> {
      return db.transaction(async (transaction) => {
        await transaction.select({ mine: sql`pg_advisory_xact_lock(${rotationLock})` }).from(sql`(values (1)) as one`)
        return act(createTurn(transaction, actor))
      })
    },
  }
}

/** Each change and its event are of one transaction. */
function createTurn(db: Database, actor: KeyActor) {
  const note = (event: EventName, details: Record<string, unknown>, now: Date) =>
    record(db, { event, origin: { actor }, details, now })

  async function move(kid: string, from: StoredKey['state'], to: Partial<StoredKey>): Promise<void> {
    const moved = await db
      .update(signingKeys)
      .set(to)
      .where(and(eq(signingKeys.kid, kid), eq(signingKeys.state, from)))
      .returning({ kid: signingKeys.kid })
    if (moved.length !== 1) throw new Error(`the signing key ${kid} is not ${from} any more`)
  }

  return {
    findAll: () => findAllKeys(db),

    async publish(key: NewKey, now: Date): Promise<void> {
      await db.insert(signingKeys).values({ ...key, state: 'next', createTime: now, stateTime: now })
      await note('key_published', { kid: key.kid, state: 'next' }, now)
    },

    /** Makes the next key `kid` the current one, and `currentKid` a previous one. */
    async promote(kid: string, currentKid: string | undefined, now: Date): Promise<void> {
      if (currentKid !== undefined) await move(currentKid, 'current', { state: 'previous', stateTime: now })
      await move(kid, 'next', { state: 'current', stateTime: now })
      await note('key_promoted', { kid, instead_of: currentKid ?? null }, now)
    },

    /** Takes `kid` out of use for good, and its private half out of the database. */
    async retire(kid: string, from: 'next' | 'previous', now: Date): Promise<void> {
      await move(kid, from, { state: 'retired', stateTime: now, sealedPrivateKey: '' })
      await note('key_retired', { kid }, now)
    },

    /** Stores the private halves of `keys` as they are sealed now. */
    async reseal(keys: Pick<StoredKey, 'kid' | 'state' | 'sealedPrivateKey'>[], now: Date): Promise<void> {
      for (const { kid, state, sealedPrivateKey } of keys) await move(kid, state, { sealedPrivateKey })
      if (keys.length > 0) await note('keys_resealed', { kids: keys.map(({ kid }) => kid) }, now)
    },
  }
}

/** Every key there ever was, the oldest first. */
export function findAllKeys(db: Database): Promise<StoredKey[]> {
  return db.select().from(signingKeys).orderBy(asc(signingKeys.createTime), asc(signingKeys.kid))
}
