import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type From,
  type LimitedApp,
  counted,
  createLimitedApp,
  enrol,
  fill,
  forget,
  freshAddress,
  wrong,
} from '../../runtime-tests/limited.ts'
import { openTestEmbedded } from '../../runtime-tests/in-process.ts'
import { type Answer, freshName, goodPassword } from '../../runtime-tests/suite/target.ts'
import type { OpenDatabase } from '../db/open.ts'
import { type Policy, policies } from './policies.ts'
import { createLimitQueries } from './queries.ts'

const start = new Date('2027-03-01T09:00:00Z')

let database: OpenDatabase
let app: LimitedApp
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: start })
  database = await openTestEmbedded()
  app = await createLimitedApp(database)
})
afterAll(async () => {
  vi.useRealTimers()
  await database.close()
})
beforeEach(() => forget(database))

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000)

function expectTooMany(answer: Answer, { name, quota, window }: { name: string; quota: number; window: number }, wait: number) {
  expect(answer).toMatchObject({ status: 429, body: { code: 'too_many_requests', title: 'Too Many Requests', status: 429 } })
  expect(answer.headers.get('Content-Type')).toBe('application/problem+json')
  expect(Number(answer.headers.get('Retry-After'))).toBe(wait)
  expect(answer.headers.get('RateLimit-Policy')).toBe(`"${name}";q=${quota};w=${window}`)
  expect(answer.headers.get('RateLimit')).toBe(`"${name}";r=0;t=${wait}`)
}

/** Makes attempts that have one thing in common, which is what is counted. Each answers 200, 400, 401 or 403 while it may. */
type Series = () => Promise<() => Promise<Answer>>

/** Each of `things` in turn. */
function alternately<T>(...things: T[]): () => T {
  let turn = 0
  return () => {
    turn += 1
    const [thing = expect.fail()] = things.slice((turn - 1) % things.length)
    return thing
  }
}

const signedIn = async (origin: From = {}) => {
  const username = await enrol(app)
  const { body } = await app.from(origin).login(username)
  return { username, access: String(body['access_token']), refresh: String(body['refresh_token']) }
}
const refresh = (token: string, origin: From = {}) =>
  app.from(origin).form('POST', '/token', { grant_type: 'refresh_token', refresh_token: token })
const password = 'another quiet harbour'

const series: [name: string, policy: keyof typeof policies, Series][] = [
  [
    'registrations from one address',
    'registrationsFromAddress',
    async () => {
      const api = app.from()
      return () => api.register(freshName())
    },
  ],
  [
    'registrations of one name, in any spelling',
    'registrationsOfName',
    async () => {
      const name = freshName()
      const spellings = alternately(name, name.toUpperCase())
      return () => app.from().register(spellings())
    },
  ],
  [
    'wrong passwords from one address, for any account, at any door',
    'failuresFromAddress',
    async () => {
      const [api, { username, access }] = [app.from(), await signedIn()]
      const doors = alternately(
        () => wrong(api, freshName()),
        () => wrong(api, freshName(), 'token'),
        () => api.json('PATCH', '/user/', { username, password, current_password: 'not the password' }, access),
      )
      return () => doors()()
    },
  ],
  [
    'wrong passwords from one IPv6 network',
    'failuresFromAddress',
    async () => {
      let host = 0
      return () => wrong(app.from({ address: `2001:db8:1:2:${(host += 1)}::1` }), freshName())
    },
  ],
  [
    'wrong passwords for one account from one address',
    'failuresOnAccountFromAddress',
    async () => {
      const [api, username] = [app.from(), await enrol(app)]
      return () => wrong(api, username)
    },
  ],
  [
    'wrong passwords of one who has signed in, to change or to delete',
    'failuresOfCaller',
    async () => {
      const { username, access } = await signedIn()
      const wrongly = { username, current_password: 'not the password' }
      const doors = alternately(
        () => app.from().form('DELETE', '/user/', wrongly, access),
        () => app.from().json('PATCH', '/user/', { ...wrongly, password }, access),
      )
      return () => doors()()
    },
  ],
  [
    'refreshes of one session',
    'refreshesOfSession',
    async () => {
      let { refresh: token } = await signedIn()
      return async () => {
        const answer = await refresh(token)
        if (answer.status === 200) token = String(answer.body['refresh_token'])
        return answer
      }
    },
  ],
  [
    'refreshes from one address',
    'refreshesFromAddress',
    async () => {
      const address = freshAddress()
      return async () => refresh((await signedIn()).refresh, { address })
    },
  ],
]

test.each(series)('%s: one past the quota is refused without a hash, until the window is over', async (name, key, begin) => {
  const policy: Policy = policies[key]
  const { batch = 1 } = policy
  const attempt = await begin()
  await forget(database)
  for (let i = 0; i < batch; i += 1) expect((await attempt()).status).toBeLessThan(429)
  await fill(database, policy.name, policy.quota - batch)
  pass(10)
  for (let i = 0; i < batch; i += 1) expect((await attempt()).status).toBeLessThan(429)
  const hashes = app.hashes.count
  const refused = await attempt()
  expectTooMany(refused, policy, policy.window - 10)
  if (!name.startsWith('refresh')) expect(app.hashes.count).toBe(hashes)
  pass(policy.window - 11)
  expectTooMany(await attempt(), policy, 1)
  pass(1)
  expect((await attempt()).status).toBeLessThan(429)
})

test('what else may be limited by address: resets', async () => {
  const { limits } = app.resources
  const address = freshAddress()
  for (let i = 0; i < policies.resetsFromAddress.quota; i += 1) await limits.passwordReset(address)
  await expect(limits.passwordReset(address)).rejects.toMatchObject({ name: 'TooManyRequests', wait: 900 })
  await limits.passwordReset(freshAddress())
})

describe('a refused refresh', () => {
  test('ends no session: the same token is good when the window is over', async () => {
    const { refresh: first, access } = await signedIn()
    let token = first
    for (let i = 0; i < 6; i += 1) token = String((await refresh(token)).body['refresh_token'])
    await fill(database, 'refresh', 60)
    const other = await createLimitedApp(database)
    const use = () => other.from().form('POST', '/token', { grant_type: 'refresh_token', refresh_token: token })
    for (let i = 0; i < 5; i += 1) expect((await use()).status).toBe(200) // of which it would tell with the next one
    expect((await use()).status).toBe(429)
    expect((await app.from().get('/users/me', access)).status).toBe(200)
    pass(2)
    expect((await use()).status).toBe(429)
    await forget(database)
    pass(2)
    expect((await use()).status).toBe(200)
  })

  test('keeps the cookies', async () => {
    const username = await enrol(app)
    const headers = { 'Sec-Fetch-Site': 'same-origin' }
    const login = await app.from({ headers }).form('POST', '/login?mode=cookie', { username, password: goodPassword })
    const cookie = login.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ')
    const renew = () =>
      app.from({ headers: { ...headers, Cookie: cookie } }).form('POST', '/token', { grant_type: 'refresh_token' })
    for (let i = 0; i < 6; i += 1) expect((await renew()).status).toBe(200)
    await fill(database, 'refresh', 60)
    for (let i = 0; i < 5; i += 1) expect((await renew()).status).toBe(200) // it has not heard that there is nothing left
    const refused = await renew()
    expect(refused.status).toBe(429)
    expect(refused.headers.getSetCookie()).toEqual([])
    await forget(database)
    pass(2)
    expect((await renew()).status).toBe(200)
  })

  test('costs nothing before the token is proven to be ours', async () => {
    for (let i = 0; i < 3; i += 1) expect((await refresh(`${'A'.repeat(22)}.0.${'A'.repeat(43)}`)).status).toBe(400)
    expect(await counted(database)).toEqual({})
  })
})

describe('what is no failure is not counted:', () => {
  test('right passwords', async () => {
    const [username, address] = [await enrol(app), freshAddress()]
    await forget(database)
    const api = app.from({ address })
    for (let i = 0; i < 30; i += 1) expect((await api.login(username)).status).toBe(200)
    expect(new Set(Object.values(await counted(database)))).toEqual(new Set([0]))
  })

  test('right current passwords', async () => {
    const { username, access } = await signedIn()
    await forget(database)
    const change = { username, birthday: '1990-05-17', password, current_password: goodPassword }
    expect((await app.from().json('PATCH', '/user/', change, access)).status).toBe(200)
    expect(new Set(Object.values(await counted(database)))).toEqual(new Set([0]))
  })

  test('attempts that are refused by another limit', async () => {
    const [username, address] = [await enrol(app), freshAddress()]
    await forget(database)
    await wrong(app.from({ address }), username)
    await fill(database, 'account', 10)
    for (let i = 0; i < 3; i += 1) {
      const instance = await createLimitedApp(database) // which has not yet heard of a refusal
      expect((await wrong(instance.from({ address }), username)).status).toBe(429)
    }
    expect(Object.values(await counted(database)).toSorted((a, b) => a - b)).toEqual([1, 1, 10])
  })

  test('attempts that a full window refuses', async () => {
    const [username, address] = [await enrol(app), freshAddress()]
    await forget(database)
    await wrong(app.from({ address }), username)
    await fill(database, 'sign-in', 20)
    for (let i = 0; i < 3; i += 1) {
      const instance = await createLimitedApp(database)
      expect((await wrong(instance.from({ address }), username)).status).toBe(429)
    }
    expect(Object.values(await counted(database)).toSorted((a, b) => a - b)).toEqual([1, 1, 20])
  })

  test('hashes that were never made', async () => {
    const username = await enrol(app)
    await forget(database)
    app.hashes.before = () => Promise.reject(new Error('no memory'))
    expect((await wrong(app.from(), username)).status).toBe(500)
    expect((await app.from().register(freshName())).status).toBe(500)
    app.hashes.before = async () => {}
    expect(new Set(Object.values(await counted(database)))).toEqual(new Set([0]))
  })
})

test('a success takes back what it took, and no other’s failures', async () => {
  const [username, here, there] = [await enrol(app), app.from(), app.from()]
  await forget(database)
  for (let i = 0; i < 3; i += 1) await wrong(there, username)
  for (let i = 0; i < 2; i += 1) await wrong(here, username)
  const before = await counted(database)
  expect(Object.values(before).toSorted((a, b) => a - b)).toEqual([2, 2, 3, 3, 5])
  expect((await here.login(username)).status).toBe(200)
  expect(await counted(database)).toEqual(before)
})

test('a flood past a limit asks nobody for a second', async () => {
  const [username, api] = [await enrol(app), app.from()]
  await wrong(api, username)
  await fill(database, 'sign-in', 20)
  expect((await wrong(api, username)).status).toBe(429)
  await forget(database)
  pass(0.9)
  const refused = await wrong(api, username)
  expect([refused.status, refused.headers.get('Retry-After')]).toEqual([429, '900'])
  pass(0.2)
  expect((await wrong(api, username)).status).toBe(401)
})

describe('keys', () => {
  test('hold no name: it may be a password in the wrong field', async () => {
    const typed = freshName('hunter2')
    await wrong(app.from(), typed)
    await app.from().register(typed)
    expect(JSON.stringify(await counted(database))).not.toContain('hunter2')
    expect(Object.keys(await counted(database))).toHaveLength(5)
  })

  test('of an unknown address are none: unknown clients share nothing', async () => {
    const nowhere = app.from({ address: undefined })
    await wrong(nowhere, freshName())
    await nowhere.register(freshName())
    expect(
      Object.keys(await counted(database))
        .map((key) => key.split(':')[0] ?? '')
        .toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(['account', 'registration'])
  })
})

test('what is over is removed, and what is not stays', async () => {
  const { from } = app
  await wrong(from({ address: undefined }), freshName())
  pass(1800)
  await wrong(from(), freshName())
  const queries = createLimitQueries(database.db)
  pass(1801)
  expect(await queries.deleteOver(new Date(), 500)).toBeGreaterThanOrEqual(3)
  expect(Object.keys(await counted(database)).map((key) => key.split(':')[0])).toEqual(['account'])
  expect(await queries.deleteOver(new Date(), 500)).toBe(0)
})
