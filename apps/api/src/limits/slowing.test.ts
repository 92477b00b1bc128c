import { eq } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { openTestEmbedded, openTestPostgres } from '../../runtime-tests/in-process.ts'
import {
  type LimitedApp,
  counted,
  createLimitedApp,
  enrol,
  fill,
  forget,
  freshAddress,
  wrong,
} from '../../runtime-tests/limited.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import { type Answer, freshName, goodPassword } from '../../runtime-tests/suite/target.ts'
import type { OpenDatabase } from '../db/open.ts'
import { knownNetworks, users } from '../db/schema.ts'

beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'], now: new Date('2027-03-01T09:00:00Z') }))
afterAll(() => void vi.useRealTimers())

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000)
const day = 86_400

/** What a client sees of an attempt, as far as it may differ. */
const seen = ({ status, body, headers }: Answer) => [
  status,
  body['code'],
  ...['Retry-After', 'RateLimit', 'RateLimit-Policy', 'WWW-Authenticate'].map((name) => headers.get(name)),
]

describe.each([
  ['PGlite', openTestEmbedded],
  ['PostgreSQL', async () => openTestPostgres(await createDatabase(inject('clusterUrl')))],
])('failures on one account, on %s', (_name, open) => {
  let database: OpenDatabase
  let app: LimitedApp
  let username: string
  beforeAll(async () => {
    database = await open()
    app = await createLimitedApp(database)
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    username = await enrol(app)
    await forget(database)
  })

  const slowed = async (points: number) => {
    await wrong(app.from(), username)
    await fill(database, 'account', points)
  }

  test('are answered as ever ten times; then each waits twice as long as the one before, up to a quarter of an hour', async () => {
    for (let i = 0; i < 10; i += 1) expect((await wrong(app.from(), username)).status).toBe(401)
    const delays = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    for (const delay of delays) {
      const hashes = app.hashes.count
      pass(delay - 1)
      const early = await wrong(app.from(), username)
      expect(seen(early)).toEqual([429, 'too_many_requests', '1', '"account";r=0;t=1', '"account";q=10;w=3600', null])
      expect(app.hashes.count).toBe(hashes)
      pass(1)
      expect((await wrong(app.from(), username)).status).toBe(401)
    }
    const answer = await wrong(app.from(), username)
    expect(answer.headers.get('Retry-After')).toBe('900')
    pass(3599)
    expect(Object.values(await counted(database))).toContain(23)
    pass(1)
    for (let i = 0; i < 10; i += 1) expect((await wrong(app.from(), username)).status).toBe(401)
    expect((await wrong(app.from(), username)).status).toBe(429)
  })

  test('count up to the limit when they come all at once', async () => {
    const hashes = app.hashes.count
    const answers = await Promise.all(Array.from({ length: 40 }, () => wrong(app.from(), username)))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30)
    expect(app.hashes.count - hashes).toBe(10)
  })

  test('slow the right password, too: else the delay would tell', async () => {
    await slowed(12)
    const hashes = app.hashes.count
    expect((await app.from().login(username)).status).toBe(429)
    expect(app.hashes.count).toBe(hashes)
    pass(4)
    expect((await app.from().login(username)).status).toBe(200)
  })

  test('count the right password of a disabled account, which is refused as a wrong one is', async () => {
    await database.db.update(users).set({ disabledAt: new Date() }).where(eq(users.username, username))
    for (let i = 0; i < 10; i += 1) expect((await app.from().login(username)).status).toBe(401)
    expect((await app.from().login(username)).status).toBe(429)
  })

  test('are not waited for anew because of a success between them', async () => {
    await slowed(20)
    pass(1000)
    expect((await app.from().login(username)).status).toBe(200)
    expect((await app.from().login(username)).status).toBe(200)
    expect((await wrong(app.from(), username)).status).toBe(401)
    expect((await app.from().login(username)).status).toBe(429)
  })

  test('look the same where there is no such account', async () => {
    const series = async (name: string) => {
      await forget(database)
      const answers: unknown[][] = []
      for (const wait of [...Array.from({ length: 12 }, () => 0), 1, 0, 2, 3, 900, 0]) {
        pass(wait)
        answers.push(seen(await wrong(app.from(), name)))
      }
      return answers
    }
    const known = await series(username)
    expect(known.map(([status]) => status)).toContain(429)
    expect(await series(freshName())).toEqual(known)
  })

  describe('elsewhere, slowed to the longest delay, leave the owner alone', () => {
    const attack = async () => {
      await wrong(app.from(), username)
      await fill(database, 'account', 40)
      expect((await app.from().login(username)).headers.get('Retry-After')).toBe('900')
    }
    const home = '203.0.113.20'
    const page = { 'Sec-Fetch-Site': 'same-origin' }
    const byCookie = (headers = {}, name = username, address: string | undefined = freshAddress()) =>
      app
        .from({ address, headers: { ...page, ...headers } })
        .form('POST', '/login?mode=cookie', { username: name, password: goodPassword })
    const deviceOf = (answer: Answer) => {
      const cookie = answer.headers.getSetCookie().find((line) => line.startsWith('__Host-gatehouse-device='))
      if (cookie === undefined) throw new Error('it sets a device cookie')
      return cookie.split(';')[0] ?? ''
    }

    test('in a network that was signed in from', async () => {
      await app.from({ address: home }).login(username)
      await attack()
      for (const address of [home, '203.0.113.99', '::ffff:203.0.113.1']) {
        expect((await app.from({ address }).login(username)).status).toBe(200)
      }
      expect((await app.from({ address: '203.0.114.20' }).login(username)).status).toBe(429)
    })

    test('in a network that was signed in from within 90 days, and in no other', async () => {
      await app.from({ address: home }).login(username)
      pass(80 * day)
      await app.from({ address: home }).login(username)
      pass(89 * day)
      await attack()
      expect((await app.from({ address: home }).login(username)).status).toBe(200)
      pass(91 * day)
      await attack()
      expect((await app.from({ address: home }).login(username)).status).toBe(429)
    })

    test('but not one of another account in that network', async () => {
      await app.from({ address: home }).login(await enrol(app))
      await attack()
      expect((await app.from({ address: home }).login(username)).status).toBe(429)
    })

    test('on a device that was signed in with, at whatever address', async () => {
      const device = deviceOf(await byCookie())
      await attack()
      expect((await byCookie()).status).toBe(429)
      expect((await byCookie({ Cookie: device })).status).toBe(200)
      expect((await byCookie({ Cookie: device }, username, undefined)).status).toBe(200)
      expect((await app.from({ headers: { Cookie: device } }).login(username)).status).toBe(200)
    })

    test('on such a device, when those at its address have used up theirs', async () => {
      const address = freshAddress()
      const device = deviceOf(await byCookie())
      await wrong(app.from({ address }), username)
      await fill(database, 'sign-in', 20)
      await fill(database, 'sign-in-by-address', 100)
      expect((await byCookie({}, username, address)).status).toBe(429)
      expect((await byCookie({ Cookie: device }, username, address)).status).toBe(200)
    })

    test('but not a device of another account, an altered one, an old one, or none', async () => {
      const stranger = deviceOf(await byCookie({}, await enrol(app)))
      const own = deviceOf(await byCookie())
      const [id = '', code = ''] = own.slice(own.indexOf('=') + 1).split('.')
      await attack()
      const cookie = (value: string) => `__Host-gatehouse-device=${value}`
      for (const bad of [
        stranger,
        cookie(`${id}.${'A'.repeat(43)}`),
        cookie(`${crypto.randomUUID()}.${code}`),
        cookie(`${id.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))}.${code}`),
        cookie(id),
        cookie(''),
        cookie('.'),
        `__Host-gatehouse-refresh=${id}.${code}`,
      ])
        expect((await byCookie({ Cookie: bad })).status).toBe(429)
      pass(365 * day - 1)
      await attack()
      expect((await byCookie({ Cookie: own })).status).toBe(200)
      pass(2)
      expect((await byCookie({ Cookie: own })).status).toBe(429)
    })

    test('who is slowed by failures of their own, by the same rule, in each such place', async () => {
      const device = deviceOf(await byCookie())
      await app.from({ address: home }).login(username)
      const places = [{ headers: { Cookie: device } }, { address: home }]
      for (const place of places) {
        for (let i = 0; i < 10; i += 1) expect((await wrong(app.from(place), username)).status).toBe(401)
        expect((await wrong(app.from(place), username)).status).toBe(429)
      }
      expect((await app.from().login(username)).status).toBe(200)
    })
  })

  test('note no network; a success does', async () => {
    await wrong(app.from({ address: '198.51.100.77' }), username)
    await app.from({ address: '192.0.2.77' }).login(username)
    await app.from({ address: undefined }).login(username)
    const [account] = await database.db.select().from(users).where(eq(users.username, username))
    const networks = await database.db
      .select()
      .from(knownNetworks)
      .where(eq(knownNetworks.userId, account?.id ?? ''))
    expect(networks.map(({ addressPrefix }) => addressPrefix)).toEqual(['192.0.2.0/24'])
  })
})

describe('headers that a client invents', () => {
  let database: OpenDatabase
  beforeAll(async () => {
    database = await openTestEmbedded()
  })
  afterAll(() => database.close())
  beforeEach(() => forget(database))

  test.each<[name: string, settings: object, peer: string, headers: (i: number) => Record<string, string>]>([
    [
      'without trusted proxies',
      {},
      '198.51.100.1',
      (i) => ({ 'X-Forwarded-For': `192.0.2.${i}`, Forwarded: `for=192.0.2.${i}` }),
    ],
    [
      'on the left of what a proxy adds',
      { trustedProxies: { hops: 1 } },
      '10.0.0.1',
      (i) => ({ 'X-Forwarded-For': `192.0.2.${i}, 198.51.100.1` }),
    ],
    [
      'as the header that the proxy does not write',
      { trustedProxies: { hops: 1 } },
      '10.0.0.1',
      (i) => ({ 'X-Forwarded-For': '198.51.100.1', Forwarded: `for=192.0.2.${i}` }),
    ],
    [
      'as a quotation that is never closed',
      { trustedProxies: { hops: 1 } },
      '10.0.0.1',
      (i) => ({ Forwarded: `for=192.0.2.${i};x=", for=198.51.100.1` }),
    ],
  ])('%s don’t evade the limits of an address', async (_name, settings, peer, headers) => {
    const app = await createLimitedApp(database, settings)
    const attempt = (i: number) => wrong(app.from({ address: peer, headers: headers(i) }), freshName())
    for (let i = 1; i <= 5; i += 1) expect((await attempt(i)).status).toBe(401)
    await fill(database, 'sign-in-by-address', 100)
    expect((await attempt(6)).status).toBe(429)
    const addresses = Object.keys(await counted(database)).filter((key) => key.startsWith('sign-in-by-address:'))
    expect(addresses).toHaveLength(1)
  })

  test('who can’t be known is counted by account alone', async () => {
    const app = await createLimitedApp(database, { trustedProxies: { hops: 1 } })
    const username = await enrol(app)
    await forget(database)
    const hidden = { address: '10.0.0.1', headers: { 'X-Forwarded-For': 'unknown' } }
    for (let i = 0; i < 10; i += 1) expect((await wrong(app.from(hidden), username)).status).toBe(401)
    expect((await wrong(app.from(hidden), username)).status).toBe(429)
    expect((await wrong(app.from(hidden), freshName())).status).toBe(401)
    expect(Object.keys(await counted(database)).every((key) => key.startsWith('account:'))).toBe(true)
  })
})
