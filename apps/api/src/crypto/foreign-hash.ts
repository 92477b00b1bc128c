import { scryptAsync } from '@noble/hashes/scrypt.js'
import { verify as verifyBcrypt } from '@node-rs/bcrypt'
import { type Argon2id, type Variant, pickArgon2 } from './argon2.ts'
import { equal } from './equal.ts'
import { type BcryptHash, type ForeignHash, type Pbkdf2Hash, type ScryptHash, bcryptMaxLength } from './stored-hash.ts'

/** Compares a password, as bytes, with a hash. Off the event loop wherever the runtime can. */
export async function matchesForeign(stored: ForeignHash, password: Uint8Array): Promise<boolean> {
  if (stored.scheme === 'bcrypt') return matchesBcrypt(stored, password)
  return equal(await derive(stored, password), stored.hash)
}

async function derive(stored: Exclude<ForeignHash, BcryptHash>, password: Uint8Array): Promise<Uint8Array> {
  if (stored.scheme === 'scrypt') return scrypt(stored, password)
  if (stored.scheme === 'pbkdf2') return pbkdf2(stored, password)
  const { scheme, hash, ...parameters } = stored
  const argon2 = await argon2Of(scheme)
  return argon2({ ...parameters, password, length: hash.length })
}

/** A NUL ends a password in some implementations and not in others: none that holds one is compared. */
async function matchesBcrypt({ text }: BcryptHash, password: Uint8Array): Promise<boolean> {
  const matches = await verifyBcrypt(password.slice(0, bcryptMaxLength), text)
  return matches && !password.includes(0)
}

/** node:crypto's where there is one: Node, Bun and Deno. */
async function scrypt({ logCost, blockSize, parallelization, salt, hash }: ScryptHash, password: Uint8Array) {
  const parameters = { N: 2 ** logCost, r: blockSize, p: parallelization }
  const native = globalThis.process?.getBuiltinModule?.('node:crypto')?.scrypt
  if (!native) return scryptAsync(password, salt, { ...parameters, dkLen: hash.length, maxmem: scryptMaxMemory, asyncTick: 5 })
  return new Promise<Uint8Array>((resolve, reject) => {
    native(password, salt, hash.length, { ...parameters, maxmem: scryptMaxMemory }, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}

/** More than the cap on stored parameters asks for. */
const scryptMaxMemory = 2 ** 30

async function pbkdf2({ digest, iterations, salt, hash }: Pbkdf2Hash, password: Uint8Array): Promise<Uint8Array> {
  const { subtle } = globalThis.crypto
  const key = await subtle.importKey('raw', new Uint8Array(password), 'PBKDF2', false, ['deriveBits'])
  const algorithm = { name: 'PBKDF2', hash: digest, iterations, salt: new Uint8Array(salt) }
  return new Uint8Array(await subtle.deriveBits(algorithm, key, hash.length * 8))
}

const picked = new Map<Variant, Promise<Argon2id>>()

function argon2Of(variant: Variant): Promise<Argon2id> {
  const known = picked.get(variant) ?? pickArgon2(variant)
  picked.set(variant, known)
  return known
}
