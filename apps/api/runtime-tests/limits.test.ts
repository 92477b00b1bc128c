import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import type { OpenDatabase } from '../src/db/open.ts'
import { openTestEmbedded, openTestPostgres } from './in-process.ts'
import { type From, type LimitedApp, createLimitedApp, enrol, fill, forget, freshAddress, wrong } from './limited.ts'
import { createDatabase } from './postgres.ts'
import { type Answer, freshName, goodPassword } from './suite/target.ts'

const statuses = (answers: readonly Answer[]) => {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

describe('three instances on one PostgreSQL', () => {
  let databases: OpenDatabase[]
  let apps: LimitedApp[]
  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'] }) // it stands: no delay is over while a test runs
    const url = await createDatabase(inject('clusterUrl'))
    databases = [await openTestPostgres(url), await openTestPostgres(url), await openTestPostgres(url)]
    apps = await Promise.all(databases.map((database) => createLimitedApp(database)))
  })
  afterAll(async () => {
    vi.useRealTimers()
    await Promise.all(databases.map((database) => database.close()))
  })

  let turn = 0
  const next = (): LimitedApp => apps[(turn += 1) % 3] ?? expect.fail()
  const from = (origin?: From) => next().from(origin)
  const first = (): [LimitedApp, OpenDatabase] => [apps[0] ?? expect.fail(), databases[0] ?? expect.fail()]
  const hashes = () => apps.reduce((sum, { hashes }) => sum + hashes.count, 0)

  async function signedIn() {
    const username = await enrol(next())
    const { body } = await from().login(username)
    return { username, access: String(body['access_token']), refresh: String(body['refresh_token']) }
  }

  test('count together', async () => {
    const username = freshName()
    for (let i = 0; i < 10; i += 1) expect((await wrong(from(), username)).status).toBe(401)
    for (let i = 0; i < 3; i += 1) expect((await wrong(from(), username)).status).toBe(429)
  })

  test.each<[string, number, () => Promise<() => Promise<Answer>>]>([
    [
      'one account, from everywhere',
      10,
      async () => {
        const username = await enrol(next())
        return () => wrong(from(), username)
      },
    ],
    [
      'one account, from one address',
      10,
      async () => {
        const [username, address] = [await enrol(next()), freshAddress()]
        return () => wrong(from({ address }), username)
      },
    ],
    [
      'any accounts, from one address',
      100,
      async () => {
        const address = freshAddress()
        return () => wrong(from({ address }), freshName())
      },
    ],
    [
      'current_password',
      10,
      async () => {
        const { username, access } = await signedIn()
        return () => from().form('DELETE', '/user/', { username, current_password: 'not the password' }, access)
      },
    ],
    [
      'registrations of one name',
      20,
      async () => {
        const name = freshName()
        return () => from().register(name)
      },
    ],
  ])('evaluate no more than the limit of 200 guesses at once: %s', async (_name, limit, begin) => {
    const attempt = await begin()
    const before = hashes()
    const answers = await Promise.all(Array.from({ length: 200 }, attempt))
    const { 200: right = 0, 400: taken = 0, 401: wrong = 0, 403: stale = 0, ...rest } = statuses(answers)
    const evaluated = right + taken + wrong + stale
    expect(hashes() - before).toBe(evaluated)
    expect(evaluated).toBeGreaterThan(0)
    expect(evaluated).toBeLessThanOrEqual(limit) // fewer where the machine is so busy that counting takes too long
    expect(rest[429]).toBeGreaterThan(0)
  })

  test('refresh one session hardly more than a minute’s limit, and the session goes on', async () => {
    const session = await signedIn()
    const renew = () => from().form('POST', '/token', { grant_type: 'refresh_token', refresh_token: session.refresh })
    const answers = await Promise.all(Array.from({ length: 200 }, renew))
    const { 200: renewed = 0, 429: refused = 0 } = statuses(answers)
    expect(renewed + refused).toBe(200)
    // Each instance may have let five pass that it has not told of.
    expect(renewed).toBeGreaterThanOrEqual(60)
    expect(renewed).toBeLessThanOrEqual(75)
    expect((await from().get('/users/me', session.access)).status).toBe(200)
  })

  test('let an owner in from a known network while the account is under attack', async () => {
    const [username, address] = [await enrol(next()), '203.0.113.9']
    await from({ address }).login(username)
    const attack = await Promise.all(Array.from({ length: 60 }, () => wrong(from(), username)))
    expect(statuses(attack)[429]).toBeGreaterThanOrEqual(40)
    await fill(first()[1], 'account', 40)
    expect((await from().login(username)).status).toBe(429)
    for (let i = 0; i < 3; i += 1) expect((await from({ address }).login(username)).status).toBe(200)
  })
})

describe.each<[string, () => Promise<string | undefined>]>([
  ['PGlite', async () => undefined],
  ['PostgreSQL', () => createDatabase(inject('clusterUrl'))],
])('while nobody can count, on %s', (_name, locate) => {
  let url: string | undefined
  let database: OpenDatabase
  let app: LimitedApp
  let session: { username: string; access: string; refresh: string }
  beforeAll(async () => {
    url = await locate()
    database = url === undefined ? await openTestEmbedded() : await openTestPostgres(url)
    app = await createLimitedApp(database)
    const username = await enrol(app)
    const { body } = await app.from().login(username)
    session = { username, access: String(body['access_token']), refresh: String(body['refresh_token']) }
  })
  afterAll(() => database.close())
  afterEach(() => forget(database))

  const refresh = () => app.from().form('POST', '/token', { grant_type: 'refresh_token', refresh_token: session.refresh })

  async function expectPasswordsRefused() {
    const { username, access } = session
    const current = { username, current_password: goodPassword }
    for (const call of [
      () => app.from().login(username),
      () => wrong(app.from(), username, 'token'),
      () => app.from().register(freshName()),
      () => app.from().json('PATCH', '/user/', { ...current, password: 'another quiet harbour' }, access),
      () => app.from().form('DELETE', '/user/', current, access),
    ]) {
      const hashes = app.hashes.count
      const answer = await call()
      expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } })
      expect(answer.headers.get('Retry-After')).toBe('1')
      expect(JSON.stringify(answer.body)).not.toMatch(/rate_limits|insert|select/)
      expect(app.hashes.count).toBe(hashes)
    }
  }

  async function expectOthersServed() {
    const { username, access } = session
    expect((await app.from().get('/users/me', access)).status).toBe(200)
    expect((await app.from().get(`/user/?username=${username}`, access)).status).toBe(200)
    expect((await app.from().json('PATCH', '/user/', { username, birthday: '1990-05-17' }, access)).status).toBe(200)
    expect((await refresh()).status).toBe(200)
    expect((await app.from().get('/sessions', access)).status).toBe(200)
  }

  test('passwords are neither set nor tried, and everything else goes on: the table is gone', async () => {
    await database.db.execute(sql`alter table rate_limits rename to elsewhere`)
    const lines = app.log.lines.length
    await expectPasswordsRefused()
    await expectOthersServed()
    for (let i = 0; i < 5; i += 1) expect((await refresh()).status).toBe(200)
    await database.db.execute(sql`alter table elsewhere rename to rate_limits`)
    const told = app.log.lines.slice(lines).filter(({ message }) => message === 'attempts could not be counted')
    expect(told).toHaveLength(5 + 1) // each refused request, and the refreshes once
    expect(JSON.stringify(told)).not.toMatch(/insert into|select "/)
    expect((await app.from().login(session.username)).status).toBe(200)
  })

  test('and the table is locked: nobody waits for long, nothing else waits at all', async () => {
    if (url === undefined) return // one connection: nobody can hold a lock
    const blocker = postgres(url, { max: 1, onnotice: () => undefined })
    await blocker.begin(async (transaction) => {
      await transaction`lock table rate_limits in access exclusive mode`
      const begun = performance.now()
      const flood = Promise.all(Array.from({ length: 60 }, () => wrong(app.from(), freshName())))
      const read = () => app.from().get(`/user/?username=${session.username}`, session.access)
      expect(statuses(await Promise.all(Array.from({ length: 20 }, read)))).toEqual({ 200: 20 })
      expect(statuses(await flood)).toEqual({ 503: 60 })
      await expectPasswordsRefused()
      await expectOthersServed()
      expect(performance.now() - begun).toBeLessThan(9_000) // a statement of the others gives up after ten
    })
    await blocker.end()
    await expect.poll(async () => (await app.from().login(session.username)).status, { timeout: 10_000, interval: 250 }).toBe(200)
  })
})
