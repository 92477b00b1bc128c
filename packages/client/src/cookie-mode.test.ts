import { parse } from 'hono/utils/cookie'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshName, goodPassword } from '../../../apps/api/runtime-tests/suite/target.ts'
import { createClient } from './index.ts'
import { type TestApp, createStorage, problemResponse, signUpAndIn, startTestApp, unreachable, url } from './test-app.ts'

let app: TestApp
beforeAll(async () => {
  app = await startTestApp()
})
afterAll(() => app.stop())
beforeEach(() => {
  app.network.fault = () => undefined
})

/** A browser: it keeps cookies, and says that the page is the server's own. */
function openBrowser(cookies = new Map<string, string>()) {
  async function fetchWithCookies(target: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    headers.set('Sec-Fetch-Site', 'same-origin')
    if (cookies.size > 0) headers.set('Cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await app.fetch(target, { ...init, headers })
    for (const line of response.headers.getSetCookie()) {
      const [[name, value] = ['', '']] = Object.entries(parse(line))
      if (/max-age=0/i.test(line)) cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }
  const storage = createStorage()
  const open = () =>
    createClient(url, { mode: 'cookie', fetch: fetchWithCookies, now: () => app.time.client, storage, tabs: false, retries: 0 })
  return { cookies, storage, open }
}

const refreshCookie = '__Host-gatehouse-refresh'
const accessCookie = '__Host-gatehouse-access'

test('no token comes into the reach of JavaScript', async () => {
  const { storage, open, cookies } = openBrowser()
  const client = open()
  const { username } = await signUpAndIn(client)
  expect(await client.me()).toMatchObject({ username })
  expect([...storage.items.values()].join()).not.toMatch(/eyJ|token/)
  expect(cookies.has(accessCookie)).toBe(true)
  expect(app.seen.every(({ token }) => token === undefined)).toBe(true)
  await expect(client.accessToken()).rejects.toMatchObject({ code: 'not_authenticated' })
})

test('a page that is loaded anew knows the session without asking, and renews it', async () => {
  const { open, cookies } = openBrowser()
  await signUpAndIn(open())
  const client = open()
  expect(client.session).toMatchObject({ status: 'signedIn' })
  app.pass(1801)
  cookies.delete(accessCookie) // as browsers do when it is over
  app.traffic()
  expect(await client.me()).toMatchObject({ role: 'user' })
  expect(app.traffic()).toEqual(['POST /token 200', 'GET /users/me 200'])
})

test('where the browser forgot that there is a session, the server is asked once', async () => {
  const { open, storage } = openBrowser()
  await signUpAndIn(open())
  storage.items.clear()
  const client = open()
  expect(client.session).toEqual({ status: 'stale' })
  app.traffic()
  expect(await client.restore()).toMatchObject({ status: 'signedIn' })
  expect(app.traffic()).toEqual(['POST /token 200'])
})

test('a session of the other mode in the same storage is none of this one', async () => {
  const { open, storage } = openBrowser()
  await signUpAndIn(open())
  storage.items.clear()
  await signUpAndIn(app.client({ storage }))
  const client = open()
  expect(client.session).toEqual({ status: 'stale' })
  app.seen.length = 0
  await client.me()
  expect(app.seen.filter(({ token }) => token !== undefined)).toEqual([])
  expect([...storage.items.values()].join()).not.toMatch(/eyJ|token/)
})

test('a storage that was cleared meanwhile costs nobody a call', async () => {
  const { open, storage } = openBrowser()
  const client = open()
  await signUpAndIn(client)
  app.pass(1801)
  storage.items.clear()
  expect(await client.me()).toMatchObject({ role: 'user' })
})

test('who signs in while the session before is renewed stays signed in', async () => {
  const { open } = openBrowser()
  const client = open()
  await signUpAndIn(client)
  const { username } = await signUpAndIn(app.client())
  app.pass(1801)
  let release: (() => void) | undefined
  app.network.fault = ({ path }, send) =>
    path === '/token' ? new Promise<void>((resolve) => (release = resolve)).then(send) : undefined
  const call = client.me()
  await expect.poll(() => release).toBeDefined()
  const entered = client.signIn({ username, password: goodPassword })
  release?.()
  await Promise.all([entered, call.catch(() => undefined)])
  app.network.fault = () => undefined
  expect(await client.me()).toMatchObject({ username })
})

test('a tab in which somebody else signed in changes nothing of theirs', async () => {
  const { open } = openBrowser()
  const first = open()
  await signUpAndIn(first)
  const { username } = await signUpAndIn(open())
  await expect(first.deleteUser()).rejects.toMatchObject({ code: 'not_authenticated' })
  expect(await first.me()).toMatchObject({ username })
})

test('a sign-in whose answer was lost may have changed whose cookies there are', async () => {
  const { open } = openBrowser()
  const client = open()
  await signUpAndIn(client)
  const { username } = await signUpAndIn(app.client())
  app.network.fault = async ({ path }, send) => {
    const response = await send()
    return path === '/login' ? new Response(null, { headers: response.headers }) : response
  }
  const before = client.session.id
  await expect(client.signIn({ username, password: goodPassword })).rejects.toMatchObject({ code: 'unexpected_response' })
  expect(client.session).toEqual({ status: 'stale' })
  app.network.fault = () => undefined
  expect(await client.me()).toMatchObject({ username })
  expect(client.session).toMatchObject({ status: 'signedIn' })
  expect(client.session.id).not.toBe(before)
})

test('a visitor who never signed in is asked about once, then never again', async () => {
  const { open } = openBrowser()
  const client = open()
  app.traffic()
  expect(client.session).toEqual({ status: 'stale' })
  await expect(client.me()).rejects.toMatchObject({ code: 'not_authenticated' })
  expect(app.traffic()).toEqual(['POST /token 400'])
  expect(await open().restore()).toEqual({ status: 'signedOut' })
  await expect(client.me()).rejects.toMatchObject({ code: 'not_authenticated' })
  expect(app.traffic()).toEqual([])
})

test('signing out takes the cookies away, or fails', async () => {
  const { open, cookies } = openBrowser()
  const client = open()
  await signUpAndIn(client)
  app.network.fault = unreachable
  await expect(client.signOut()).rejects.toMatchObject({ code: 'network_error' })
  expect(client.session).toMatchObject({ status: 'signedIn' })
  app.network.fault = () => undefined
  expect(await client.signOut()).toEqual({ status: 'signedOut' })
  expect([cookies.has(accessCookie), cookies.has(refreshCookie)]).toEqual([false, false])
  expect(await client.signOut()).toEqual({ status: 'signedOut' })
})

test('a session that ended elsewhere is over, one that can’t be renewed now is stale', async () => {
  const { open } = openBrowser()
  const client = open()
  const { username } = await signUpAndIn(client)
  app.pass(1801)
  app.network.fault = ({ path }) => (path === '/token' ? problemResponse(503, 'unavailable') : undefined)
  await expect(client.me()).rejects.toMatchObject({ code: 'unavailable' })
  expect(client.session).toMatchObject({ status: 'stale' })
  app.network.fault = () => undefined
  expect(await client.restore()).toMatchObject({ status: 'signedIn' })
  const elsewhere = app.client()
  await elsewhere.signIn({ username, password: goodPassword })
  await elsewhere.endOtherSessions()
  await expect(client.me()).rejects.toMatchObject({ code: 'not_authenticated' })
  expect(client.session).toEqual({ status: 'signedOut' })
})

test('a server that renders a page speaks for the visitor whose cookie it was sent', async () => {
  const { open, cookies } = openBrowser()
  const { username } = await signUpAndIn(open(), freshName())
  const Cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const onServer = createClient(url, { fetch: app.fetch, headers: { Cookie } })
  expect(await onServer.me()).toMatchObject({ username })
})
