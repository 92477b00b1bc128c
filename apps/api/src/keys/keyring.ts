import { type CryptoKey, calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, importJWK, importPKCS8 } from 'jose'
import type { Vault } from '../crypto/secret.ts'
import type { PublicJwk } from '../db/schema.ts'
import type { KeyQueries, StoredKey } from './queries.ts'

const algorithm = 'ES256'

/** The signing keys of one instance, opened and ready to use. */
export interface Keyring {
  /** Undefined while the current key can't be opened: tokens verify, but none can be issued. */
  signer: { kid: string; key: CryptoKey } | undefined
  verifiers: ReadonlyMap<string, CryptoKey>
  /** The published half (RFC 7517 §5). */
  jwks: { keys: (PublicJwk & { kid: string; alg: 'ES256'; use: 'sig' })[] }
  /** Ids of the keys that no configured master secret opens. */
  sealedKids: string[]
}

/** Opens the stored keys, making the first one where there is none. */
export async function openKeyring(queries: KeyQueries, vault: Vault, now: Date): Promise<Keyring> {
  let stored = await queries.findUsable()
  if (!stored.some((key) => key.state === 'current')) {
    await queries.insertFirst(await generateKey(vault), now)
    stored = await queries.findUsable() // another instance may have been first
  }
  return unsealKeys(stored, vault)
}

async function generateKey(vault: Vault): Promise<Omit<StoredKey, 'state'>> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const { kty, crv, x, y } = await exportJWK(publicKey)
  if (!kty || !crv || !x || !y) throw new Error('an ES256 public key has four members')
  const publicJwk = { kty, crv, x, y }
  const kid = await calculateJwkThumbprint(publicJwk)
  return { kid, publicJwk, sealedPrivateKey: await vault.seal(await exportPKCS8(privateKey), purposeOf(kid)) }
}

async function unsealKeys(stored: StoredKey[], vault: Vault): Promise<Keyring> {
  const verifiers = new Map<string, CryptoKey>()
  const keys: Keyring['jwks']['keys'] = []
  const sealedKids: string[] = []
  let signer: Keyring['signer']
  for (const { kid, state, publicJwk, sealedPrivateKey } of stored) {
    verifiers.set(kid, await importPublicKey(publicJwk))
    keys.push({ ...publicJwk, kid, alg: algorithm, use: 'sig' })
    const pkcs8 = await vault.open(sealedPrivateKey, purposeOf(kid))
    if (pkcs8 === undefined) sealedKids.push(kid)
    else if (state === 'current') signer = { kid, key: await importPKCS8(pkcs8, algorithm) }
  }
  return { signer, verifiers, jwks: { keys }, sealedKids }
}

/** Binds a sealed key to its row: swapped rows don't open. */
const purposeOf = (kid: string) => `signing key ${kid}`

async function importPublicKey(jwk: PublicJwk): Promise<CryptoKey> {
  const key = await importJWK({ ...jwk }, algorithm)
  if (key instanceof Uint8Array) throw new Error('a public key is never symmetric')
  return key
}
