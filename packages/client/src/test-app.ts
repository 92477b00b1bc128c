import { createTestApp, openTestEmbedded } from '../../../apps/api/runtime-tests/in-process.ts'
import { freshName, goodPassword } from '../../../apps/api/runtime-tests/suite/target.ts'
import type { Settings } from '../../../apps/api/src/resources.ts'
import { type ClientOptions, type GatehouseClient, createClient } from './index.ts'
import type { SessionStorage } from './storage.ts'

export const url = 'http://gatehouse.test'

/** One request that went out, and what came back. */
export interface Seen {
  method: string
  path: string
  token: string | undefined
  status: number
}

/** What happens to a request in place of reaching the server, or to its answer; undefined: nothing. */
export type Fault = (request: Seen, send: () => Promise<Response>) => Response | Promise<Response> | undefined

/** The real application behind a network that can fail, in a time of its own. */
export async function startTestApp(settings: Partial<Settings> = {}) {
  const database = await openTestEmbedded()
  const time = { server: Date.now(), client: 0 }
  const { app, resources } = await createTestApp(database, { settings, clock: () => new Date(time.server) })
  const seen: Seen[] = []
  const network: { fault: Fault } = { fault: () => undefined }

  async function fetchFromApp(target: string, init: RequestInit = {}): Promise<Response> {
    const { pathname } = new URL(target)
    const headers = new Headers(init.headers)
    const token = headers.get('Authorization')?.slice(7)
    const request: Seen = { method: init.method ?? 'GET', path: pathname, token, status: 0 }
    seen.push(request)
    init.signal?.throwIfAborted()
    const send = async () => app.request(target, init)
    const response = await (network.fault(request, send) ?? send())
    request.status = response.status
    return response
  }

  return {
    database,
    time,
    seen,
    network,
    resources,
    fetch: fetchFromApp,
    /** What was asked since the last call, such as `POST /token 200`. */
    traffic: () => seen.splice(0).map(({ method, path, status }) => `${method} ${path} ${status}`),
    client: (options: ClientOptions = {}): GatehouseClient =>
      createClient(url, { fetch: fetchFromApp, now: () => time.client, tabs: false, ...options }),
    /** Lets both clocks go on. */
    pass(seconds: number) {
      time.server += seconds * 1000
      time.client += seconds * 1000
    },
    stop: () => database.close(),
  }
}

export type TestApp = Awaited<ReturnType<typeof startTestApp>>

/** Registers somebody and signs in. */
export async function signUpAndIn(client: GatehouseClient, username = freshName()) {
  const credentials = { username, password: goodPassword }
  await client.signUp(credentials)
  await client.signIn(credentials)
  return credentials
}

/** What a browser's storage is to its tabs. */
export function createStorage(items = new Map<string, string>()): SessionStorage & { items: Map<string, string> } {
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key),
  }
}

/** The same, as slow as another process. */
export function createSlowStorage(items = new Map<string, string>()): SessionStorage & { items: Map<string, string> } {
  const later = () => new Promise((resolve) => setImmediate(resolve))
  const { getItem, setItem, removeItem } = createStorage(items)
  return {
    items,
    getItem: (key) => later().then(() => getItem(key)),
    setItem: (key, value) => later().then(() => setItem(key, value)),
    removeItem: (key) => later().then(() => removeItem(key)),
  }
}

/** A server that can't be reached. */
export const unreachable: Fault = () => Promise.reject(new TypeError('fetch failed'))

export const problemResponse = (status: number, code: string, headers: Record<string, string> = {}) =>
  Response.json({ type: 'about:blank', title: '', status, detail: code, code, request_id: 'made-up' }, { status, headers })
