import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createTestApp, openTestEmbedded, openTestPostgres } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import type { PasswordHasher } from '../crypto/password.ts'
import type { OpenDatabase } from '../db/open.ts'
import { passwordResets, sessions, users } from '../db/schema.ts'
import type { Resources } from '../resources.ts'
import { usernameKey } from '../users/username.ts'
import { newReset } from './issue.ts'
import { resetPassword } from './reset-password.ts'

const start = new Date('2027-01-15T08:00:00.000Z')
const seconds = (count: number) => new Date(start.getTime() + count * 1000)

describe.each<[string, () => Promise<OpenDatabase[]>]>([
  ['PGlite', async () => [await openTestEmbedded()]],
  [
    'three instances on PostgreSQL',
    async () => {
      const url = await createDatabase(inject('clusterUrl'))
      return [await openTestPostgres(url), await openTestPostgres(url), await openTestPostgres(url)]
    },
  ],
])('on %s', (_name, open) => {
  let databases: OpenDatabase[]
  let instances: Resources[]
  beforeAll(async () => {
    databases = await open()
    instances = await Promise.all(databases.map(async (database) => (await createTestApp(database)).resources))
  })
  afterAll(() => Promise.all(databases.map((database) => database.close())))

  const at = (index: number): Resources => {
    const instance = instances[index % instances.length]
    if (!instance) throw new Error('there is an instance')
    return instance
  }
  const db = () => {
    const [database] = databases
    if (!database) throw new Error('there is a database')
    return database.db
  }

  let accounts = 0
  /** An account with a session, its unspent code, and what became of both. */
  async function enrol() {
    accounts += 1
    const id = crypto.randomUUID()
    const username = `user-${accounts}`
    await db()
      .insert(users)
      .values({ id, username, usernameKey: usernameKey(username), password: 'old', createTime: start })
    const session = { id: crypto.randomUUID(), userId: id, rotateTime: start, createTime: start, lastUsed: start }
    await db()
      .insert(sessions)
      .values({ ...session, expireTime: seconds(86_400) })
    return { id, username, code: await issue(id) }
  }

  const operator = { origin: { actor: 'operator' as const }, now: start }

  async function issue(id: string, instance = 0): Promise<string> {
    const { code, ...stored } = await newReset(start)
    expect(await at(instance).passwordResets.issue(id, stored, 'operator', operator)).toBe('issued')
    return code
  }

  const rowOf = async (id: string) => (await db().select().from(users).where(eq(users.id, id)))[0]
  const codesOf = (id: string) => db().select().from(passwordResets).where(eq(passwordResets.userId, id))
  const sessionsOf = (id: string) => db().select().from(sessions).where(eq(sessions.userId, id))

  /** Hashes nothing, and does `deed` meanwhile. */
  const hasher = (deed: () => PromiseLike<unknown> = () => Promise.resolve()): PasswordHasher => ({
    verify: () => Promise.resolve({ matches: false, outdated: false }),
    async hash(password) {
      await deed()
      return `hash of ${password}`
    },
  })

  function spend(
    instance: number,
    code: string,
    { password = 'a lighthouse in the fog', now = start, passwords = hasher() } = {},
  ) {
    const { passwordResets: resets, revocations, isBreached } = at(instance)
    const dependencies = { resets, revocations, isBreached, passwords, origin: { actor: 'anonymous' as const }, now }
    return resetPassword(dependencies, { code, password })
  }

  test.each<[number, string]>([
    [0, 'reset'],
    [3599.999, 'reset'],
    [3600, 'invalid_reset_code'],
    [86_400, 'invalid_reset_code'],
  ])('a code of %s seconds is %s', async (age, outcome) => {
    const { id, code } = await enrol()
    expect(await spend(1, code, { now: seconds(age) })).toBe(outcome)
    expect((await rowOf(id))?.password).toBe(outcome === 'reset' ? 'hash of a lighthouse in the fog' : 'old')
  })

  test('a spent code ends the account’s sessions, and proofs from before', async () => {
    const { id, code } = await enrol()
    expect(await spend(2, code, { now: seconds(60) })).toBe('reset')
    expect(await sessionsOf(id)).toEqual([])
    expect(await codesOf(id)).toEqual([])
    expect(await rowOf(id)).toMatchObject({ passwordChangeTime: seconds(60) })
  })

  test('of many at once on all instances, exactly one spends the code, and its password is the one', async () => {
    for (let round = 0; round < 40; round += 1) {
      const { id, code } = await enrol()
      const passwords = Array.from({ length: 6 }, (_, i) => `a lighthouse in the fog ${i}`)
      const outcomes = await Promise.all(passwords.map((password, i) => spend(i, code, { password })))
      const winners = passwords.filter((_, i) => outcomes[i] === 'reset')
      expect(winners).toHaveLength(1)
      expect((await rowOf(id))?.password).toBe(`hash of ${winners[0]}`)
    }
  })

  test.each<[string, (account: { id: string; code: string }) => PromiseLike<unknown>]>([
    ['the password is changed', ({ id }) => at(1).users.update(id, { password: 'other' }, 'operator', operator)],
    ['the password is set by hand', ({ id }) => db().update(users).set({ password: 'other' }).where(eq(users.id, id))],
    ['the role is changed', ({ id }) => at(1).users.update(id, { role: 'admin' }, 'operator', operator)],
    ['the account is disabled', ({ id }) => at(1).users.update(id, { disabled: true }, 'operator', operator)],
    ['the account is deleted', ({ id }) => at(1).users.delete(id, 'operator', operator)],
    ['a newer code is issued', ({ id }) => issue(id, 1)],
    ['it is spent elsewhere', ({ code }) => spend(2, code, { password: 'the password of somebody else' })],
  ])('a code is invalid when %s while the new password is hashed', async (_name, deed) => {
    const account = await enrol()
    const spare = { id: crypto.randomUUID(), username: account.id, usernameKey: account.id, role: 'admin' as const }
    await db()
      .insert(users)
      .values({ ...spare, password: '-', createTime: start })
    let after: unknown
    const once = async () => {
      await deed(account)
      after = (await rowOf(account.id)) ?? null
    }
    expect(await spend(0, account.code, { passwords: hasher(once) })).toBe('invalid_reset_code')
    expect((await rowOf(account.id)) ?? null).toEqual(after)
  })

  test('whatever happens to an account at the same moment, nothing waits crosswise, and the code works at most once', async () => {
    const deeds: ((account: { id: string; code: string }, instance: number) => Promise<unknown>)[] = [
      ({ code }, instance) => spend(instance, code),
      ({ id }, instance) => at(instance).users.update(id, { password: 'other' }, 'operator', operator),
      ({ id }, instance) => at(instance).users.update(id, { disabled: true }, 'operator', operator),
      ({ id }, instance) => at(instance).users.update(id, { disabled: false }, 'operator', operator),
      async ({ id }, instance) => {
        const { code: _code, ...stored } = await newReset(start)
        return at(instance).passwordResets.issue(id, stored, 'operator', operator)
      },
      ({ code }, instance) => spend(instance, code, { password: 'the password of somebody else' }),
      ({ id }, instance) => at(instance).users.delete(id, 'operator', operator),
    ]
    for (let round = 0; round < 60; round += 1) {
      const account = await enrol()
      const chosen = deeds.slice(0, round % 3 === 0 ? 7 : 6)
      const outcomes = await Promise.all(chosen.map((deed, i) => deed(account, round + i)))
      expect(outcomes.filter((outcome) => outcome === 'reset').length).toBeLessThanOrEqual(1)
      expect(await spend(round, account.code)).not.toBe(outcomes.includes('reset') ? 'reset' : '')
      const row = await rowOf(account.id)
      if (row?.disabledAt) expect(await codesOf(account.id)).toEqual([])
    }
  })

  test('a code of a disabled account is invalid, also where a hand put it there', async () => {
    const { id, code } = await enrol()
    const [stored] = await codesOf(id)
    if (!stored) throw new Error('a code was issued')
    await db().update(users).set({ disabledAt: start }).where(eq(users.id, id))
    await db().insert(passwordResets).values(stored)
    expect(await spend(0, code)).toBe('invalid_reset_code')
    expect(await at(0).passwordResets.spend(stored.codeHash, 'other', operator)).toBe(false)
  })

  test('the code itself is nowhere in the database', async () => {
    const { code } = await enrol()
    const everything = JSON.stringify([await db().select().from(passwordResets), await db().select().from(users)])
    expect(everything).not.toContain(code)
  })
})
