import { runInNewContext } from 'node:vm'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { freshName, goodPassword } from '../../../apps/api/runtime-tests/suite/target.ts'
import { GatehouseError, type Session, unwrap } from './index.ts'
import {
  type Fault,
  type TestApp,
  createSlowStorage,
  createStorage,
  problemResponse,
  signUpAndIn,
  startTestApp,
  unreachable,
} from './test-app.ts'

let app: TestApp
beforeAll(async () => {
  app = await startTestApp()
})
afterAll(() => app.stop())
beforeEach(() => {
  app.network.fault = () => undefined
  app.traffic()
})
afterEach(() => {
  vi.restoreAllMocks()
})

/** A fault of one path alone. */
const at =
  (path: string, fault: Fault): Fault =>
  (request, send) =>
    request.path === path ? fault(request, send) : undefined

describe('a session', () => {
  test('is opened by signing in, and ended everywhere by signing out', async () => {
    const client = app.client()
    const states: Session['status'][] = []
    const stop = client.onChange(({ status }) => states.push(status))
    expect(client.session).toEqual({ status: 'signedOut' })
    const { username } = await signUpAndIn(client)
    expect(client.session).toMatchObject({ status: 'signedIn' })
    expect(await client.me()).toMatchObject({ username, role: 'user' })
    const token = await client.accessToken()
    expect(await client.signOut()).toEqual({ status: 'signedOut' })
    expect(states).toEqual(['signedIn', 'signedOut'])
    const again = await app.fetch('http://gatehouse.test/users/me', { headers: { Authorization: `Bearer ${token}` } })
    expect(again.status).toBe(401)
    stop()
    await signUpAndIn(client)
    expect(states).toHaveLength(2)
  })

  test('is renewed ahead of its end, by one request however many wait for it', async () => {
    const client = app.client()
    await signUpAndIn(client)
    app.traffic()
    app.pass(1800 - 61)
    await client.me()
    expect(app.traffic()).toEqual(['GET /users/me 200'])
    app.pass(2)
    await Promise.all(Array.from({ length: 20 }, () => client.me()))
    const traffic = app.traffic()
    expect(traffic[0]).toBe('POST /token 200')
    expect(traffic.slice(1)).toEqual(Array.from({ length: 20 }, () => 'GET /users/me 200'))
  })

  test('is renewed once after a 401, and the request sent again', async () => {
    const client = app.client()
    await signUpAndIn(client)
    app.traffic()
    app.time.server += 1801_000
    await client.updateUser({ birthday: '1815-12-10', username: (await client.me()).username })
    expect(app.traffic()).toEqual(['GET /users/me 401', 'POST /token 200', 'GET /users/me 200', 'PATCH /user 200'])
    app.network.fault = at('/users/me', () => problemResponse(401, 'invalid_token'))
    await expect(client.me()).rejects.toMatchObject({ code: 'invalid_token', status: 401 })
    expect(app.traffic()).toEqual(['GET /users/me 401', 'POST /token 200', 'GET /users/me 401'])
    expect(client.session.status).toBe('signedIn')
  })

  test('is over with invalid_grant', async () => {
    const client = app.client({ storage: createStorage() })
    await signUpAndIn(client)
    const elsewhere = app.client()
    await elsewhere.signIn({ username: (await client.me()).username, password: goodPassword })
    await elsewhere.endOtherSessions()
    app.traffic()
    await expect(client.me()).rejects.toMatchObject({ code: 'not_authenticated', status: 401 })
    expect(app.traffic()).toEqual(['GET /users/me 401', 'POST /token 400'])
    expect(client.session).toEqual({ status: 'signedOut' })
    await expect(client.me()).rejects.toMatchObject({ code: 'not_authenticated' })
    expect(app.traffic()).toEqual([])
  })

  const html = (status: number) => () => new Response('<!doctype html><title>Oops</title>', { status })
  test.each<[string, Fault, string]>([
    ['no network', unreachable, 'network_error'],
    ['429', () => problemResponse(429, 'too_many_requests', { 'Retry-After': '60' }), 'too_many_requests'],
    ['500', () => problemResponse(500, 'internal_error'), 'internal_error'],
    ['503', () => problemResponse(503, 'unavailable', { 'Retry-After': '60' }), 'unavailable'],
    ['a proxy’s 502', html(502), 'unexpected_response'],
    ['another server’s 404', html(404), 'unexpected_response'],
    ['a page with 200', html(200), 'unexpected_response'],
    ['an empty 200', () => new Response(null, { status: 200 }), 'unexpected_response'],
    ['JSON of another shape', () => Response.json({ ok: true }), 'unexpected_response'],
    ['a grant without tokens', () => Response.json({ token_type: 'bearer', expires_in: 1800 }), 'unexpected_response'],
    ['401 without a reason', () => new Response(null, { status: 401 }), 'unexpected_response'],
    ['a redirect', () => new Response(null, { status: 302, headers: { Location: '/elsewhere' } }), 'unexpected_response'],
  ])('outlives %s at /token: it is stale, and nothing goes out without a token', async (_, fault, code) => {
    const storage = createStorage()
    const client = app.client({ storage, retries: 0 })
    await signUpAndIn(client)
    app.pass(1801)
    app.seen.length = 0
    app.network.fault = at('/token', fault)
    await expect(client.me()).rejects.toMatchObject({ code })
    await expect(client.api.users.me.$get()).rejects.toMatchObject({ code })
    expect(client.session).toMatchObject({ status: 'stale', error: expect.any(GatehouseError) })
    expect(app.seen.filter(({ path }) => path !== '/token')).toEqual([])
    expect(storage.items.size).toBe(1)
    app.network.fault = () => undefined
    app.pass(61)
    expect(await client.me()).toMatchObject({ role: 'user' })
    expect(client.session).toMatchObject({ status: 'signedIn' })
  })

  test('stays signed in while its token lives, though it can’t be renewed', async () => {
    const client = app.client()
    await signUpAndIn(client)
    app.pass(1770)
    app.traffic()
    app.network.fault = at('/token', unreachable)
    expect(await client.me()).toMatchObject({ role: 'user' })
    expect(app.traffic()).toEqual(['POST /token 0', 'POST /token 0', 'POST /token 0', 'GET /users/me 200'])
    expect(client.session).toMatchObject({ status: 'signedIn' })
  })

  test('asks nobody before Retry-After is over', async () => {
    const client = app.client()
    await signUpAndIn(client)
    app.pass(1801)
    app.traffic()
    app.network.fault = at('/token', () => problemResponse(429, 'too_many_requests', { 'Retry-After': '30' }))
    await expect(client.me()).rejects.toMatchObject({ code: 'too_many_requests', retryAfter: 30 })
    for (let i = 0; i < 5; i++) await expect(client.me()).rejects.toMatchObject({ code: 'too_many_requests' })
    expect(app.traffic()).toEqual(['POST /token 429'])
    app.network.fault = () => undefined
    app.pass(30)
    await client.me()
    expect(app.traffic()).toEqual(['POST /token 200', 'GET /users/me 200'])
  })

  test('that is new waits for no Retry-After of the one before', async () => {
    const client = app.client()
    const credentials = await signUpAndIn(client)
    app.pass(1801)
    app.network.fault = at('/token', () => problemResponse(429, 'too_many_requests', { 'Retry-After': '600' }))
    await expect(client.me()).rejects.toMatchObject({ code: 'too_many_requests' })
    app.network.fault = () => undefined
    await client.signIn(credentials)
    app.time.server += 1801_000
    expect(await client.me()).toMatchObject({ role: 'user' })
  })

  test('is a new object after each change, and only then', async () => {
    const client = app.client()
    const changes: Session[] = []
    client.onChange((session) => changes.push(session))
    await signUpAndIn(client)
    const first = client.session
    app.pass(1801)
    await client.me()
    expect(client.session).toBe(first)
    await signUpAndIn(client)
    expect(client.session).not.toBe(first)
    expect(changes).toMatchObject([{ status: 'signedIn' }, { status: 'signedIn' }])
  })

  const breakOff = () => {
    throw new TypeError('terminated')
  }
  const halfABody = () =>
    new Response(new ReadableStream({ pull: (controller) => controller.error(new TypeError('terminated')) }))
  test.each([
    ['was lost', 1801, breakOff],
    ['was lost, ahead of the end', 1745, breakOff],
    ['broke off in the middle', 1801, halfABody],
    ['broke off in the middle, ahead of the end', 1745, halfABody],
  ])('survives an answer of /token that %s', async (_, passed, lose) => {
    const client = app.client()
    await signUpAndIn(client)
    app.pass(passed)
    let lost = 0
    app.network.fault = at('/token', async (_request, send) => {
      const response = await send()
      return lost++ > 0 ? response : lose()
    })
    expect(await client.me()).toMatchObject({ role: 'user' })
    app.pass(120)
    expect(await client.me()).toMatchObject({ role: 'user' })
    app.pass(1801)
    expect(await client.me()).toMatchObject({ role: 'user' })
    expect(lost).toBe(3)
  })
})

describe('tabs', () => {
  test('two that renew at the same moment both go on', async () => {
    const storage = createStorage()
    const first = app.client({ storage })
    await signUpAndIn(first)
    const second = app.client({ storage })
    expect(second.session).toMatchObject({ status: 'signedIn' })
    for (let round = 0; round < 3; round++) {
      app.pass(1801)
      const users = await Promise.all([first.me(), second.me(), first.me(), second.me()])
      expect(users).toHaveLength(4)
    }
    expect(await first.accessToken()).toBe(await second.accessToken())
  })

  test('one that slept takes what the other renewed, long after', async () => {
    const storage = createStorage()
    const first = app.client({ storage })
    await signUpAndIn(first)
    const second = app.client({ storage })
    app.pass(1801)
    await first.me()
    app.pass(600)
    app.traffic()
    await second.me()
    expect(app.traffic()).toEqual(['GET /users/me 200'])
  })

  test('one that is refused goes on with what the other renewed meanwhile', async () => {
    const storage = createStorage()
    const first = app.client({ storage })
    await signUpAndIn(first)
    const second = app.client({ storage })
    app.pass(1801)
    let asked = 0
    app.network.fault = at('/token', async (_, send) => {
      if (asked++ > 0) return send()
      await second.me()
      return problemResponse(400, 'invalid_grant')
    })
    expect(await first.me()).toMatchObject({ role: 'user' })
    expect([first.session.status, second.session.status, asked]).toEqual(['signedIn', 'signedIn', 2])
  })

  test('one in which somebody else signed in does nothing for him that was meant for the one before', async () => {
    const storage = createStorage()
    const first = app.client({ storage })
    await signUpAndIn(first)
    const second = app.client({ storage })
    const other = await signUpAndIn(second)
    app.pass(1801)
    await expect(first.deleteUser()).rejects.toMatchObject({ code: 'not_authenticated' })
    expect(await second.me()).toMatchObject({ username: other.username })
    expect(await first.me()).toMatchObject({ username: other.username })
  })

  test('one that is signed out finds out that the other signed in, before anything goes out anonymous', async () => {
    const storage = createStorage()
    const first = app.client({ storage })
    await signUpAndIn(app.client({ storage }))
    expect((await first.api.users.me.$get()).status).toBe(200)
    expect(first.session).toMatchObject({ status: 'signedIn' })
  })

  test('one that is closed goes on by itself', async () => {
    const client = app.client({ storage: createStorage(), key: freshName(), tabs: true })
    client.close()
    await signUpAndIn(client)
    app.pass(1801)
    await client.me()
    app.traffic()
    expect(await client.signOut()).toEqual({ status: 'signedOut' })
    expect(app.traffic()).toEqual(['POST /revoke 200'])
  })

  test('one takes no message that isn’t theirs', async () => {
    const key = freshName()
    const client = app.client({ storage: createStorage(), key, tabs: true })
    await signUpAndIn(client)
    const channel = new BroadcastChannel(key)
    for (const message of [undefined, null, 'x', { v: 2 }, [], [1], [null, 'x']]) channel.postMessage(message)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await client.me()).toMatchObject({ role: 'user' })
    channel.close()
    client.close()
  })

  test('one finds out that the other signed out, without being told', async () => {
    const storage = createStorage()
    const first = app.client({ storage })
    await signUpAndIn(first)
    const second = app.client({ storage })
    await first.signOut()
    app.traffic()
    await expect(second.me()).rejects.toMatchObject({ code: 'not_authenticated' })
    expect(app.traffic()).toEqual(['GET /users/me 401'])
    expect(second.session).toEqual({ status: 'signedOut' })
  })

  const change = (client: { onChange: (listener: (session: Session) => void) => () => void }) =>
    new Promise<Session>((resolve) => {
      const stop = client.onChange((session) => {
        stop()
        resolve(session)
      })
    })

  test('are told of sign-in and sign-out', async () => {
    const storage = createStorage()
    const key = freshName()
    const tabs = [app.client({ storage, key, tabs: true }), app.client({ storage, key, tabs: true })] as const
    const [first, second] = tabs
    const told = change(second)
    await signUpAndIn(first)
    expect(await told).toMatchObject({ status: 'signedIn' })
    expect(await second.me()).toMatchObject({ role: 'user' })
    const toldAgain = change(first)
    await second.signOut()
    expect(await toldAgain).toEqual({ status: 'signedOut' })
    for (const tab of tabs) tab.close()
  })

  test('that were duplicated, each with a storage of its own, share each renewal', async () => {
    const key = freshName()
    const original = createStorage()
    const first = app.client({ storage: original, key, tabs: true })
    const stranger = app.client({ storage: createStorage(), key, tabs: true })
    await signUpAndIn(first)
    const copy = createStorage(new Map(original.items))
    const second = app.client({ storage: copy, key, tabs: true })
    app.pass(1801)
    const told = vi.spyOn(BroadcastChannel.prototype, 'postMessage')
    await first.me()
    await expect.poll(() => copy.items.get(key)).toBe(original.items.get(key))
    expect(told).toHaveBeenCalledTimes(1)
    app.pass(600)
    expect(await second.me()).toMatchObject({ role: 'user' })
    expect(stranger.session).toEqual({ status: 'signedOut' })
    await second.signOut()
    await expect.poll(() => first.session).toEqual({ status: 'signedOut' })
    for (const tab of [first, second, stranger]) tab.close()
  })
})

describe('storage', () => {
  test('none: clients share nothing', async () => {
    await signUpAndIn(app.client())
    expect(app.client().session).toEqual({ status: 'signedOut' })
  })

  test('that is slow: the session is stale until it is read, and requests wait', async () => {
    const storage = createSlowStorage()
    await signUpAndIn(app.client({ storage }))
    const client = app.client({ storage })
    expect(client.session).toEqual({ status: 'stale' })
    app.traffic()
    const [user, raw] = await Promise.all([client.me(), client.api.users.me.$get()])
    expect([user.role, raw.status]).toEqual(['user', 200])
    expect(app.traffic()).toEqual(['GET /users/me 200', 'GET /users/me 200'])
    await client.signOut()
    expect(storage.items.size).toBe(0)
    expect(await app.client({ storage }).restore()).toEqual({ status: 'signedOut' })
  })

  const fail = () => {
    throw new DOMException('full', 'QuotaExceededError')
  }
  test.each([
    ['can’t be written', { getItem: () => null, setItem: fail, removeItem: fail }],
    ['can’t be read', { getItem: fail, setItem: fail, removeItem: fail }],
    ['can’t be read later', { getItem: () => Promise.reject(new Error('no')), setItem: fail, removeItem: fail }],
  ])('that %s: the session lives in memory', async (_, storage) => {
    const client = app.client({ storage })
    await client.restore()
    expect(client.session).toEqual({ status: 'signedOut' })
    await signUpAndIn(client)
    app.pass(1801)
    expect(await client.me()).toMatchObject({ role: 'user' })
    await client.signOut()
    expect(client.session).toEqual({ status: 'signedOut' })
  })

  test('that is found by a function, which may fail: the session lives in memory', async () => {
    const storage = createStorage()
    await signUpAndIn(app.client({ storage: () => storage }))
    expect(storage.items.size).toBe(1)
    const client = app.client({
      storage: () => {
        throw new DOMException('blocked', 'SecurityError')
      },
    })
    await signUpAndIn(client)
    expect(await client.me()).toMatchObject({ role: 'user' })
  })

  test('that answers by the promise of another realm is waited for', async () => {
    const storage = createStorage()
    await signUpAndIn(app.client({ storage }))
    const { resolve } = runInNewContext('({ resolve: (value) => Promise.resolve(value) })') as PromiseConstructor
    const getItem = (key: string) => resolve(storage.getItem(key))
    const client = app.client({ storage: { ...storage, getItem } })
    expect(client.session).toEqual({ status: 'stale' })
    expect(await client.me()).toMatchObject({ role: 'user' })
  })

  test('that can’t be read for a while: nobody is signed out by that', async () => {
    const storage = createStorage()
    let broken = false
    const getItem = (key: string) => (broken ? fail() : storage.getItem(key))
    const client = app.client({ storage: { ...storage, getItem } })
    await signUpAndIn(client)
    broken = true
    app.pass(1801)
    expect(await client.me()).toMatchObject({ role: 'user' })
    expect(client.session).toMatchObject({ status: 'signedIn' })
  })

  test('whose answer is older than what happened since is not believed', async () => {
    const storage = createStorage()
    let delayed: { answer: () => void } | undefined
    let slow = false
    const getItem = (key: string) => {
      const found = storage.getItem(key) as string | null
      return slow ? new Promise<string | null>((resolve) => (delayed = { answer: () => resolve(found) })) : found
    }
    const client = app.client({ storage: { ...storage, getItem } })
    await signUpAndIn(client)
    const other = { username: freshName(), password: goodPassword }
    await client.signUp(other)
    app.pass(1801)
    slow = true
    const call = client.me()
    await expect.poll(() => delayed).toBeDefined()
    app.traffic()
    slow = false
    await client.signIn(other)
    delayed?.answer()
    await expect(call).rejects.toMatchObject({ code: 'not_authenticated' })
    expect(app.traffic()).toEqual(['POST /login 200'])
    expect(await client.me()).toMatchObject({ username: other.username })
  })

  test.each(['', 'null', '{}', '[]', '"x"', '{"id":1}', '{"id":"a"}', 'nonsense', '{"refresh_token":"x"}'])(
    'that holds %j: nobody is signed in',
    async (text) => {
      const storage = createStorage()
      const client = app.client({ storage: { ...storage, getItem: () => text } })
      expect(client.session).toEqual({ status: 'signedOut' })
      await expect(client.me()).rejects.toMatchObject({ code: 'not_authenticated' })
    },
  )
})

test('a session that was cleared from the storage is ended on the server all the same', async () => {
  const storage = createStorage()
  const client = app.client({ storage })
  await signUpAndIn(client)
  storage.items.clear()
  app.traffic()
  expect(await client.signOut()).toEqual({ status: 'signedOut' })
  expect(app.traffic()).toEqual(['POST /revoke 200'])
})

test('a storage that never forgets keeps nobody from signing out', async () => {
  const storage = { ...createStorage(), removeItem: () => new Promise(() => undefined) }
  const client = app.client({ storage })
  await signUpAndIn(client)
  app.traffic()
  await expect(client.signOut({ signal: AbortSignal.timeout(500) })).rejects.toMatchObject({ code: 'timed_out' })
  expect(app.traffic()).toEqual(['POST /revoke 200'])
  expect(client.session).toEqual({ status: 'signedOut' })
})

test('who gives up signing out is signed out on this device', async () => {
  const storage = createStorage()
  const client = app.client({ storage })
  await signUpAndIn(client)
  await expect(client.signOut({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
  await expect.poll(() => [client.session.status, storage.items.size]).toEqual(['signedOut', 0])
})

test('headers that never come keep nobody from giving up', async () => {
  let headers: () => Promise<Record<string, string>> = () => Promise.resolve({})
  const client = app.client({ headers: () => headers() })
  await signUpAndIn(client)
  headers = () => new Promise(() => undefined)
  await expect(client.signOut({ signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ code: 'timed_out' })
})

test('what listens to other tabs keeps no process from ending', async () => {
  const unref = vi.spyOn(BroadcastChannel.prototype as BroadcastChannel & { unref(): void }, 'unref')
  app.client({ storage: createStorage(), tabs: true }).close()
  expect(unref).toHaveBeenCalledOnce()
})

test('a storage that never keeps keeps nobody from going on', async () => {
  const storage = { ...createStorage(), setItem: () => new Promise(() => undefined) }
  const client = app.client({ storage })
  const { username } = await signUpAndIn(app.client())
  const signal = AbortSignal.timeout(500)
  await expect(client.signIn({ username, password: goodPassword }, { signal })).rejects.toMatchObject({ code: 'timed_out' })
  expect(await client.me()).toMatchObject({ username })
})

test('a text in the storage without an access token is no session, and nothing goes out without one', async () => {
  const storage = createStorage(
    new Map([['key', JSON.stringify({ id: 'x', saved: Date.now(), expires_in: 1800, refresh_token: 'y' })]]),
  )
  const client = app.client({ storage, key: 'key' })
  await expect(client.me()).rejects.toMatchObject({ code: 'not_authenticated' })
  expect(app.traffic()).toEqual([])
})

test('a refusal whose body breaks off keeps nothing from being sent again', async () => {
  const client = app.client()
  await signUpAndIn(client)
  let refused = 0
  const brokenBody = () => new ReadableStream({ cancel: () => Promise.reject(new TypeError('terminated')) })
  app.network.fault = at('/sessions', () => (refused++ === 0 ? new Response(brokenBody(), { status: 401 }) : undefined))
  const answer = await client.api.sessions.$get()
  expect([answer.status, refused]).toEqual([200, 2])
})

test.each([
  ['at once', 0],
  ['later', 20],
])('a renewal whose answer was lost ahead of the end is asked for again when the page is online again, %s', async (_, after) => {
  const page = new EventTarget()
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  const client = app.client({ storage: createStorage(), key: freshName(), tabs: true, retries: 0 })
  await signUpAndIn(client)
  app.pass(1745)
  app.network.fault = at('/token', async (_request, send) => {
    await send()
    throw new TypeError('terminated')
  })
  expect(await client.me()).toMatchObject({ role: 'user' })
  app.network.fault = () => undefined
  app.pass(after)
  app.traffic()
  page.dispatchEvent(new Event('online'))
  await expect.poll(() => app.traffic()).toEqual(['POST /token 200'])
  app.pass(120)
  expect(await client.me()).toMatchObject({ role: 'user' })
  client.close()
})

test('a renewal that fails ahead of the end delays one call, and others for five seconds not', async () => {
  const client = app.client({ retries: 0 })
  await signUpAndIn(client)
  app.pass(1770)
  app.network.fault = at('/token', unreachable)
  app.traffic()
  for (let i = 0; i < 3; i++) await client.me()
  app.pass(4.9)
  await client.me()
  expect(app.traffic().filter((call) => call.startsWith('POST'))).toEqual(['POST /token 0'])
  app.pass(0.2)
  app.network.fault = () => undefined
  await client.me()
  expect(app.traffic()).toEqual(['POST /token 200', 'GET /users/me 200'])
})

test('a page that is shown again, or is online again, looks at its session', async () => {
  const page = new EventTarget()
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  const storage = createStorage()
  const key = freshName()
  const client = app.client({ storage, key, tabs: true, retries: 0 })
  await signUpAndIn(client)
  app.pass(1801)
  app.network.fault = unreachable
  await client.restore()
  expect(client.session).toMatchObject({ status: 'stale' })
  app.network.fault = () => undefined
  page.dispatchEvent(new Event('online'))
  await expect.poll(() => client.session).toMatchObject({ status: 'signedIn' })
  storage.items.clear()
  page.dispatchEvent(new Event('pageshow'))
  await expect.poll(() => client.session).toEqual({ status: 'signedOut' })
  client.close()
  storage.items.set(key, '{"id":"x","refresh_token":"y"}')
  page.dispatchEvent(new Event('focus'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(client.session).toEqual({ status: 'signedOut' })
  vi.unstubAllGlobals()
})

describe('the device’s clock', () => {
  const year = 365 * 86_400_000
  test.each([
    ['years behind', -10 * year, -10 * year],
    ['years ahead', 10 * year, 10 * year],
    ['set forward between two visits', 0, year],
    ['set back between two visits', year, 0],
    ['set back a little', 600_000, 0],
    ['set back by more than a token lives', year, year - 4_000_000],
  ])('%s: nobody notices', async (_, before, after) => {
    let offset = before
    vi.spyOn(Date, 'now').mockImplementation(() => app.time.server + offset)
    const storage = createStorage()
    const first = app.client({ storage })
    await signUpAndIn(first)
    app.pass(900)
    offset = after
    app.traffic()
    expect(await first.me()).toMatchObject({ role: 'user' })
    expect(app.traffic()).toEqual(['GET /users/me 200'])
    const second = app.client({ storage })
    expect(await second.me()).toMatchObject({ role: 'user' })
    app.pass(1801)
    expect(await Promise.all([first.me(), second.me()])).toHaveLength(2)
  })
})

describe('signing out', () => {
  test('while the server is away forgets the session here, and says so', async () => {
    const storage = createStorage()
    const client = app.client({ storage, retries: 0 })
    await signUpAndIn(client)
    app.network.fault = unreachable
    await expect(client.signOut()).rejects.toMatchObject({ code: 'network_error' })
    expect(client.session).toEqual({ status: 'signedOut' })
    expect(storage.items.size).toBe(0)
  })

  test('while it is being renewed wins', async () => {
    const storage = createStorage()
    const client = app.client({ storage })
    await signUpAndIn(client)
    app.pass(1801)
    let signedOut: Promise<Session> | undefined
    app.network.fault = at('/token', async (_, send) => {
      const response = await send()
      signedOut = client.signOut()
      await signedOut
      return response
    })
    await expect(client.me()).rejects.toMatchObject({ code: 'not_authenticated' })
    expect(client.session).toEqual({ status: 'signedOut' })
    expect(storage.items.size).toBe(0)
    expect(app.seen.filter(({ path, token }) => path === '/users/me' && !token)).toEqual([])
  })

  test('while a sign-in is under way that fails leaves nobody signed in', async () => {
    const client = app.client({ retries: 0 })
    await signUpAndIn(client)
    app.pass(1801)
    let answer: (() => void) | undefined
    app.network.fault = at(
      '/login',
      () => new Promise<Response>((resolve) => (answer = () => resolve(problemResponse(503, 'overloaded')))),
    )
    const entered = client.signIn({ username: 'a', password: 'b' })
    await expect.poll(() => answer).toBeDefined()
    const call = client.me()
    await client.signOut()
    app.traffic()
    answer?.()
    await expect(entered).rejects.toMatchObject({ code: 'overloaded' })
    await expect(call).rejects.toMatchObject({ code: 'not_authenticated' })
    expect(client.session).toEqual({ status: 'signedOut' })
    expect(app.traffic()).toEqual([])
  })

  test('with an access token that is over needs no new one', async () => {
    const client = app.client()
    await signUpAndIn(client)
    app.pass(1801)
    app.traffic()
    await client.signOut()
    expect(app.traffic()).toEqual(['POST /revoke 200'])
  })

  test('is tried again, and outlives the page', async () => {
    const inits: RequestInit[] = []
    const client = app.client({
      fetch: (target, init) => {
        inits.push(init)
        return app.fetch(target, init)
      },
    })
    await signUpAndIn(client)
    app.traffic()
    let failures = 1
    app.network.fault = (request, send) => (failures-- > 0 ? unreachable(request, send) : undefined)
    await client.signOut()
    expect(app.traffic()).toEqual(['POST /revoke 0', 'POST /revoke 200'])
    expect(inits.at(-1)).toMatchObject({ keepalive: true })
  })

  test('when nobody is signed in asks nobody', async () => {
    const client = app.client()
    app.traffic()
    expect(await client.signOut()).toEqual({ status: 'signedOut' })
    expect(app.traffic()).toEqual([])
  })
})

test('a request of one account is not sent again for another who signed in meanwhile', async () => {
  const client = app.client()
  await signUpAndIn(client)
  const other = { username: freshName(), password: goodPassword }
  await client.signUp(other)
  app.time.server += 1801_000
  app.network.fault = at('/user', async (request, send) => {
    const response = await send()
    if (request.method === 'DELETE') await client.signIn(other)
    return response
  })
  await expect(client.deleteUser({ username: other.username })).rejects.toMatchObject({ status: 401 })
  app.network.fault = () => undefined
  expect(await client.me()).toMatchObject({ username: other.username })
})

test('a stale session keeps nobody from what needs none', async () => {
  const client = app.client({ retries: 0 })
  const { username } = await signUpAndIn(client)
  app.pass(1801)
  app.network.fault = at('/token', unreachable)
  await client.restore()
  app.seen.length = 0
  expect(await unwrap(client.api.health.live.$get())).toEqual({ status: 'ok' })
  expect((await client.api.login.$post({ form: { username, password: goodPassword } })).status).toBe(200)
  expect((await client.api['.well-known']['jwks.json'].$get()).status).toBe(200)
  await client.signUp({ username: freshName(), password: goodPassword })
  expect(app.seen.filter(({ token, path }) => token !== undefined || path === '/token')).toEqual([])
})

test('nobody waits for a renewal past his signal', async () => {
  const client = app.client()
  await signUpAndIn(client)
  app.pass(1801)
  let answer: ((response: Response) => void) | undefined
  app.network.fault = at('/token', () => new Promise<Response>((resolve) => (answer = resolve)))
  const controller = new AbortController()
  const call = client.me({ signal: controller.signal })
  const patient = client.me()
  await expect.poll(() => answer).toBeDefined()
  const changes = [client.updateUser({}, { signal: controller.signal }), client.deleteUser({}, { signal: controller.signal })]
  controller.abort()
  await expect(call).rejects.toMatchObject({ code: 'aborted' })
  for (const change of changes) await expect(change).rejects.toMatchObject({ code: 'aborted' })
  answer?.(problemResponse(400, 'invalid_grant'))
  await expect(patient).rejects.toMatchObject({ code: 'not_authenticated' })
})

test.each([
  ['the web’s', () => new Blob(['{}']).stream()],
  [
    'Node’s',
    async function* stream() {
      await Promise.resolve()
      yield new TextEncoder().encode('{}')
    },
  ],
])('a stream is not sent twice: %s', async (_, stream) => {
  const client = app.client()
  await signUpAndIn(client)
  app.time.server += 1801_000
  app.traffic()
  const body = stream() as ReadableStream
  const answer = await client.api.user.$patch({ json: { username: 'a' } }, { init: { body, duplex: 'half' } as RequestInit })
  expect(answer.status).toBe(401)
  expect(app.traffic()).toEqual(['PATCH /user 401'])
})
