import { describe, expect, test } from 'vitest'
import { type Argon2Input, type Argon2id, nodeArgon2id } from './argon2.ts'
import { createPasswordHasher } from './password.ts'
import { formatPhc, parsePhc } from './phc.ts'
import { Overloaded } from './semaphore.ts'

const native = await nodeArgon2id()
if (!native) throw new Error('this Node has no argon2')
const argon2id = native

/** A hasher over the real argon2id, and what it computed. */
function create(compute: Argon2id = argon2id, limits = { concurrency: () => 2, queueLimit: 100 }) {
  const computed: Argon2Input[] = []
  const recording: Argon2id = (input) => {
    computed.push(input)
    return compute(input)
  }
  return { ...createPasswordHasher({ argon2id: recording, ...limits }), computed }
}

const password = 'a quiet harbour at dawn'
const standing = { memory: 19_456, passes: 2, parallelism: 1 }
const nobody = {
  ...standing,
  password: new TextEncoder().encode(password),
  salt: expect.objectContaining({ length: 16 }),
  length: 32,
}

/** What another time, or another system, would have stored. */
async function store(parameters: typeof standing, sizes = { salt: 16, hash: 32 }) {
  const salt = crypto.getRandomValues(new Uint8Array(sizes.salt))
  const hash = await argon2id({ ...parameters, password: new TextEncoder().encode(password), salt, length: sizes.hash })
  return formatPhc({ ...parameters, salt, hash })
}

describe('hash()', () => {
  test('writes a PHC string of the standing cost, with a salt of its own each time', async () => {
    const { hash, computed } = create()
    const [one, other] = [await hash(password), await hash(password)]
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(computed).toEqual([nobody, nobody])
    expect(parsePhc(one)?.salt).not.toEqual(parsePhc(other)?.salt)
    expect(parsePhc(one)?.hash).not.toEqual(parsePhc(other)?.hash)
  })
})

describe('verify()', () => {
  test('matches the password that was hashed, and no other', async () => {
    const { hash, verify } = create()
    const stored = await hash(password)
    expect(await verify(password, stored)).toEqual({ matches: true, outdated: false })
    for (const other of [
      '',
      `${password} `,
      ` ${password}`,
      password.toUpperCase(),
      password.slice(1),
      `${password}\0`,
      stored,
    ]) {
      expect(await verify(other, stored)).toEqual({ matches: false, outdated: false })
    }
  })

  test('matches what the reference implementation stored', async () => {
    const stored = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    expect(await create().verify('password', stored)).toMatchObject({ matches: true })
    expect(await create().verify('Password', stored)).toMatchObject({ matches: false })
  })

  test.each<[typeof standing, boolean]>([
    [standing, false],
    [{ ...standing, memory: 8192 }, true],
    [{ ...standing, passes: 1 }, true],
    [{ memory: 4096, passes: 3, parallelism: 1 }, true],
    [{ memory: 8, passes: 1, parallelism: 1 }, true],
    [{ ...standing, parallelism: 2 }, true],
  ])('computes a stored %j as it was stored, and finds it outdated: %s', async (parameters, outdated) => {
    const { verify, computed } = create()
    const stored = await store(parameters)
    expect(await verify(password, stored)).toEqual({ matches: true, outdated })
    expect(await verify('another password', stored)).toEqual({ matches: false, outdated: false })
    expect(computed).toEqual([expect.objectContaining(parameters), expect.objectContaining(parameters)])
  })

  test('takes stored salts and hashes of other lengths', async () => {
    expect(await create().verify(password, await store(standing, { salt: 8, hash: 16 }))).toMatchObject({ matches: true })
    expect(await create().verify(password, await store(standing, { salt: 64, hash: 64 }))).toMatchObject({ matches: true })
  })

  const salt = 'c29tZXNhbHRzb21lc2FsdA'
  const hash = 'CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
  const costing = (parameters: string) => `$argon2id$v=19$${parameters}$${salt}$${hash}`

  test.each<[string, string | undefined]>([
    ['no account', undefined],
    ['an empty string', ''],
    ['the password itself', password],
    ['bcrypt of 2^31 rounds', '$2b$31$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW'],
    ['scrypt of 4 GiB', `$scrypt$ln=22,r=8,p=1$${salt}$${hash}`],
    ['argon2i of more work than is done', `$argon2i$v=19$m=262144,t=16,p=1$${salt}$${hash}`],
    ['a SHA-256 digest', 'd'.repeat(64)],
    ['an older argon2', `$argon2id$v=16$m=19456,t=2,p=1$${salt}$${hash}`],
    ['no hash', `$argon2id$v=19$m=19456,t=2,p=1$${salt}$`],
    ['a salt of 4n + 1 characters', `$argon2id$v=19$m=19456,t=2,p=1$${salt.slice(0, 13)}$${hash}`],
    ['a hash of 4n + 1 characters', `$argon2id$v=19$m=19456,t=2,p=1$${salt}$${hash.slice(0, 41)}`],
    ['4 GiB', costing('m=4194304,t=2,p=1')],
    ['4 TiB', costing('m=4294967295,t=2,p=1')],
    ['just more than the cap', costing('m=262145,t=2,p=1')],
    ['99 passes', costing('m=19456,t=99,p=1')],
    ['17 passes', costing('m=19456,t=17,p=1')],
    ['99 lanes', costing('m=19456,t=2,p=99')],
    ['less memory than 8 KiB a lane', costing('m=8,t=1,p=2')],
  ])('never matches %s, at the cost of one hash of the standing parameters', async (_name, stored) => {
    const { verify, computed } = create()
    expect(await verify(password, stored)).toEqual({ matches: false, outdated: false })
    expect(computed).toEqual([nobody])
  })

  test('never matches no account, whatever argon2id computes', async () => {
    const { verify } = create(async ({ length }) => new Uint8Array(length)) // the very hash that it is compared with
    expect(await verify(password, undefined)).toEqual({ matches: false, outdated: false })
    expect(await verify(password, 'malformed')).toEqual({ matches: false, outdated: false })
  })

  test('compares every byte', async () => {
    const right = crypto.getRandomValues(new Uint8Array(32))
    const stored = formatPhc({ ...standing, salt: new Uint8Array(16), hash: right })
    expect(await create(async () => right).verify(password, stored)).toMatchObject({ matches: true })
    for (const index of right.keys()) {
      const wrong = right.with(index, (right[index] ?? 0) ^ (1 << (index % 8)))
      expect(await create(async () => wrong).verify(password, stored)).toMatchObject({ matches: false })
    }
    expect(await create(async () => right.slice(0, 31)).verify(password, stored)).toMatchObject({ matches: false })
  })
})

test('hash() and verify() share the permits and the queue, and are refused at once when it is full', async () => {
  const tag = Promise.withResolvers<Uint8Array>()
  const { hash, verify, computed } = create(() => tag.promise, { concurrency: () => 2, queueLimit: 2 })
  const stored = await store(standing)
  const admitted = [hash(password), verify(password, stored), verify(password, undefined), hash(password)]
  await expect(hash(password)).rejects.toThrow(Overloaded)
  await expect(verify(password, stored)).rejects.toThrow(Overloaded)
  await expect(verify(password, undefined)).rejects.toThrow(Overloaded)
  expect(computed).toHaveLength(2)
  tag.resolve(new Uint8Array(32))
  await Promise.all(admitted)
  expect(computed).toHaveLength(4)
})

test('a failing argon2id fails the one call, and gives its permit back', async () => {
  const tags = [() => Promise.reject(new Error('no memory')), async () => new Uint8Array(32)]
  const { hash } = create(() => (tags.shift() ?? (() => Promise.reject(new Error('too many'))))(), {
    concurrency: () => 1,
    queueLimit: 0,
  })
  await expect(hash(password)).rejects.toThrow('no memory')
  await expect(hash(password)).resolves.toMatch(/^\$argon2id/)
})
