import { type SessionStorage, createClient, isGatehouseError, unwrap } from '@gatehouse/client'
import { createVerifier } from '@gatehouse/client/verify'

const password = 'a quiet harbour at dawn'

/**
 * What an application does with the client. Resolves with what was seen to work; rejects otherwise.
 *
 * @param url of the API
 * @param silent the URL of something that never answers
 */
export async function runScenarios(url: string, silent: string): Promise<string[]> {
  const username = `ada-${crypto.randomUUID().slice(0, 8)}`
  const seen: string[] = []
  const step = async (name: string, run: () => Promise<void>) => {
    await run().catch((error: unknown) => fail(`${name}: ${describe(error)}`))
    seen.push(name)
  }

  const { fetch, sent } = recordedFetch()
  const storage = memoryStorage()
  let passed = 0
  const now = () => performance.now() + passed
  const client = createClient(url, { fetch, storage, now })

  await step('signUp() makes an account that is not signed in', async () => {
    await client.signUp({ username, password, birthday: '1815-12-10' })
    equal(client.session.status, 'signedOut')
  })

  await step('signIn() refuses a wrong password by code and status', async () => {
    const error = await caught(client.signIn({ username, password: 'another harbour' }))
    equal([error.code, error.status], ['invalid_credentials', 401])
  })

  await step('signIn() opens a session that me() reads and updateUser() changes', async () => {
    const changes: string[] = []
    const stop = client.onChange(({ status }) => changes.push(status))
    equal((await client.signIn({ username, password })).status, 'signedIn')
    equal((await client.me()).username, username)
    await client.updateUser({ birthday: '1816-01-01' })
    equal(changes, ['signedIn'])
    stop()
  })

  await step('a raw call is typed by its status', async () => {
    const answer = await client.api.user.$get({ query: { username } })
    if (answer.status !== 200) throw new Error(`reading answered ${answer.status}`)
    const { birthday }: { birthday: string | null } = await answer.json()
    equal(birthday, '1816-01-01')
    const missing = await client.api.sessions[':id'].$delete({ param: { id: crypto.randomUUID() } })
    if (missing.status !== 404) throw new Error(`ending answered ${missing.status}`)
    const { code }: { code: 'session_not_found' } = await missing.json()
    equal(code, 'session_not_found')
    equal((await unwrap(client.api.users.me.$get())).role, 'user')
  })

  await step('a session is renewed ahead of its end, by one request for all that wait', async () => {
    const before = await client.accessToken()
    const { exp, iat } = JSON.parse(atob(before.split('.')[1] ?? '')) as { exp: number; iat: number }
    passed += (exp - iat) * 1000 - 1000
    sent.length = 0
    await Promise.all([client.me(), client.sessions(), client.me()])
    equal(sent.filter((path) => path === '/token').length, 1)
    equal(sent[0], '/token')
    differ(await client.accessToken(), before)
  })

  await step('what is refused for its token is sent once more with a new one', async () => {
    sent.length = 0
    fetch.spoilNext = true
    equal((await client.me()).username, username)
    equal(sent, ['/users/me', '/token', '/users/me'])
  })

  await step('a backend verifies an access token, and refuses a spoiled one', async () => {
    const { issuer } = await unwrap(client.api['.well-known']['oauth-authorization-server'].$get())
    const verifier = createVerifier({ issuer, jwksUrl: `${url}/.well-known/jwks.json` })
    const token = await client.accessToken()
    equal((await verifier.verify(token)).username, username)
    equal((await verifier.verifyRequest({ headers: { authorization: `Bearer ${token}` } })).username, username)
    equal((await caught(verifier.verify(`${token.slice(0, -5)}AAAAA`))).code, 'invalid_token')
    const away = createVerifier({ issuer, jwksUrl: `${silent}/keys`, timeout: 50 })
    equal((await caught(away.verify(token))).code, 'keys_unavailable')
  })

  await step('two clients of one storage share the session', async () => {
    const second = createClient(url, { storage })
    equal(second.session.status, 'signedIn')
    equal(await second.accessToken(), await client.accessToken())
    equal((await second.sessions()).length, 1)
  })

  await step('a session that was ended elsewhere is signed out', async () => {
    const elsewhere = createClient(url)
    await elsewhere.signIn({ username, password })
    const other = (await client.sessions()).find(({ current }) => !current)
    await client.endSession(other?.id ?? '')
    equal((await caught(client.endSession(other?.id ?? ''))).code, 'session_not_found')
    await untilSignedOut(() => elsewhere.me())
    equal(elsewhere.session.status, 'signedOut')
    equal((await client.me()).username, username)
  })

  await step('a call ends by its signal', async () => {
    equal((await caught(client.me({ signal: AbortSignal.abort() }))).code, 'aborted')
    const controller = new AbortController()
    const call = createClient(silent).signUp({ username, password }, controller)
    controller.abort()
    equal((await caught(call)).code, 'aborted')
  })

  await step('a call ends by its timeout', async () => {
    const slow = createClient(silent, { timeout: 50, retries: 0 })
    equal((await caught(slow.signUp({ username, password }))).code, 'timed_out')
  })

  await step('signOut() ends the session here and on the server', async () => {
    const token = await client.accessToken()
    equal((await client.signOut()).status, 'signedOut')
    equal((await caught(client.me())).code, 'not_authenticated')
    await untilSignedOut(() => unwrap(client.api.users.me.$get({}, { headers: { Authorization: `Bearer ${token}` } })))
  })

  await step('deleteUser() takes the account away', async () => {
    await client.signIn({ username, password })
    await client.deleteUser()
    equal(client.session.status, 'signedOut')
    equal((await caught(client.signIn({ username, password }))).code, 'invalid_credentials')
  })

  return seen
}

/** The global `fetch`, that remembers the paths and can send a token that the server refuses. */
function recordedFetch() {
  const sent: string[] = []
  const fetch = Object.assign(
    (url: string, init: RequestInit) => {
      sent.push(new URL(url).pathname)
      if (!fetch.spoilNext) return globalThis.fetch(url, init)
      fetch.spoilNext = false
      return globalThis.fetch(url, { ...init, headers: { Authorization: 'Bearer spoiled' } })
    },
    { spoilNext: false },
  )
  return { fetch, sent }
}

function memoryStorage(): SessionStorage {
  const items = new Map<string, string>()
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key),
  }
}

/** A server learns within a second that a session ended by another. */
async function untilSignedOut(call: () => Promise<unknown>): Promise<void> {
  const begun = performance.now()
  for (;;) {
    const asked = performance.now()
    if (!(await call().then(() => true, isAccepted))) return
    if (asked - begun > 1000) throw new Error('the session is accepted after a second')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function isAccepted(error: unknown): boolean {
  if (isGatehouseError(error) && error.status === 401) return false
  throw error
}

async function caught(call: Promise<unknown>) {
  const error: unknown = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (isGatehouseError(error)) return error
  throw new Error(`rejected with ${String(error)}, not a GatehouseError`)
}

function equal(actual: unknown, expected: unknown): void {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (is !== should) throw new Error(`${is} is not ${should}`)
}

function differ(actual: unknown, unwanted: unknown): void {
  if (actual === unwanted) throw new Error(`still ${String(unwanted)}`)
}

function describe(error: unknown): string {
  return isGatehouseError(error) ? `${error.code} ${error.status} ${error.detail}` : String(error)
}

function fail(message: string): never {
  throw new Error(message)
}
