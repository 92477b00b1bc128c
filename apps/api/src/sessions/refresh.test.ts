import { eq } from 'drizzle-orm'
import { array, assert, asyncProperty, constantFrom, integer, nat, record } from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createMemoryLog, createTestApp, openTestEmbedded, openTestPostgres, origin } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import type { OpenDatabase } from '../db/open.ts'
import { sessions, users } from '../db/schema.ts'
import type { Resources } from '../resources.ts'
import { register } from '../users/register.ts'
import { refresh } from './refresh.ts'
import { type TokenPair, issueTokens } from './issue-tokens.ts'

const password = 'a quiet harbour at dawn'
const start = new Date('2027-01-15T08:00:00.000Z').getTime()
const seconds = (count: number) => new Date(start + count * 1000)
const device = { userAgent: null, addressPrefix: null }

/** Instances over one database, and a sign-in that costs no hash. */
interface House {
  instances: Resources[]
  database: OpenDatabase
  log: ReturnType<typeof createMemoryLog>
  signIn(now: Date): Promise<{ tokens: TokenPair; sessionId: string; userId: string }>
}

async function openHouse(databases: OpenDatabase[]): Promise<House> {
  const [database] = databases
  if (!database) throw new Error('a house needs a database')
  const log = createMemoryLog()
  const instances: Resources[] = []
  for (const each of databases) instances.push((await createTestApp(each, { platform: { log } })).resources)
  const [first] = instances
  if (!first) throw new Error('a house needs an instance')
  await register({ queries: first.users, passwords: first.passwords, now: seconds(0), origin }, { username: 'ada', password })
  return {
    instances,
    database,
    log,
    async signIn(now) {
      const proven = await first.users.findCredentials('ada')
      const session =
        proven && (await first.sessions.open(proven, undefined, { id: crypto.randomUUID(), ...device }, { now, origin }))
      const tokens = session && (await issueTokens(first, session, now))
      if (!session || !tokens) throw new Error('the account is there')
      return { tokens, sessionId: session.id, userId: session.userId }
    },
  }
}

const at = (house: House, instance: number): Resources => {
  const resources = house.instances[instance % house.instances.length]
  if (!resources) throw new Error('a house has instances')
  return resources
}

const use = (house: House, instance: number, token: string, now: Date) =>
  refresh({ ...at(house, instance), now, origin }, token, undefined)

/** The refresh token of an answer that has one. */
function successor(outcome: TokenPair | string): string {
  if (typeof outcome === 'string') throw new Error(`refused: ${outcome}`)
  return outcome.refreshToken
}

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
  let house: House
  beforeAll(async () => {
    databases = await open()
    house = await openHouse(databases)
  })
  afterAll(() => Promise.all(databases.map((database) => database.close())))

  test('each refresh yields the next token, and a longer life up to the session’s longest', async () => {
    const { tokens } = await house.signIn(seconds(0))
    let token = tokens.refreshToken
    const day = 86_400
    for (let used = 10; used <= 80; used += 10) {
      const outcome = await use(house, used, token, seconds(used * day))
      expect(outcome).toMatchObject({ refreshExpiresIn: Math.min(14, 90 - used) * day, expiresIn: 1800 })
      token = successor(outcome)
    }
    expect(await use(house, 0, token, seconds(90 * day))).toBe('invalid_grant')
  })

  test('a session that nobody refreshes in time is over', async () => {
    const { tokens } = await house.signIn(seconds(0))
    expect(await use(house, 1, tokens.refreshToken, seconds(14 * 86_400))).toBe('invalid_grant')
    expect(await use(house, 1, tokens.refreshToken, seconds(14 * 86_400 - 1))).toHaveProperty('accessToken')
  })

  test('fifty at once with one token get one successor, which works once for all', async () => {
    const { tokens } = await house.signIn(seconds(0))
    const crowd = await Promise.all(Array.from({ length: 50 }, (_, i) => use(house, i, tokens.refreshToken, seconds(60))))
    const successors = new Set(crowd.map(successor))
    expect(successors.size).toBe(1)
    const [next = ''] = successors
    expect(next).not.toBe(tokens.refreshToken)
    expect(await use(house, 0, next, seconds(61))).toHaveProperty('refreshToken')
  })

  test('the same token again within thirty seconds gets the same successor, later it ends the session', async () => {
    const { tokens, sessionId, userId } = await house.signIn(seconds(0))
    const next = successor(await use(house, 0, tokens.refreshToken, seconds(60)))
    expect(successor(await use(house, 1, tokens.refreshToken, seconds(60)))).toBe(next)
    expect(successor(await use(house, 2, tokens.refreshToken, seconds(90)))).toBe(next)
    expect(await use(house, 1, tokens.refreshToken, seconds(90.001))).toBe('invalid_grant')
    expect(await use(house, 0, next, seconds(91))).toBe('invalid_grant')
    expect(await at(house, 1).revocations.isLive(sessionId, new Date())).toBe(false)
    const lines = house.log.lines.filter(({ fields }) => JSON.stringify(fields).includes(sessionId))
    expect(lines).toMatchObject([{ fields: { event: 'refresh_token_reused', user_id: userId, presented: 0, valid: 1 } }])
    expect(JSON.stringify(house.log.lines)).not.toContain(tokens.refreshToken.slice(0, 20))
  })

  test('a token from before a restored backup goes on instead of ending the session', async () => {
    const { tokens, sessionId } = await house.signIn(seconds(0))
    let token = tokens.refreshToken
    for (let used = 1; used <= 3; used += 1) token = successor(await use(house, used, token, seconds(used * 60)))
    await house.database.db
      .update(sessions)
      .set({ generation: 1, rotateTime: seconds(60) })
      .where(eq(sessions.id, sessionId))
    const crowd = await Promise.all(Array.from({ length: 10 }, (_, i) => use(house, i, token, seconds(600))))
    const [next = '', ...others] = new Set(crowd.map(successor))
    expect(others).toEqual([])
    expect(successor(await use(house, 1, next, seconds(660)))).not.toBe(next)
    expect(await use(house, 1, token, seconds(661))).toBe('invalid_grant')
  })

  test('nothing is used up while no signing key is open', async () => {
    const { tokens } = await house.signIn(seconds(0))
    const closed = { ...at(house, 0).tokens, ready: false }
    const dependencies = { ...at(house, 0), tokens: closed, now: seconds(60), origin }
    expect(await refresh(dependencies, tokens.refreshToken, undefined)).toBe('not_ready')
    expect(await use(house, 0, tokens.refreshToken, seconds(3600))).toHaveProperty('refreshToken')
  })

  test.each([
    [
      'disabled',
      (id: string) =>
        house.database.db
          .update(users)
          .set({ disabledAt: seconds(1) })
          .where(eq(users.id, id)),
    ],
    ['deleted', (id: string) => house.database.db.delete(users).where(eq(users.id, id))],
  ])('the tokens of an account that was %s are refused', async (_what, change) => {
    const { tokens, userId } = await house.signIn(seconds(0))
    await change(userId)
    expect(await use(house, 1, tokens.refreshToken, seconds(60))).toBe('invalid_grant')
    await house.database.db.delete(users).where(eq(users.id, userId))
    const { users: queries, passwords } = at(house, 0)
    await register({ queries, passwords, now: seconds(0), origin }, { username: 'ada', password })
  })

  test('no interleaving leaves two live successors, revives what ended, or ends an honest session', async () => {
    const step = record({
      deed: constantFrom('refresh' as const, 'refresh' as const, 'repeat' as const, 'steal' as const, 'logout' as const),
      instance: nat(2),
      crowd: integer({ min: 1, max: 4 }),
      wait: constantFrom(0, 1, 29, 31, 3600),
    })
    await assert(
      asyncProperty(array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const opened = await house.signIn(seconds(0))
        const history = [opened.tokens.refreshToken] // the newest last
        let now = 0
        let rotatedAt = -Infinity
        let over = false
        for (const { deed, instance, crowd, wait } of steps) {
          now += wait
          if (deed === 'logout') {
            await at(house, instance).sessions.end(
              opened.sessionId,
              { event: 'session_ended', now: seconds(0), origin },
              opened.userId,
            )
            over = true
            continue
          }
          const back = deed === 'refresh' ? 1 : deed === 'repeat' ? 2 : 3
          const token = history.at(-back)
          if (token === undefined) continue
          const outcomes = await Promise.all(
            Array.from({ length: crowd }, (_, i) => use(house, instance + i, token, seconds(now))),
          )
          const repeated = deed === 'repeat' && now - rotatedAt <= 30
          if (over || (deed !== 'refresh' && !repeated)) {
            expect(new Set(outcomes)).toEqual(new Set(['invalid_grant']))
            over = true
            continue
          }
          const given = new Set(outcomes.map(successor))
          expect(given.size).toBe(1)
          const [next = ''] = given
          if (deed === 'repeat') expect(next).toBe(history.at(-1))
          else {
            expect(history).not.toContain(next)
            history.push(next)
            rotatedAt = now
          }
        }
        expect(await at(house, 0).sessions.exists(opened.sessionId)).toBe(!over)
      }),
      { numRuns: 60 },
    )
  })
})
