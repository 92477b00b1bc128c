import { argon2dAsync, argon2iAsync, argon2idAsync } from '@noble/hashes/argon2.js'

/** What one argon2id computation takes (RFC 9106 §3.1). `memory` is in KiB, `length` in bytes. */
export interface Argon2Input {
  password: Uint8Array
  salt: Uint8Array
  memory: number
  passes: number
  parallelism: number
  length: number
}

/** Computes argon2 version 0x13. Every implementation below yields identical bytes. */
export type Argon2id = (input: Argon2Input) => Promise<Uint8Array>

/** The variants of RFC 9106 §1; new hashes are argon2id. */
export type Variant = 'argon2id' | 'argon2i' | 'argon2d'

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

/** The fastest implementation of any variant. */
export async function pickArgon2(variant: Variant): Promise<Argon2id> {
  const native = await nodeArgon2(variant)
  if (native) return native
  const web = webcryptoArgon2(variant)
  return (await works(web)) ? web : nobleArgon2(variant)
}

/** node:crypto's, or undefined where the runtime has none. */
export const nodeArgon2id = (): Promise<Argon2id | undefined> => nodeArgon2('argon2id')

async function nodeArgon2(variant: Variant): Promise<Argon2id | undefined> {
  const crypto = globalThis.process?.getBuiltinModule?.('node:crypto')
  if (typeof crypto?.argon2 !== 'function') return undefined
  const { argon2 } = crypto
  return ({ password, salt, memory, passes, parallelism, length }) =>
    new Promise((resolve, reject) => {
      const parameters = { message: password, nonce: salt, memory, passes, parallelism, tagLength: length }
      argon2(variant, parameters, (error, tag) => (error ? reject(error) : resolve(tag)))
    })
}

const webcryptoNames = { argon2id: 'Argon2id', argon2i: 'Argon2i', argon2d: 'Argon2d' }

/** WebCrypto's, from the Modern Algorithms draft, which the type declarations don't know yet. */
export const webcryptoArgon2id: Argon2id = webcryptoArgon2('argon2id')

function webcryptoArgon2(variant: Variant): Argon2id {
  const name = webcryptoNames[variant]
  return async ({ password, salt, memory, passes, parallelism, length }) => {
    const { subtle } = globalThis.crypto
    const key = await subtle.importKey('raw-secret' as 'raw', new Uint8Array(password), name, false, ['deriveBits'])
    const algorithm = { name, nonce: salt, memory, passes, parallelism }
    return new Uint8Array(await subtle.deriveBits(algorithm, key, length * 8))
  }
}

const portable = { argon2id: argon2idAsync, argon2i: argon2iAsync, argon2d: argon2dAsync }

/** Pure JavaScript; yields to the event loop every few milliseconds. */
export const nobleArgon2id: Argon2id = nobleArgon2('argon2id')

function nobleArgon2(variant: Variant): Argon2id {
  return ({ password, salt, memory, passes, parallelism, length }) =>
    portable[variant](password, salt, { m: memory, t: passes, p: parallelism, dkLen: length, asyncTick: 5 })
}

async function works(argon2: Argon2id): Promise<boolean> {
  const probe = { password: new Uint8Array(8), salt: new Uint8Array(16), memory: 8, passes: 1, parallelism: 1, length: 32 }
  return argon2(probe).then(
    () => true,
    () => false,
  )
}
