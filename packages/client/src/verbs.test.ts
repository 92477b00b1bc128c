import { format } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { testAdministrator } from '../../../apps/api/runtime-tests/in-process.ts'
import { freshName, goodPassword } from '../../../apps/api/runtime-tests/suite/target.ts'
import { type GatehouseClient, createClient, isGatehouseError, unwrap } from './index.ts'
import { type TestApp, problemResponse, signUpAndIn, startTestApp, url } from './test-app.ts'
import type { Fetch } from './transport.ts'

let app: TestApp
let client: GatehouseClient
let username: string
beforeAll(async () => {
  app = await startTestApp()
})
afterAll(() => app.stop())
beforeEach(async () => {
  client = app.client()
  username = (await signUpAndIn(client)).username
})

describe('the verbs', () => {
  test('signUp() registers, and does not sign in', async () => {
    const newcomer = app.client()
    const account = { username: freshName(), password: goodPassword, birthday: '1815-12-10' }
    expect(await newcomer.signUp(account)).toEqual({ message: 'User created successfully' })
    expect(newcomer.session).toEqual({ status: 'signedOut' })
    await expect(newcomer.signUp(account)).rejects.toMatchObject({ code: 'user_exists', status: 400, fields: [] })
    const call = newcomer.signUp({ username: 'a b', password: 'x' })
    await expect(call).rejects.toMatchObject({ code: 'invalid_request', status: 422, requestId: expect.stringMatching(/./) })
    await expect(call).rejects.toMatchObject({ fields: [{ path: 'username' }, { path: 'password' }] })
  })

  test('signIn() refuses a wrong password, and the session before goes on', async () => {
    await expect(client.signIn({ username, password: 'something else' })).rejects.toMatchObject({
      code: 'invalid_credentials',
      status: 401,
      message: 'Incorrect username or password',
    })
    expect(await client.me()).toMatchObject({ username })
  })

  test('updateUser() changes one’s own account, without being told its name', async () => {
    expect(await client.updateUser({ birthday: '1815-12-10' })).toEqual({ message: 'User updated successfully' })
    expect(await unwrap(client.api.user.$get({ query: { username } }))).toMatchObject({ birthday: '1815-12-10' })
    await app.client().signIn({ username, password: goodPassword })
    const changed = await client.updateUser({ password: 'another quiet harbour', current_password: goodPassword })
    expect(changed).toEqual({ message: 'User updated successfully', sessions_ended: 1 })
    expect(await client.me()).toMatchObject({ username })
    await expect(client.updateUser({ username: freshName() })).rejects.toMatchObject({ code: 'user_not_found' })
    const { username: other } = await signUpAndIn(app.client())
    await expect(client.updateUser({ username: other, birthday: '1900-01-01' })).rejects.toMatchObject({
      code: 'forbidden',
      status: 403,
    })
  })

  test('a change that needs a fresh proof says so', async () => {
    app.pass(601)
    const change = { password: 'another quiet harbour' }
    await expect(client.updateUser(change)).rejects.toMatchObject({ code: 'reauthentication_required' })
    await expect(client.deleteUser()).rejects.toMatchObject({ code: 'reauthentication_required' })
    expect(client.session).toMatchObject({ status: 'signedIn' })
    await client.updateUser({ ...change, current_password: goodPassword })
  })

  test.each([
    ['by default', false],
    ['by its name', true],
  ])('deleteUser() of one’s own account, %s, signs out', async (_, named) => {
    app.traffic()
    const done = await client.deleteUser(named ? { username } : undefined)
    expect(app.traffic().includes('POST /token 400')).toBe(named)
    expect(done).toEqual({ message: 'User deleted successfully' })
    expect(client.session).toEqual({ status: 'signedOut' })
    await expect(client.signIn({ username, password: goodPassword })).rejects.toMatchObject({ code: 'invalid_credentials' })
  })

  test('deleteUser() of another’s account leaves an administrator signed in', async () => {
    const administrator = app.client()
    await administrator.signIn({ username: await testAdministrator(app.database, app.resources), password: goodPassword })
    app.traffic()
    await administrator.deleteUser({ username })
    expect(app.traffic()).toEqual(['DELETE /user 200', 'GET /users/me 200'])
    expect(administrator.session).toMatchObject({ status: 'signedIn' })
    await expect(client.me()).rejects.toMatchObject({ code: 'not_authenticated' })
    expect(client.session).toEqual({ status: 'signedOut' })
  })

  test('sessions(), endSession() and endOtherSessions() show and end what else is open', async () => {
    const others = [app.client(), app.client(), app.client()] as const
    for (const other of others) await other.signIn({ username, password: goodPassword })
    const sessions = await client.sessions()
    expect(sessions).toHaveLength(4)
    expect(sessions.filter(({ current }) => current)).toHaveLength(1)
    const first = (await others[0].sessions()).find(({ current }) => current)
    expect(await client.endSession(first?.id ?? '')).toEqual({ message: 'Session ended' })
    await expect(others[0].me()).rejects.toMatchObject({ code: 'not_authenticated' })
    await expect(client.endSession('no such')).rejects.toMatchObject({ code: 'session_not_found', status: 404 })
    await expect(client.endSession('')).rejects.toMatchObject({ code: 'invalid_request', status: 0 })
    expect(await client.endOtherSessions()).toEqual({ message: 'Other sessions ended', sessions_ended: 2 })
    expect(await client.sessions()).toHaveLength(1)
  })

  test('unwrap() makes data or an error of a raw call', async () => {
    expect(await unwrap(client.api.users.me.$get())).toMatchObject({ username })
    expect(await unwrap(await client.api.users.me.$get())).toMatchObject({ username })
    const call = unwrap(client.api.user.$get({ query: { username: freshName() } }))
    await expect(call).rejects.toMatchObject({ name: 'GatehouseError', code: 'user_not_found', status: 400 })
  })

  test('what can’t even be asked is one error, too', async () => {
    const fail = () => {
      throw new RangeError('no headers today')
    }
    const strange = app.client({ headers: fail })
    const calls = [
      () => strange.signUp({ username: 'a', password: 'b' }),
      () => strange.signIn({ username: 'a', password: 'b' }),
      () => client.endSession('\ud800'),
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject({ name: 'GatehouseError', code: 'network_error' })
  })

  test('endSession() of a name that is also a route’s carries the token', async () => {
    await expect(client.endSession('token')).rejects.toMatchObject({ code: 'session_not_found' })
  })

  test('logging a client asks nobody', () => {
    app.traffic()
    expect([JSON.stringify(client), format('%s %o', client.api, client)]).toHaveLength(2)
    expect(app.traffic()).toEqual([])
  })

  test('accessToken() gives one that lives', async () => {
    const before = await client.accessToken()
    app.pass(1801)
    const token = await client.accessToken()
    expect(token).not.toBe(before)
    const bearer = app.client({ headers: { Authorization: `Bearer ${token}` } })
    expect(await bearer.me()).toMatchObject({ username })
    await expect(app.client().accessToken()).rejects.toMatchObject({ code: 'not_authenticated' })
  })

  test('who is not signed in asks nobody', async () => {
    const stranger = app.client()
    app.traffic()
    const calls = [
      () => stranger.me(),
      () => stranger.sessions(),
      () => stranger.endSession('x'),
      () => stranger.endOtherSessions(),
      () => stranger.updateUser({ birthday: '1815-12-10' }),
      () => stranger.updateUser({ username, birthday: '1815-12-10' }),
      () => stranger.deleteUser(),
      () => stranger.deleteUser({ username }),
      () => stranger.accessToken(),
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'not_authenticated', status: 401 })
    expect(app.traffic()).toEqual([])
    const raw = await stranger.api.users.me.$get()
    expect(raw.status === 401 && (await raw.json()).code).toBe('not_authenticated')
  })
})

test('what is absent is not sent, whatever the compiler was told', async () => {
  const client = app.client()
  await signUpAndIn(client)
  const absent = undefined as unknown as string
  await expect(client.signIn({ username: 'ada', password: absent })).rejects.toMatchObject({ status: 422 })
  await expect(client.deleteUser({ username: null as unknown as string })).rejects.toMatchObject({ status: 422 })
  expect(await client.deleteUser({ current_password: null as unknown as string })).toMatchObject({ message: expect.any(String) })
})

test('fields that are none are left out', async () => {
  const problem = { code: 'invalid_request', detail: 'No', errors: [null, 5, { path: 'username', message: 'no' }] }
  const client = createClient(url, { fetch: () => Response.json(problem, { status: 422 }) })
  await expect(client.signUp({ username: 'a', password: 'b' })).rejects.toMatchObject({
    fields: [{ path: 'username', message: 'no' }],
  })
})

describe('what is not an answer of Gatehouse', () => {
  const html: Fetch = () =>
    new Response('<!doctype html>', { status: 200, headers: { 'X-Request-Id': 'a-proxy', 'Content-Type': 'text/html' } })
  const status =
    (code: number, body: string | null = null): Fetch =>
    () =>
      new Response(body, { status: code, headers: { 'X-Request-Id': 'a-proxy' } })

  test.each<[string, Fetch, object]>([
    ['a proxy’s page', html, { status: 200, requestId: 'a-proxy' }],
    ['a proxy’s page with 502', status(502, '<html>'), { status: 502, requestId: 'a-proxy' }],
    ['an empty body', status(200, ''), { status: 200, requestId: 'a-proxy' }],
    ['no content', status(204), { status: 204 }],
    ['JSON null', status(200, 'null'), { status: 200 }],
    ['a JSON array', status(200, '[]'), { status: 200 }],
    ['JSON of another shape', status(200, '{"user":{"id":1}}'), { status: 200, requestId: 'a-proxy' }],
    ['JSON cut off', status(200, '{"id":"1","usern'), { status: 200 }],
    ['a problem without a code', status(404, '{"title":"Not Found","status":404}'), { status: 404, requestId: 'a-proxy' }],
    ['an error in another format', status(400, '{"error":{"message":"no"}}'), { status: 400 }],
    ['a redirect', status(301), { status: 301, requestId: 'a-proxy' }],
    ['a grant of nothing', status(200, '{"access_token":"","refresh_token":"","expires_in":1800}'), { status: 200 }],
  ])('%s is one clear error, whatever was asked', async (_, fetch, expected) => {
    const given = { Authorization: 'Bearer x' }
    const strange = createClient(url, { fetch, headers: given, retries: 0 })
    const calls = [
      () => strange.me(),
      () => strange.sessions(),
      () => strange.signUp({ username: 'a', password: 'b' }),
      () => strange.signIn({ username: 'a', password: 'b' }),
      () => strange.updateUser({ username: 'a', birthday: '1815-12-10' }),
      () => strange.deleteUser({ username: 'a' }),
      () => strange.endSession('a'),
      () => strange.endOtherSessions(),
    ]
    for (const call of calls) {
      const error: unknown = await call().catch((reason: unknown) => reason)
      expect(isGatehouseError(error)).toBe(true)
      expect(error).toMatchObject({ code: 'unexpected_response', ...expected })
    }
    expect(strange.session).toEqual({ status: 'signedOut' })
  })

  test('a code of a newer server is passed on', async () => {
    const newer = createClient(url, {
      fetch: () => problemResponse(451, 'unavailable_for_legal_reasons'),
      headers: { Authorization: 'Bearer x' },
    })
    await expect(newer.me()).rejects.toMatchObject({ code: 'unavailable_for_legal_reasons', status: 451, requestId: 'made-up' })
  })

  test.each(['', 'localhost:8000', '//a.example', 'ftp://a.example', 'http://', 'not a url', 'javascript:alert(1)'])(
    '%j is no base URL',
    (base) => {
      expect(() => createClient(base)).toThrow(expect.objectContaining({ name: 'GatehouseError', code: 'invalid_url' }))
    },
  )

  test('a path is one of a page: where there is none, it asks nobody', async () => {
    const client = createClient('/api/')
    expect(client.session).toEqual({ status: 'signedOut' })
    await expect(client.signUp({ username: 'a', password: 'b' })).rejects.toMatchObject({ code: 'network_error' })
    vi.stubGlobal('location', { href: 'https://a.example/page?x#y' })
    const fetch = vi.fn<Fetch>(() => Response.json({ message: 'done' }))
    await createClient('/api/', { fetch }).signUp({ username: 'a', password: 'b' })
    vi.unstubAllGlobals()
    expect(fetch.mock.calls[0]?.[0]).toBe('https://a.example/api/user')
  })

  test.each([
    ['http://a.example', 'http://a.example/users/me'],
    ['http://a.example/', 'http://a.example/users/me'],
    ['https://a.example:8443/auth/v1//', 'https://a.example:8443/auth/v1/users/me'],
    ['https://a.example/auth?x=1#y', 'https://a.example/auth/users/me'],
  ])('%s is one', async (base, asked) => {
    const targets: string[] = []
    const fetch: Fetch = (target) => {
      targets.push(target)
      return Response.json({ id: '1', username: 'ada', role: 'user' })
    }
    await createClient(base, { fetch, headers: { Authorization: 'Bearer x' } }).me()
    expect(targets).toEqual([asked])
  })
})
