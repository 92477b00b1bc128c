import { argon2idAsync } from '@noble/hashes/argon2.js'

/** What one argon2id computation takes (RFC 9106 §3.1). `memory` is in KiB, `length` in bytes. */
export interface Argon2Input {
  password: Uint8Array
  salt: Uint8Array
  memory: number
  passes: number
  parallelism: number
  length: number
}

/** Computes argon2id version 0x13. Every implementation below yields identical bytes. */
export type Argon2id = (input: Argon2Input) => Promise<Uint8Array>

/**
 * Picks the fastest argon2id that this runtime has: node:crypto (Node ≥ 24.7, Bun),
 * WebCrypto (Deno), or the portable one, which is about ten times slower.
 */
export async function pickArgon2id(): Promise<{ name: 'node:crypto' | 'webcrypto' | 'noble'; argon2id: Argon2id }> {
  const native = await nodeArgon2id()
  if (native) return { name: 'node:crypto', argon2id: native }
  if (await works(webcryptoArgon2id)) return { name: 'webcrypto', argon2id: webcryptoArgon2id }
  return { name: 'noble', argon2id: nobleArgon2id }
}

/** node:crypto's, or undefined where the runtime has none. */
export async function nodeArgon2id(): Promise<Argon2id | undefined> {
  const crypto = globalThis.process?.getBuiltinModule?.('node:crypto')
  if (typeof crypto?.argon2 !== 'function') return undefined
  const { argon2 } = crypto
  return ({ password, salt, memory, passes, parallelism, length }) =>
    new Promise((resolve, reject) => {
      const parameters = { message: password, nonce: salt, memory, passes, parallelism, tagLength: length }
      argon2('argon2id', parameters, (error, tag) => (error ? reject(error) : resolve(tag)))
    })
}

/** WebCrypto's, from the Modern Algorithms draft, which the type declarations don't know yet. */
export const webcryptoArgon2id: Argon2id = async ({ password, salt, memory, passes, parallelism, length }) => {
  const { subtle } = globalThis.crypto
  const key = await subtle.importKey('raw-secret' as 'raw', new Uint8Array(password), 'Argon2id', false, ['deriveBits'])
  const algorithm = { name: 'Argon2id', nonce: salt, memory, passes, parallelism }
  return new Uint8Array(await subtle.deriveBits(algorithm, key, length * 8))
}

/** Pure JavaScript; yields to the event loop every few milliseconds. */
export const nobleArgon2id: Argon2id = ({ password, salt, memory, passes, parallelism, length }) =>
  argon2idAsync(password, salt, { m: memory, t: passes, p: parallelism, dkLen: length, asyncTick: 5 })

async function works(argon2id: Argon2id): Promise<boolean> {
  const probe = { password: new Uint8Array(8), salt: new Uint8Array(16), memory: 8, passes: 1, parallelism: 1, length: 32 }
  return argon2id(probe).then(
    () => true,
    () => false,
  )
}
