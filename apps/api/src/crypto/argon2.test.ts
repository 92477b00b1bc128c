import { argon2Sync } from 'node:crypto'
import { argon2id as nobleSync } from '@noble/hashes/argon2.js'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Argon2id, nobleArgon2id, nodeArgon2id, pickArgon2id, webcryptoArgon2id } from './argon2.ts'

const native = await nodeArgon2id()
if (!native) throw new Error('this Node has no argon2')
const implementations: [string, Argon2id][] = [
  ['node:crypto', native],
  ['webcrypto', webcryptoArgon2id],
  ['noble', nobleArgon2id],
]

const bytes = (text: string) => new TextEncoder().encode(text)
const hex = (tag: Uint8Array) => Buffer.from(tag).toString('hex')

/** The argon2id vectors of the reference implementation's own tests, which have neither secret nor associated data. */
const vectors: [passes: number, memory: number, parallelism: number, password: string, salt: string, tag: string][] = [
  [2, 65_536, 1, 'password', 'somesalt', '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7'],
  [2, 256, 1, 'password', 'somesalt', '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe'],
  [2, 256, 2, 'password', 'somesalt', '6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037'],
  [1, 65_536, 1, 'password', 'somesalt', 'f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98'],
  [2, 65_536, 1, 'differentpassword', 'somesalt', '0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde'],
  [2, 65_536, 1, 'password', 'diffsalt', 'bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c'],
]

describe.each(implementations)('%s', (name, argon2id) => {
  test.each(vectors)(
    'computes argon2id t=%d m=%d p=%d of %s and %s',
    async (passes, memory, parallelism, password, salt, tag) => {
      const input = { password: bytes(password), salt: bytes(salt), memory, passes, parallelism, length: 32 }
      expect(hex(await argon2id(input))).toBe(tag)
    },
  )

  test('leaves its input as it was', async () => {
    const input = { password: bytes('password'), salt: bytes('somesalt'), memory: 8, passes: 1, parallelism: 1, length: 32 }
    await argon2id(input)
    expect(input).toEqual({ ...input, password: bytes('password'), salt: bytes('somesalt') })
  })

  test('rejects what RFC 9106 §3.1 does not allow', async () => {
    const input = { password: bytes('password'), salt: bytes('somesalt'), memory: 7, passes: 1, parallelism: 1, length: 32 }
    await expect(argon2id(input)).rejects.toThrow()
  })
})

test('every implementation computes the vector of RFC 9106 §5.3', async () => {
  const [password, salt, secret, data] = [
    new Uint8Array(32).fill(1),
    new Uint8Array(16).fill(2),
    new Uint8Array(8).fill(3),
    new Uint8Array(12).fill(4),
  ]
  const tag = '0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659'
  expect(hex(nobleSync(password, salt, { m: 32, t: 3, p: 4, dkLen: 32, key: secret, personalization: data }))).toBe(tag)

  const parameters = { memory: 32, passes: 3, parallelism: 4, tagLength: 32 }
  expect(hex(argon2Sync('argon2id', { ...parameters, message: password, nonce: salt, secret, associatedData: data }))).toBe(tag)

  const key = await crypto.subtle.importKey('raw-secret' as 'raw', password, 'Argon2id', false, ['deriveBits'])
  const algorithm = {
    name: 'Argon2id',
    nonce: salt,
    memory: 32,
    passes: 3,
    parallelism: 4,
    secretValue: secret,
    associatedData: data,
  }
  expect(hex(new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, 256)))).toBe(tag)
})

test('every implementation yields the same bytes for the same input', async () => {
  const inputs = fc.record({
    password: fc.uint8Array({ maxLength: 200 }),
    salt: fc.uint8Array({ minLength: 8, maxLength: 64 }),
    memory: fc.integer({ min: 24, max: 200 }),
    passes: fc.integer({ min: 1, max: 3 }),
    parallelism: fc.integer({ min: 1, max: 3 }),
    length: fc.integer({ min: 4, max: 80 }),
  })
  await fc.assert(
    fc.asyncProperty(inputs, async (input) => {
      const tags = await Promise.all(implementations.map(async ([, argon2id]) => hex(await argon2id(input))))
      expect(tags).toEqual(tags.map(() => tags[0]))
      expect(tags[0]).toHaveLength(input.length * 2)
    }),
  )
})

test('pickArgon2id() takes the native one', async () => {
  const { name, argon2id } = await pickArgon2id()
  expect(name).toBe('node:crypto')
  const input = { password: bytes('password'), salt: bytes('somesalt'), memory: 256, passes: 2, parallelism: 1, length: 32 }
  expect(hex(await argon2id(input))).toBe(vectors[1]?.at(-1))
})
