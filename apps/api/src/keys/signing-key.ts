import { type CryptoKey, calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, importJWK, importPKCS8 } from 'jose'
import type { Vault } from '../crypto/secret.ts'
import type { PublicJwk } from '../db/schema.ts'
import type { NewKey } from './queries.ts'

export const algorithm = 'ES256'

/** A `kid` of ours: the RFC 7638 thumbprint (SHA-256) of the public key, in base64url. */
export const isKid = (text: string): boolean => /^[\w-]{43}$/.test(text)

/** A new key pair, its private half sealed. */
export async function generateKey(vault: Vault): Promise<NewKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const { kty, crv, x, y } = await exportJWK(publicKey)
  if (!kty || !crv || !x || !y) throw new Error('an ES256 public key has four members')
  const publicJwk = { kty, crv, x, y }
  const kid = await calculateJwkThumbprint(publicJwk)
  return { kid, publicJwk, sealedPrivateKey: await vault.seal(await exportPKCS8(privateKey), purposeOf(kid)) }
}

/** Undefined when no master secret opens it. */
export async function openPrivateKey(key: Omit<NewKey, 'publicJwk'>, vault: Vault): Promise<CryptoKey | undefined> {
  const pkcs8 = await openSealed(key, vault)
  return pkcs8 === undefined ? undefined : importPKCS8(pkcs8, algorithm)
}

/** The private half sealed again, under the newest master secret; undefined when none opens it. */
export async function sealAgain(key: Omit<NewKey, 'publicJwk'>, vault: Vault): Promise<string | undefined> {
  const pkcs8 = await openSealed(key, vault)
  return pkcs8 === undefined ? undefined : vault.seal(pkcs8, purposeOf(key.kid))
}

export async function importPublicKey(jwk: PublicJwk): Promise<CryptoKey> {
  const key = await importJWK({ ...jwk }, algorithm)
  if (key instanceof Uint8Array) throw new Error('a public key is never symmetric')
  return key
}

const openSealed = ({ kid, sealedPrivateKey }: Omit<NewKey, 'publicJwk'>, vault: Vault) =>
  vault.open(sealedPrivateKey, purposeOf(kid))

/** Binds a sealed key to its row: swapped rows don't open. */
const purposeOf = (kid: string) => `signing key ${kid}`
