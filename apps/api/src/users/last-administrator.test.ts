import { and, eq, isNull } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createTestApp, openTestEmbedded, openTestPostgres } from '../../runtime-tests/in-process.ts'
import { countWaiting, createDatabase } from '../../runtime-tests/postgres.ts'
import { type Answer, createApi } from '../../runtime-tests/suite/target.ts'
import type { OpenDatabase } from '../db/open.ts'
import { sessions, users } from '../db/schema.ts'
import { type UserQueries, createUserQueries } from './queries.ts'
import { issueTokens } from '../sessions/issue-tokens.ts'

interface Instance {
  api: ReturnType<typeof createApi>
  /** A token of a session that was opened just now, without the time that a password takes. */
  signIn(username: string): Promise<string>
}

async function openInstance(database: OpenDatabase): Promise<Instance> {
  const { app, resources } = await createTestApp(database)
  return {
    api: createApi({ fetch: async (path, init) => app.request(path, init), stop: async () => undefined }),
    async signIn(username) {
      const now = new Date()
      const proven = await resources.users.findCredentials(username)
      const device = { id: crypto.randomUUID(), userAgent: null, addressPrefix: null }
      const session =
        proven && (await resources.sessions.open(proven, undefined, device, { now, origin: { actor: 'anonymous' } }))
      const tokens = session && (await issueTokens(resources, session, now))
      if (!tokens) throw new Error(`${username} has no account`)
      return tokens.accessToken
    },
  }
}

type Deed = (instance: Instance, token: string, username: string) => Promise<Answer>
const patch =
  (change: object): Deed =>
  ({ api }, token, username) =>
    api.json('PATCH', '/user/', { username, ...change }, token)
const deeds: [string, Deed][] = [
  ['demote', patch({ role: 'user' })],
  ['disable', patch({ disabled: true })],
  ['delete', ({ api }, token, username) => api.form('DELETE', '/user/', { username }, token)],
]

describe.each<[string, () => Promise<OpenDatabase[]>]>([
  ['PGlite', async () => [await openTestEmbedded()]],
  [
    'two instances on PostgreSQL',
    async () => {
      const url = await createDatabase(inject('clusterUrl'))
      return [await openTestPostgres(url), await openTestPostgres(url)]
    },
  ],
])('on %s', (_name, open) => {
  let databases: OpenDatabase[]
  let instances: Instance[]
  beforeAll(async () => {
    databases = await open()
    instances = await Promise.all(databases.map(openInstance))
  })
  afterAll(() => Promise.all(databases.map((database) => database.close())))
  beforeEach(() => appoint('ada', 'grace'))

  const at = (index: number): Instance => {
    const instance = instances[index % instances.length]
    if (!instance) throw new Error('there is an instance')
    return instance
  }
  const db = () => {
    const [database] = databases
    if (!database) throw new Error('there is a database')
    return database.db
  }

  /** These are the administrators from now on, and nobody else has an account. */
  async function appoint(...names: string[]): Promise<void> {
    const row = { password: '-', role: 'admin' as const, createTime: new Date() }
    const old = await db().select({ id: users.id }).from(users)
    await db()
      .insert(users)
      .values({ ...row, id: crypto.randomUUID(), username: 'interim', usernameKey: 'interim' })
    for (const { id } of old) await db().delete(users).where(eq(users.id, id))
    await db()
      .insert(users)
      .values(names.map((username) => ({ ...row, id: crypto.randomUUID(), username, usernameKey: username })))
    await db().delete(users).where(eq(users.username, 'interim'))
  }

  const administrators = async () => {
    const rows = await db()
      .select({ username: users.username })
      .from(users)
      .where(and(eq(users.role, 'admin'), isNull(users.disabledAt)))
    return rows.map(({ username }) => username)
  }

  test.each(deeds)('the last administrator can’t %s himself, and nothing of the request is done', async (_name, deed) => {
    await appoint('ada')
    const token = await at(0).signIn('ada')
    expect(await deed(at(0), token, 'ada')).toMatchObject({
      status: 409,
      body: { title: 'Conflict', code: 'last_administrator' },
    })
    const change = { username: 'ada', birthday: '1815-12-10', role: 'user' }
    expect((await at(0).api.json('PATCH', '/user/', change, token)).status).toBe(409)
    const { body } = await at(0).api.get('/user/?username=ada', token)
    expect(body).toMatchObject({ username: 'ada', birthday: null })
    expect(await administrators()).toEqual(['ada'])
  })

  test.each(deeds)('of two administrators, one can %s himself', async (_name, deed) => {
    const token = await at(0).signIn('ada')
    expect(await deed(at(0), token, 'ada')).toMatchObject({ status: 200 })
    expect(await administrators()).toEqual(['grace'])
    expect((await at(0).api.get('/users/me', token)).status).toBe(401)
  })

  describe.each(deeds)('when one would %s', (_name, deed) => {
    test.each(deeds)(
      'and another %s, each the other or each himself, at the same moment, one remains',
      async (_other, answer) => {
        for (let round = 0; round < 12; round += 1) {
          await appoint('ada', 'grace')
          const tokens = [await at(0).signIn('ada'), await at(1).signIn('grace')] as const
          const targets = round % 2 === 0 ? (['grace', 'ada'] as const) : (['ada', 'grace'] as const)
          const answers = await Promise.all([deed(at(0), tokens[0], targets[0]), answer(at(1), tokens[1], targets[1])])
          // Of two on each other, the second is no administrator any more; of two on themselves, the last one.
          expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, round % 2 === 0 ? 401 : 409])
          expect(await administrators()).toHaveLength(1)
        }
      },
    )
  })

  test('of three who each act on the next at the same moment, at least one remains', async () => {
    const names = ['ada', 'grace', 'hedy']
    for (let round = 0; round < 30; round += 1) {
      await appoint(...names)
      const tokens = await Promise.all(names.map((name, i) => at(i).signIn(name)))
      const answers = await Promise.all(
        names.map(async (_name, i) => deeds[(round + i) % 3]?.[1](at(i), tokens[i] ?? '', names[(i + 1) % 3] ?? '')),
      )
      for (const answer of answers) expect([200, 400, 401]).toContain(answer?.status)
      expect((await administrators()).length).toBeGreaterThan(0)
    }
  })
})

describe('a statement that needs an administrator', () => {
  const now = new Date()
  let url: string
  let database: OpenDatabase
  let queries: UserQueries
  beforeAll(async () => {
    url = await createDatabase(inject('clusterUrl'))
    database = await openTestPostgres(url)
    queries = createUserQueries(database.db)
  })
  afterAll(() => database.close())

  /** An account with a session, and on what authority it acts. */
  async function enrol(role: 'user' | 'admin') {
    const [id, sessionId] = [crypto.randomUUID(), crypto.randomUUID()]
    await database.db.insert(users).values({ id, username: id, usernameKey: id, password: '-', role, createTime: now })
    const session = { id: sessionId, userId: id, rotateTime: now, createTime: now, lastUsed: now }
    await database.db.insert(sessions).values({ ...session, expireTime: new Date(now.getTime() + 60_000) })
    return { id, authority: { userId: id, sessionId, asAdministrator: true } }
  }
  const rowOf = async (id: string) => (await database.db.select().from(users).where(eq(users.id, id)))[0]
  const circumstances = { origin: { actor: 'user' as const }, now }

  test('judges a caller whose row it waited for by what he is then', async () => {
    const [caller, target] = [await enrol('admin'), await enrol('admin')]
    const demoted = Promise.withResolvers<void>()
    const committed = Promise.withResolvers<void>()
    const demotion = database.db.transaction(async (transaction) => {
      await transaction.update(users).set({ role: 'user' }).where(eq(users.id, caller.id))
      demoted.resolve()
      await committed.promise
    })
    await demoted.promise
    const waiting = queries.update(target.id, { disabled: true }, caller.authority, circumstances)
    await expect.poll(() => countWaiting(url)).toBe(1)
    committed.resolve()
    await demotion
    expect(await waiting).toBeUndefined()
    expect(await rowOf(target.id)).toMatchObject({ disabledAt: null })
  })

  test('lets nobody else do it, to himself either, while his session lives', async () => {
    const caller = await enrol('user')
    for (const change of [{ role: 'admin' as const }, { disabled: false }, { birthday: '1990-05-17' }]) {
      expect(await queries.update(caller.id, change, caller.authority, circumstances)).toBeUndefined()
    }
    expect(await rowOf(caller.id)).toMatchObject({ role: 'user', birthday: null })
    const own = { ...caller.authority, asAdministrator: false }
    expect(await queries.update(caller.id, { birthday: '1990-05-17' }, own, circumstances)).toBe(0)
  })
})
