import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createMemoryLog, createTestApp, openTestEmbedded } from '../runtime-tests/in-process.ts'
import { type Answer, createApi, freshName, goodPassword } from '../runtime-tests/suite/target.ts'
import { type Argon2id, pickArgon2id } from './crypto/argon2.ts'
import { Overloaded } from './crypto/semaphore.ts'
import { deadline } from './deadline.ts'
import type { OpenDatabase } from './db/open.ts'

let database: OpenDatabase
beforeAll(async () => {
  database = await openTestEmbedded()
})
afterAll(() => database.close())
afterEach(() => void vi.useRealTimers())

async function apiWith(options: Parameters<typeof createTestApp>[1] = {}) {
  const { app, resources } = await createTestApp(database, options)
  const api = createApi({ fetch: async (path, init) => app.request(path, init), stop: async () => undefined })
  return { app, api, resources }
}

test('createApp() has routes that hono’s fast router can hold', async () => {
  const { app, api } = await apiWith()
  await api.get('/health/live')
  expect(app.router.name).toContain('RegExpRouter')
})

test('every route has a deadline, but for those that neither take a body nor ask the database', async () => {
  const { app, api } = await apiWith()
  const { body } = await api.get('/openapi.json')
  const paths = body['paths'] as Record<string, Record<string, { requestBody?: unknown }>>
  const takesBody = (method: string, pattern: string) => {
    const path = pattern.replaceAll(/:(\w+)/g, '{$1}')
    return (paths[path] ?? paths[`${path}/`])?.[method.toLowerCase()]?.requestBody !== undefined
  }
  const routes = app.routes.filter(({ method }) => method !== 'ALL')
  const bounded = routes.filter(({ handler, method, path }) => handler === deadline || takesBody(method, path))
  const nameOf = ({ method, path }: { method: string; path: string }) => `${method} ${path}`
  const names = new Set(bounded.map(nameOf))
  const free = new Set(routes.map(nameOf).filter((name) => !names.has(name)))
  const wellKnown = ['GET /.well-known/oauth-authorization-server', 'GET /.well-known/jwks.json']
  const service = ['GET /health/live', 'GET /health/client', 'GET /openapi.json', 'GET /docs', 'GET /docs/:file']
  expect(free).toEqual(new Set(['GET /users/me', ...wellKnown, ...service]))
})

describe('CORS_ORIGINS', () => {
  const allowed = 'https://app.example.com'

  test.each([
    [allowed, allowed],
    ['https://app.example.com.evil.example', null],
    ['https://evil.example', null],
    ['http://app.example.com', null],
    ['null', null],
  ])('from %s allows %s', async (origin, expected) => {
    const { api } = await apiWith({ settings: { corsOrigins: [allowed] } })
    const headers = {
      Origin: origin,
      'Access-Control-Request-Method': 'PATCH',
      'Access-Control-Request-Headers': 'authorization',
    }
    const preflight = await api.send('/user/', { method: 'OPTIONS', headers })
    const call = await api.send('/health/live', { headers: { Origin: origin } })
    for (const answer of [preflight, call]) {
      expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(expected)
      expect(answer.headers.has('Access-Control-Allow-Credentials')).toBe(false)
      expect(answer.headers.get('Vary')).toMatch(/Origin/)
    }
    if (expected) expect(preflight.headers.get('Access-Control-Allow-Methods')).toMatch(/PATCH/)
  })
})

test.each([
  [31_536_000, 'max-age=31536000'],
  [0, null],
])('Strict-Transport-Security for %d seconds is %s', async (hstsMaxAge, expected) => {
  const { api } = await apiWith({ settings: { hstsMaxAge } })
  expect((await api.get('/users/me')).headers.get('Strict-Transport-Security')).toBe(expected)
})

test('PASSWORD_MIN_LENGTH is counted in code points and named to the client', async () => {
  const { api } = await apiWith({ settings: { passwordMinLength: 15 } })
  expect(await api.register(freshName(), '🐎'.repeat(14))).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'password', message: 'must have 15 to 256 characters' }] },
  })
  expect((await api.register(freshName(), '🐎'.repeat(15))).status).toBe(200)
})

test('ACCESS_TOKEN_TTL ends a token, by the clock of the application', async () => {
  let now = new Date('2026-01-01T00:00:00Z')
  const { api } = await apiWith({ settings: { accessTokenTtl: 60 }, clock: () => now })
  const { token } = await api.account()
  now = new Date('2026-01-01T00:00:59Z')
  expect((await api.get('/users/me', token)).status).toBe(200)
  now = new Date('2026-01-01T00:01:00Z')
  expect(await api.get('/users/me', token)).toMatchObject({ status: 401, body: { code: 'invalid_token' } })
})

test('a change of password and a deletion demand the password once the sign-in is ten minutes old', async () => {
  let now = new Date('2026-01-01T00:00:00Z')
  const { api } = await apiWith({ clock: () => now })
  const { username, token } = await api.account()
  now = new Date('2026-01-01T00:10:00Z')
  const change = { username, password: 'another quiet harbour' }
  const refused = { status: 403, body: { code: 'reauthentication_required' } }
  expect(await api.json('PATCH', '/user/', change, token)).toMatchObject(refused)
  expect(await api.form('DELETE', '/user/', { username }, token)).toMatchObject(refused)
  expect((await api.json('PATCH', '/user/', { username, birthday: '1990-05-17' }, token)).status).toBe(200)
  expect((await api.json('PATCH', '/user/', { ...change, current_password: goodPassword }, token)).status).toBe(200)
  expect((await api.form('DELETE', '/user/', { username, current_password: change.password }, token)).status).toBe(200)
})

test('no token from before a password change decides over the account, however fresh it is', async () => {
  let now = new Date('2026-01-01T00:00:00Z')
  const { api } = await apiWith({ clock: () => now })
  const { username, token } = await api.account()
  const stolen = await api.token(username)
  now = new Date('2026-01-01T00:01:00Z')
  const change = { username, password: 'another quiet harbour', current_password: goodPassword }
  expect((await api.json('PATCH', '/user/', change, token)).status).toBe(200)
  const refused = { status: 403, body: { code: 'reauthentication_required' } }
  const takeover = { username, password: 'a harbour for somebody else' }
  expect(await api.json('PATCH', '/user/', takeover, stolen)).toMatchObject({ status: 401, body: { code: 'invalid_token' } })
  expect(await api.json('PATCH', '/user/', takeover, token)).toMatchObject(refused)
  expect(await api.form('DELETE', '/user/', { username }, token)).toMatchObject(refused)
  expect((await api.json('PATCH', '/user/', { username, birthday: '1990-05-17' }, token)).status).toBe(200)
  const again = await api.token(username, change.password)
  expect((await api.json('PATCH', '/user/', takeover, again)).status).toBe(200)
})

test('more sign-ins than may wait are answered 503 with Retry-After, and the rest succeed', async () => {
  const everybody = Promise.withResolvers<void>()
  let held = false
  const quick: Argon2id = async ({ length }) => {
    if (held) await everybody.promise
    return new Uint8Array(length)
  }
  const { api } = await apiWith({ platform: { argon2id: quick, hashConcurrency: 1 } })
  const { username } = await api.account()
  held = true // nobody is done before everybody has come
  const shed: Answer[] = []
  const attempts = Array.from({ length: 60 }, async () => {
    const answer = await api.login(username)
    if (answer.status === 503) shed.push(answer)
    return answer
  })
  await expect.poll(() => shed.length, { timeout: 8_000 }).toBe(27)
  everybody.resolve()
  const answers = await Promise.all(attempts)
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(33)
  expect(shed).toHaveLength(27)
  expect(shed[0]).toMatchObject({ body: { code: 'overloaded' } })
  expect(shed[0]?.headers.get('Retry-After')).toMatch(/^\d+$/)
})

test('one core is left to those who are signed in, while they ask for something', async () => {
  const { argon2id } = await pickArgon2id()
  let [running, most] = [0, 0]
  const counting: Argon2id = async (input) => {
    running += 1
    most = Math.max(most, running)
    return argon2id(input).finally(() => (running -= 1))
  }
  const { api, resources } = await apiWith({ platform: { argon2id: counting, hashConcurrency: 3 } })
  const { username, token } = await api.account()
  const signIns = () => Promise.all(Array.from({ length: 8 }, () => api.login(username)))
  await signIns()
  expect(most).toBe(3)
  const done = new AbortController()
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const asked = (async () => {
    for (; !done.signal.aborted; await turn()) await api.get('/users/me', token)
  })()
  while (!resources.traffic.flows()) await turn()
  vi.useFakeTimers({ toFake: ['performance'] }) // it stands: requests keep coming, however slow the machine is
  most = 0
  await signIns()
  done.abort()
  await asked
  expect(most).toBe(2)
})

test('a fault is a 500 without its reason, which is logged without the statement’s parameters', async () => {
  const log = createMemoryLog()
  const { api, resources } = await apiWith({ platform: { log } })
  const { username, token } = await api.account()
  resources.users.findByKey = () => Promise.reject(new Error('the reason'))
  const answer = await api.get(`/user/?username=${username}`, token)
  expect(answer).toMatchObject({ status: 500, body: { code: 'internal_error' } })
  expect(JSON.stringify(answer.body)).not.toContain('reason')
  expect(JSON.stringify(log.lines)).toContain('the reason')
  expect(JSON.stringify(log.lines)).not.toContain(username)
  resources.users.findByKey = () => Promise.reject(new Overloaded('x'))
  expect((await api.get(`/user/?username=${username}`, token)).status).toBe(503)
})
