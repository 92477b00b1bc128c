import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { hashVectors } from '../../runtime-tests/hash-vectors.ts'
import { type Argon2Input, type Argon2id, nodeArgon2id } from './argon2.ts'
import { createPasswordHasher, wrapSha256 } from './password.ts'
import { Overloaded } from './semaphore.ts'

const native = await nodeArgon2id()
if (!native) throw new Error('this Node has no argon2')
const argon2id = native

/** A hasher, and what argon2id it computed. */
function create(limits = { concurrency: () => 2, queueLimit: 100 }) {
  const computed: Argon2Input[] = []
  const recording: Argon2id = (input) => {
    computed.push(input)
    return argon2id(input)
  }
  return { ...createPasswordHasher({ argon2id: recording, ...limits }), computed }
}

const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex')
const wrap = (password: string) => wrapSha256(argon2id, sha256(password))

const bcrypt72 = '$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui'
const first72 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

const refused = { matches: false, outdated: false }
const outdated = { matches: true, outdated: true }

describe('verify() of what another system stored', () => {
  test.each(hashVectors)(
    'matches the password, asks for a new hash, and matches no other: %s',
    async (_origin, password, stored) => {
      const { verify } = create()
      expect(await verify(password, stored)).toEqual(outdated)
      for (const other of [`x${password}`, password.toUpperCase() === password ? 'B' : password.toUpperCase(), stored]) {
        expect(await verify(other, stored)).toEqual(refused)
      }
    },
  )

  test('takes a bcrypt string whose unused bits are set for what it means', async () => {
    const { verify } = create()
    const stored = '$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i'
    expect(await verify('abc', `${stored.slice(0, 28)}v${stored.slice(29)}`)).toEqual(outdated)
    expect(await verify('abc', `${stored.slice(0, 28)}f${stored.slice(29)}`)).toEqual(refused)
  })

  test('waits its turn like any other hash', async () => {
    const { verify, hash } = create({ concurrency: () => 1, queueLimit: 1 })
    const stored = hashVectors.map(([, , text]) => text)
    const admitted = [verify('a', stored[0]), verify('a', stored[7])]
    await expect(verify('a', stored[0])).rejects.toThrow(Overloaded)
    await expect(hash('a')).rejects.toThrow(Overloaded)
    await Promise.all(admitted)
    const gone = AbortSignal.abort()
    const running = verify('a', stored[7])
    await expect(verify('a', stored[0], gone)).rejects.toThrow('nobody waits')
    await running
  })
})

describe('bcrypt looks at 72 bytes:', () => {
  test('what follows them changes nothing, and is not made part of a new hash', async () => {
    const { verify } = create()
    expect(await verify(first72, bcrypt72)).toEqual(outdated)
    expect(await verify(`${first72}, and more`, bcrypt72)).toEqual({ matches: true, outdated: false })
    expect(await verify(first72.slice(0, -1), bcrypt72)).toEqual(refused)
  })

  test('a NUL, which ends a password in some implementations, never matches', async () => {
    const { verify } = create()
    const stored = '$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i'
    expect(await verify('abc', stored)).toEqual(outdated)
    for (const other of ['abc\0', 'abc\0def', '\0abc']) expect(await verify(other, stored)).toEqual(refused)
    expect(await verify(`${first72}\0`, bcrypt72)).toEqual(refused)
  })
})

describe('a wrapped SHA-256 digest', () => {
  const password = 'pässwörd of the tutorial'

  test('is an argon2id hash of the standing cost, with a salt of its own, under a name of its own', async () => {
    const [one, other] = [await wrap(password), await wrap(password)]
    expect(one).toMatch(/^\$sha256-argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(one).not.toBe(other)
    expect(one).not.toContain(sha256(password))
  })

  test('matches the password that was digested, and no other; in capitals it is the same', async () => {
    const { verify } = create()
    const stored = await wrapSha256(argon2id, sha256(password).toUpperCase())
    expect(await verify(password, stored)).toEqual(outdated)
    for (const other of ['', `${password} `, password.toUpperCase(), `${password}\0`]) {
      expect(await verify(other, stored)).toEqual(refused)
    }
  })

  test('is not matched by the digest: who stole the old table has no password', async () => {
    const { verify } = create()
    const stored = await wrap(password)
    expect(await verify(sha256(password), stored)).toEqual(refused)
    expect(await verify(sha256(password), stored.replace('sha256-argon2id', 'argon2id'))).toMatchObject({ matches: true }) // hence the name
  })

  test.each<[string, string, string, number]>([
    ['as it was typed', 'e\u0301te\u0301 a\u0300 la mer', 'e\u0301te\u0301 a\u0300 la mer', 1],
    ['in its normal form', 'été à la mer', 'e\u0301te\u0301 a\u0300 la mer', 2],
    ['with a ligature', 'ﬁne weather', 'ﬁne weather', 1],
    ['where it was typed without', 'fine weather', 'ﬁne weather', 2],
  ])('matches a password that is not in NFKC %s', async (_name, digested, typed, hashes) => {
    const { verify, computed } = create()
    expect(await verify(typed, await wrap(digested))).toEqual(outdated)
    expect(computed).toHaveLength(hashes)
  })
})

describe('verify() compares as often, whatever is stored:', () => {
  test.each<[string, string, number]>([
    ['a password in NFKC', 'not the password', 1],
    ['one that is not', 'no\u0301t the password', 2],
  ])('%s', async (_name, typed, hashes) => {
    const stored = [undefined, 'malformed', await wrap('something'), await create().hash('something')]
    for (const text of stored) {
      const { verify, computed } = create()
      expect(await verify(typed, text)).toEqual(refused)
      expect(computed).toHaveLength(hashes)
    }
  })
})

test('verify() matches an argon2id hash of another system whose password was not normalized, and asks for a new one', async () => {
  const { verify, hash } = create()
  const typed = 'e\u0301te\u0301 a\u0300 la mer'
  const ours = await hash(typed)
  expect(await verify(typed, ours)).toEqual({ matches: true, outdated: false })
  expect(await verify('été à la mer', ours)).toEqual({ matches: true, outdated: false })
  const unwrapped = (await wrapSha256(argon2id, typed)).replace('sha256-argon2id', 'argon2id') // argon2id of the text itself
  expect(await verify(typed, unwrapped)).toEqual(outdated)
  expect(await verify('été à la mer', unwrapped)).toEqual(refused)
})
