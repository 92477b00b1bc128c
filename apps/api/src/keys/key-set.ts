import type { CryptoKey } from 'jose'
import type { Vault } from '../crypto/secret.ts'
import type { PublicJwk } from '../db/schema.ts'
import type { StoredKey } from './queries.ts'
import { algorithm, importPublicKey, openPrivateKey } from './signing-key.ts'

/** The signing keys as they were at one reading, opened and ready to use. */
export interface KeySet {
  /** Undefined while the current key can't be opened: tokens verify, but none can be issued. */
  signer: { kid: string; key: CryptoKey } | undefined
  verifiers: ReadonlyMap<string, CryptoKey>
  /** The published half (RFC 7517 §5). */
  jwks: { keys: (PublicJwk & { kid: string; alg: 'ES256'; use: 'sig' })[] }
  /** Ids of the keys that no configured master secret opens. */
  sealedKids: string[]
  /** Ids of the keys that verify nothing any more. */
  retiredKids: ReadonlySet<string>
  /** What was opened, also of keys that don't sign yet. */
  privateKeys: ReadonlyMap<string, CryptoKey>
}

export const emptyKeySet: KeySet = {
  signer: undefined,
  verifiers: new Map(),
  jwks: { keys: [] },
  sealedKids: [],
  retiredKids: new Set(),
  privateKeys: new Map(),
}

/** Opens what was read. A key that `known` has open stays so, whatever its row is sealed with by now. */
export async function openKeySet(stored: readonly StoredKey[], vault: Vault, known: KeySet): Promise<KeySet> {
  const usable = stored.filter(({ state }) => state !== 'retired')
  const verifiers = new Map<string, CryptoKey>()
  const privateKeys = new Map<string, CryptoKey>()
  for (const key of usable) {
    verifiers.set(key.kid, known.verifiers.get(key.kid) ?? (await importPublicKey(key.publicJwk)))
    const opened = known.privateKeys.get(key.kid) ?? (await openPrivateKey(key, vault))
    if (opened) privateKeys.set(key.kid, opened)
  }
  const current = usable.find(({ state }) => state === 'current')
  const key = current && privateKeys.get(current.kid)
  return {
    signer: key && { kid: current.kid, key },
    verifiers,
    jwks: { keys: usable.map(({ kid, publicJwk }) => ({ ...publicJwk, kid, alg: algorithm, use: 'sig' })) },
    sealedKids: usable.map(({ kid }) => kid).filter((kid) => !privateKeys.has(kid)),
    retiredKids: new Set(stored.filter(({ state }) => state === 'retired').map(({ kid }) => kid)),
    privateKeys,
  }
}
