import type { CryptoKey } from 'jose'
import type { Clock, Log } from '../context.ts'
import type { Vault } from '../crypto/secret.ts'
import { describeError } from '../db/database-error.ts'
import { inTime } from '../db/in-time.ts'
import { createFreshReading } from '../fresh-reading.ts'
import { pause } from '../pause.ts'
import { type KeySet, emptyKeySet, openKeySet } from './key-set.ts'
import type { KeyQueries, StoredKey } from './queries.ts'
import { generateKey, isKid } from './signing-key.ts'

/** Milliseconds between two readings on account of unknown keys: anybody can name one. */
const rereadInterval = 1_000

/** Milliseconds. */
const patience = 10_000

/** The signing keys of one instance, as they were at its last reading. */
export interface Keyring extends Readonly<Omit<KeySet, 'privateKeys' | 'retiredKids'>> {
  /**
   * The key that verifies the tokens of `kid`. One that is not known may have been made meanwhile by another instance:
   * the keys are read again first, and it rejects where that fails.
   */
  find(kid: string): Promise<CryptoKey | undefined> | CryptoKey | undefined
  /** Reads the keys again; whether that went well. Keeps those it has otherwise. */
  reload(): Promise<boolean>
  /** Calls `listener` whenever a key verifies nothing any more. */
  onWithdrawal(listener: () => void): void
}

export interface KeyringOptions {
  vault: Vault
  clock: Clock
  log: Log
  closed: AbortSignal
}

/** Opens the stored keys, making the first one where there is none. */
export async function openKeyring(
  queries: Pick<KeyQueries, 'findAll' | 'findAllSoon' | 'insertFirst'>,
  { vault, clock, log, closed }: KeyringOptions,
): Promise<Keyring> {
  const listeners: (() => void)[] = []
  let keys = emptyKeySet
  let failing = false
  let soon: Promise<void> | undefined
  let soonestAt = -Infinity

  async function load(findAll: () => Promise<StoredKey[]>): Promise<void> {
    let stored = await findAll()
    if (!stored.some(({ state }) => state === 'current')) {
      await inTime(queries.insertFirst(await generateKey(vault), clock()), patience)
      stored = await findAll() // another instance may have been first
    }
    const before = keys
    keys = await openKeySet(stored, vault, before)
    if (before !== emptyKeySet) tellChange(before, keys, log)
    if ([...before.verifiers.keys()].some((kid) => !keys.verifiers.has(kid))) for (const listener of listeners) listener()
  }

  async function loadAgain(): Promise<void> {
    try {
      await load(queries.findAllSoon)
      failing = false
    } catch (error) {
      if (!failing && !closed.aborted) {
        log.warn({ error: describeError(error) }, 'the signing keys can’t be read again: those of before stay in use')
      }
      failing = true
      throw error
    }
  }

  const reload = createFreshReading(loadAgain)

  /** The same, together with all who ask until it begins. */
  function reloadSoon(): Promise<void> {
    soon ??= pause(Math.max(0, soonestAt - performance.now()), closed).then(() => {
      soon = undefined
      soonestAt = performance.now() + rereadInterval
      return reload()
    })
    return soon
  }

  async function findAgain(kid: string): Promise<CryptoKey | undefined> {
    await reloadSoon()
    return keys.verifiers.get(kid)
  }

  await load(queries.findAll)
  return {
    get signer() {
      return keys.signer
    },
    get verifiers() {
      return keys.verifiers
    },
    get jwks() {
      return keys.jwks
    },
    get sealedKids() {
      return keys.sealedKids
    },
    find(kid) {
      const known = keys.verifiers.get(kid)
      return known || keys.retiredKids.has(kid) || !isKid(kid) ? known : findAgain(kid)
    },
    reload: () =>
      reload().then(
        () => true,
        () => false,
      ),
    onWithdrawal: (listener) => void listeners.push(listener),
  }
}

function tellChange(before: KeySet, after: KeySet, log: Log): void {
  const { signer } = after
  if (signer && signer.kid !== before.signer?.kid) log.info({ kid: signer.kid }, 'tokens are signed with another key')
  if (!signer && before.signer) log.error({ kids: after.sealedKids }, 'not ready: no configured secret opens the signing key')
}
