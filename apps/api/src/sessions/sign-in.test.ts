import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestApp, openTestEmbedded, origin } from '../../runtime-tests/in-process.ts'
import { nodeArgon2id } from '../crypto/argon2.ts'
import type { PasswordHasher } from '../crypto/password.ts'
import { formatPhc } from '../crypto/phc.ts'
import type { OpenDatabase } from '../db/open.ts'
import { users } from '../db/schema.ts'
import { createAccessTokens } from '../keys/access-token.ts'
import type { Resources } from '../resources.ts'
import { register } from '../users/register.ts'
import { signIn } from './sign-in.ts'

const password = 'a quiet harbour at dawn'
const now = new Date('2027-01-15T08:00:00.123Z')

let database: OpenDatabase
let resources: Resources
beforeAll(async () => {
  database = await openTestEmbedded()
  resources = (await createTestApp(database)).resources
})
afterAll(() => database.close())

let accounts = 0

async function enrol(stored?: string): Promise<string> {
  accounts += 1
  const username = `user-${accounts}`
  await register({ queries: resources.users, passwords: resources.passwords, now: new Date(0), origin }, { username, password })
  if (stored !== undefined) await set(username, { password: stored })
  return username
}

const set = (username: string, columns: Partial<typeof users.$inferInsert>) =>
  database.db.update(users).set(columns).where(eq(users.username, username))
async function rowOf(username: string) {
  const [row] = await database.db.select().from(users).where(eq(users.username, username))
  if (!row) throw new Error('it was registered')
  return row
}

/** The password, stored when less was asked of a hash. */
async function outdated(): Promise<string> {
  const argon2id = await nodeArgon2id()
  if (!argon2id) throw new Error('this Node has no argon2')
  const cost = { memory: 4096, passes: 1, parallelism: 1 }
  const salt = crypto.getRandomValues(new Uint8Array(16))
  return formatPhc({
    ...cost,
    salt,
    hash: await argon2id({ ...cost, password: new TextEncoder().encode(password), salt, length: 32 }),
  })
}

function attempt(username: string, given = password, changed: Partial<Pick<Resources, 'passwords' | 'tokens'>> = {}) {
  const visitor = { userAgent: null, addressPrefix: null, address: undefined, device: undefined }
  return signIn({ ...resources, ...changed, now, origin }, { username, password: given }, visitor)
}

const accepted = {
  accessToken: expect.any(String),
  refreshToken: expect.any(String),
  expiresIn: 1800,
  refreshExpiresIn: 14 * 86_400,
  userId: expect.any(String),
}

/** A hasher that verifies as the real one does and lets `deed` happen before it says so. */
function meanwhile(deed: () => PromiseLike<unknown>): PasswordHasher & { verified: number } {
  const hasher = {
    hash: resources.passwords.hash,
    verified: 0,
    async verify(text: string, stored: string | undefined) {
      const verdict = await resources.passwords.verify(text, stored)
      hasher.verified += 1
      await deed()
      return verdict
    },
  }
  return hasher
}

describe('signIn() renews', () => {
  test('an outdated hash, once the password is proven', async () => {
    const old = await outdated()
    const username = await enrol(old)
    expect(await attempt(username, 'not the password')).toBe('invalid_credentials')
    expect(await rowOf(username)).toMatchObject({ password: old, lastLogin: null })
    expect(await attempt(username)).toEqual(accepted)
    const renewed = await rowOf(username)
    expect(renewed).toMatchObject({ password: expect.stringMatching(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/), lastLogin: now })
    expect(await attempt(username)).toEqual(accepted)
    expect((await rowOf(username)).password).toBe(renewed.password)
  })

  test('an outdated hash once, when several sign in at once, and lets all of them in', async () => {
    const username = await enrol(await outdated())
    const all = Promise.withResolvers<void>()
    let verified = 0
    const together = meanwhile(async () => {
      verified += 1
      if (verified === 3) all.resolve()
      await all.promise
    })
    const outcomes = await Promise.all(Array.from({ length: 3 }, () => attempt(username, password, { passwords: together })))
    expect(outcomes).toEqual([accepted, accepted, accepted])
    expect((await rowOf(username)).password).toMatch(/\$m=19456,t=2,p=1\$/)
    expect(await attempt(username)).toEqual(accepted)
  })
})

describe('signIn() is refused, and leaves no trace, when', () => {
  test.each<[string, (username: string) => PromiseLike<unknown>]>([
    [
      'the password is changed',
      async (username) => set(username, { password: await resources.passwords.hash('another password') }),
    ],
    ['the account is disabled', (username) => set(username, { disabledAt: now })],
    ['the account is renamed', (username) => set(username, { usernameKey: `${username}-renamed`, password: 'of somebody else' })],
  ])('%s after the password was verified', async (_name, deed) => {
    for (const stored of [undefined, await outdated()]) {
      const username = await enrol(stored)
      let after: unknown
      const passwords = meanwhile(async () => {
        if (after === undefined) await deed(username)
        after ??= await rowOf(username)
      })
      expect(await attempt(username, password, { passwords })).toBe('invalid_credentials')
      expect(await rowOf(username)).toEqual(after)
      expect((await rowOf(username)).lastLogin).toBeNull()
    }
  })

  test('the account is deleted after the password was verified', async () => {
    const username = await enrol()
    const passwords = meanwhile(() => database.db.delete(users).where(eq(users.username, username)))
    expect(await attempt(username, password, { passwords })).toBe('invalid_credentials')
  })

  test('its hash is replaced again and again: it tries twice', async () => {
    const username = await enrol()
    const passwords = meanwhile(async () => set(username, { password: await resources.passwords.hash(password) }))
    expect(await attempt(username, password, { passwords })).toBe('invalid_credentials')
    expect(passwords.verified).toBe(2)
  })

  test('no signing key is open: it is not ready', async () => {
    const old = await outdated()
    const username = await enrol(old)
    const keyring = { ...resources.keyring, signer: undefined }
    const tokens = createAccessTokens({ keyring, issuer: 'x', ttl: 1800, remember: 1 })
    expect(await attempt(username, password, { tokens })).toBe('not_ready')
    expect(await attempt(username, 'not the password', { tokens })).toBe('not_ready')
    expect(await rowOf(username)).toMatchObject({ password: old, lastLogin: null })
  })
})

test('signIn() issues a token for the account as it is stored, whatever the spelling of its name', async () => {
  const username = await enrol()
  await set(username, { role: 'admin' })
  const outcome = await attempt(username.toUpperCase())
  const token = typeof outcome === 'object' ? outcome.accessToken : ''
  const { id } = await rowOf(username)
  expect(await resources.tokens.verify(token, now)).toMatchObject({
    userId: id,
    username,
    role: 'admin',
    authTime: 1_800_000_000,
  })
})

describe('the time that signIn() takes', () => {
  /** The lower quartile: what else the machine does makes a time longer, never shorter. */
  const typical = (times: number[]) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 4)] ?? Number.NaN

  /** How the time for an unknown name relates to that for a wrong password, measured in turns. */
  async function compare(passwords: PasswordHasher, rounds: number): Promise<number> {
    const username = await enrol()
    const times: Record<'unknown' | 'wrong', number[]> = { unknown: [], wrong: [] }
    for (let round = 0; round < rounds; round += 1) {
      for (const kind of round % 2 === 0 ? (['unknown', 'wrong'] as const) : (['wrong', 'unknown'] as const)) {
        const start = performance.now()
        const outcome = await attempt(kind === 'wrong' ? username : `nobody-${round}`, 'not the password', { passwords })
        times[kind].push(performance.now() - start)
        expect(outcome).toBe('invalid_credentials')
      }
    }
    return typical(times.unknown) / typical(times.wrong)
  }

  // Once more, twice at most, on a busy machine: an implementation that leaks fails by far, and every time.
  test('does not tell an unknown name from a wrong password', { retry: 2 }, async () => {
    const ratio = await compare(resources.passwords, 40)
    expect(ratio).toBeGreaterThan(0.8)
    expect(ratio).toBeLessThan(1.25)
  })

  test('would tell them apart if an unknown name cost no hash', async () => {
    const leaking: PasswordHasher = {
      hash: resources.passwords.hash,
      verify: async (text, stored) =>
        stored === undefined ? { matches: false, outdated: false } : resources.passwords.verify(text, stored),
    }
    expect(await compare(leaking, 12)).toBeLessThan(0.5)
  })
})
