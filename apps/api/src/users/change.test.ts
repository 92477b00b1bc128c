import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestApp, openTestEmbedded, origin } from '../../runtime-tests/in-process.ts'
import type { PasswordHasher } from '../crypto/password.ts'
import type { OpenDatabase } from '../db/open.ts'
import { sessions, users } from '../db/schema.ts'
import type { Caller } from '../keys/access-token.ts'

type Role = Caller['role']
import type { Resources } from '../resources.ts'
import { changeUser, deleteUser, isFresh, mayChange } from './change.ts'
import { register } from './register.ts'
import { usernameKey } from './username.ts'

const password = 'a quiet harbour at dawn'
const newPassword = 'a louder harbour at noon'
const seconds = 1_800_000_000
const now = new Date(seconds * 1000)

let database: OpenDatabase
let resources: Resources
beforeAll(async () => {
  database = await openTestEmbedded()
  resources = (await createTestApp(database)).resources
})
afterAll(() => database.close())

let accounts = 0

/** A new account and who its token would say that it is. */
async function enrol(role: Role = 'user'): Promise<Caller> {
  accounts += 1
  const username = `user-${accounts}`
  await register({ queries: resources.users, passwords: resources.passwords, now, origin }, { username, password })
  const [row] = await database.db.update(users).set({ role }).where(eq(users.username, username)).returning()
  if (!row) throw new Error('it was registered')
  const session = { id: crypto.randomUUID(), userId: row.id, rotateTime: now, createTime: now, lastUsed: now }
  await database.db.insert(sessions).values({ ...session, expireTime: new Date(now.getTime() + 3_600_000) })
  return { userId: row.id, sessionId: session.id, username, role, authTime: seconds, expiresAt: seconds + 1800 }
}

const rowOf = async ({ userId }: Caller) => (await database.db.select().from(users).where(eq(users.id, userId)))[0]
const set = (caller: Caller, columns: Partial<typeof users.$inferInsert>) =>
  database.db.update(users).set(columns).where(eq(users.id, caller.userId))
const endSession = ({ caller }: { caller: Caller }) => database.db.delete(sessions).where(eq(sessions.id, caller.sessionId))
const remove = (caller: Caller) => database.db.delete(users).where(eq(users.id, caller.userId))

const dependencies = (caller: Caller, passwords: PasswordHasher = resources.passwords) => ({
  queries: resources.users,
  revocations: resources.revocations,
  passwords,
  caller,
  origin: { actor: 'user' as const, actorId: caller.userId },
  now,
})

/** A hasher that takes so long that `deed` is done before it answers. */
function slow(deed: () => PromiseLike<unknown>): PasswordHasher {
  const { passwords } = resources
  return {
    async hash(text) {
      const hash = await passwords.hash(text)
      await deed()
      return hash
    },
    async verify(text, stored) {
      const verdict = await passwords.verify(text, stored)
      await deed()
      return verdict
    },
  }
}

test.each<[number, boolean]>([
  [0, true],
  [599, true],
  [599.9, true],
  [599.999, true],
  [600, false],
  [600.001, false],
  [86_400, false],
  [-3, true], // another instance's clock is ahead
])('isFresh() %d s after the password was proven is %s', (age, verdict) => {
  expect(isFresh({ signInTime: now, passwordChangeTime: null }, new Date((seconds + age) * 1000))).toBe(verdict)
})

test.each<[{ id: string; role: Role }, string, boolean]>([
  [{ id: 'a', role: 'user' }, 'a', true],
  [{ id: 'a', role: 'admin' }, 'a', true],
  [{ id: 'a', role: 'user' }, 'b', false],
  [{ id: 'a', role: 'admin' }, 'b', true],
])('mayChange() of %j for %s is %s', (caller, id, verdict) => {
  expect(mayChange(caller, { id })).toBe(verdict)
})

describe('changeUser() and deleteUser() when the world changes while a password is hashed', () => {
  interface Cast {
    caller: Caller
    target: Caller
  }
  type Deed = (cast: Cast) => PromiseLike<unknown>
  const otherPassword: Deed = async ({ caller }) =>
    set(caller, { password: await resources.passwords.hash('somebody else’s choice') })

  const races: [name: string, callerRole: Role, own: boolean, proven: boolean, deed: Deed, refusal: string][] = [
    ['the caller’s own account is deleted', 'user', true, false, ({ caller }) => remove(caller), 'invalid_token'],
    ['the caller’s own account is deleted', 'user', true, true, ({ caller }) => remove(caller), 'invalid_token'],
    [
      'the caller’s own account is disabled',
      'user',
      true,
      false,
      ({ caller }) => set(caller, { disabledAt: now }),
      'invalid_token',
    ],
    ['the session is ended', 'user', true, true, endSession, 'invalid_token'],
    ['the session is ended', 'admin', false, false, endSession, 'invalid_token'],
    ['the administrator is deleted', 'admin', false, false, ({ caller }) => remove(caller), 'invalid_token'],
    ['the administrator is disabled', 'admin', false, true, ({ caller }) => set(caller, { disabledAt: now }), 'invalid_token'],
    ['the account to change is deleted', 'admin', false, false, ({ target }) => remove(target), 'user_not_found'],
    ['the account to change is deleted', 'admin', false, true, ({ target }) => remove(target), 'user_not_found'],
    ['the administrator is no longer one', 'admin', false, false, ({ caller }) => set(caller, { role: 'user' }), 'invalid_token'],
    ['the password that was proven is changed', 'user', true, true, otherPassword, 'invalid_token'],
    ['the password that was proven is changed', 'admin', false, true, otherPassword, 'invalid_token'],
  ]

  test.each(races)('%s: %s, own: %s, current_password: %s', async (_name, role, own, proven, deed, refusal) => {
    const caller = await enrol(role)
    const target = own ? caller : await enrol()
    let done = false
    const once = async () => {
      if (!done) await deed({ caller, target })
      done = true
    }
    const current = proven ? { current_password: password } : {}
    const change = { username: target.username, password: newPassword, birthday: '1815-12-10', ...current }
    expect(await changeUser(dependencies(caller, slow(once)), change)).toBe(refusal)
    expect((await rowOf(target))?.birthday ?? null).toBeNull()
    expect(await resources.passwords.verify(newPassword, (await rowOf(target))?.password)).toMatchObject({ matches: false })
  })

  test.each(races.filter(([, , , proven]) => proven))(
    '%s: %s, own: %s, in a deletion',
    async (_name, role, own, _proven, deed, refusal) => {
      const caller = await enrol(role)
      const target = own ? caller : await enrol()
      let there: unknown
      const once = async () => {
        if (there === undefined) await deed({ caller, target })
        there ??= (await rowOf(target)) ?? null
      }
      const deletion = { username: target.username, current_password: password }
      expect(await deleteUser(dependencies(caller, slow(once)), deletion)).toBe(refusal)
      expect((await rowOf(target)) ?? null).toEqual(there)
    },
  )

  test('two password changes at once that prove the same password: one is made, the other has to prove the new one', async () => {
    const caller = await enrol()
    const both = Promise.withResolvers<void>()
    let hashed = 0
    const together: PasswordHasher = {
      verify: resources.passwords.verify,
      async hash(text) {
        const hash = await resources.passwords.hash(text)
        hashed += 1
        if (hashed === 2) both.resolve()
        await both.promise
        return hash
      },
    }
    const choices = ['the first of two new passwords', 'the second of two new passwords']
    const outcomes = await Promise.all(
      choices.map((choice) =>
        changeUser(dependencies(caller, together), { username: caller.username, password: choice, current_password: password }),
      ),
    )
    expect(new Set(outcomes)).toEqual(new Set([{ sessionsEnded: 0 }, 'reauthentication_required']))
    const stored = (await rowOf(caller))?.password
    const made = await Promise.all(choices.map(async (choice) => (await resources.passwords.verify(choice, stored)).matches))
    expect(made).toEqual(outcomes.map((outcome) => typeof outcome === 'object'))
  })
})

test('changeUser() finds the account under any spelling of its name, and changes what it is told and no more', async () => {
  const caller = await enrol()
  const before = await rowOf(caller)
  const change = { username: caller.username.toUpperCase(), birthday: '1815-12-10', password: null }
  expect(await changeUser(dependencies(caller), change)).toEqual({ sessionsEnded: 0 })
  expect(await rowOf(caller)).toEqual({ ...before, birthday: '1815-12-10' })
  expect(usernameKey(change.username)).toBe(before?.usernameKey)
})
