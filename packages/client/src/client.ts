import { createAuthorizedFetch } from './authorized-fetch.ts'
import type { RawApi } from './raw-api.ts'
import { GatehouseError } from './errors.ts'
import { createPost, exchangeToken } from './grants.ts'
import { createRpc } from './rpc.ts'
import type { Session } from './session.ts'
import { createSessionKeeper } from './session-keeper.ts'
import { type SessionStorage, openShelf } from './storage.ts'
import { connectTabs } from './tabs.ts'
import { type Fetch, type RequestHeaders, createTransport } from './transport.ts'
import { type Verbs, createVerbs } from './verbs.ts'

export interface ClientOptions {
  /**
   * `token` (default): the client keeps the tokens. `cookie`: the browser does, out of JavaScript's reach; for pages of the
   * API's own origin.
   */
  mode?: 'token' | 'cookie' | undefined
  /**
   * Where the session is kept, such as `() => localStorage`: a function is asked once, and where it throws, as where there is
   * no page, the session lives in memory. By default in memory; in cookie mode in `localStorage`, which then holds no token,
   * only that there is a session.
   */
  storage?: SessionStorage | (() => SessionStorage) | undefined
  /** Names the session in the storage, and what tabs share. Default: `gatehouse:` and the URL. */
  key?: string | undefined
  /** Whether other tabs are told of changes, and tell of theirs. Default: where there is a document and a storage. */
  tabs?: boolean | undefined
  /** In place of the global `fetch`. */
  fetch?: Fetch | undefined
  /** What each request carries besides. One with `Authorization` or `Cookie` is sent as it is, without the session. */
  headers?: RequestHeaders | undefined
  /** Milliseconds for one attempt, its answer's body included. Default: 10,000. */
  timeout?: number | undefined
  /** How often GET and the renewal of a session are tried again after a failure of the network or a passing one of the server. Default: 2. */
  retries?: number | undefined
  /** A clock that nobody sets, in milliseconds. Default: `performance.now`. */
  now?: (() => number) | undefined
}

/** A client with a session of its own: clients share nothing, but tabs of one origin a session that is stored there. */
export interface GatehouseClient extends Verbs {
  /**
   * Every route of the API as a typed call: `await client.api.users.me.$get()` is a `Response` whose `json()` is typed by its
   * `status`; `unwrap()` makes data of it. It carries the session as the verbs do; when nobody is signed in, it is sent as it is.
   */
  readonly api: RawApi

  /** What is known of the session, without asking. */
  readonly session: Session

  /**
   * Calls `listener` after each change of `session`, by this tab or another.
   *
   * @returns ends the subscription
   */
  onChange(listener: (session: Session) => void): () => void

  /** Finds out about a `stale` session: waits for the storage and renews the access token. Never rejects. */
  restore(): Promise<Session>

  /** Stops listening to other tabs. The session stays. */
  close(): void
}

/**
 * A client of the API at `url`.
 *
 * @param url such as `https://accounts.example.com`; in a browser also a path of the page's own origin, such as `/api`
 * @throws GatehouseError `invalid_url`
 */
export function createClient(url: string, options: ClientOptions = {}): GatehouseClient {
  const base = parseBase(url)
  const { mode, headers, key = `gatehouse:${base}`, timeout = 10_000, retries = 2, now = () => performance.now() } = options
  const cookies = mode === 'cookie'
  const storage = findStorage(options.storage ?? (cookies ? () => localStorage : undefined))
  const send = createTransport({ fetch: options.fetch ?? ((url, init) => fetch(url, init)), timeout, retries })
  const post = createPost(send, base, headers)

  const shelf = openShelf(storage, key)
  const exchange = (token: string | undefined) => exchangeToken(post, token, retries)
  const keeper = createSessionKeeper({ shelf, cookies, now, exchange, tell: (change) => tabs?.tell(change) })
  const wake = () => void keeper.wake()
  const share = options.tabs ?? (storage && 'document' in globalThis)
  const tabs = share ? connectTabs(key, (change) => void keeper.hear(change), wake) : undefined

  const apiWith = (strict: boolean) => createRpc(base, createAuthorizedFetch(send, keeper, base, strict), headers)
  return {
    ...createVerbs({ api: apiWith(true), keeper, post, cookies, retries }),
    api: apiWith(false),
    get session() {
      return keeper.session
    },
    onChange: keeper.onChange,
    restore: keeper.restore,
    close: () => tabs?.close(),
  }
}

function parseBase(url: string): string {
  const page = globalThis.location?.href
  const base = URL.canParse(url, page) && new URL(url, page)
  if (base && /^https?:$/.test(base.protocol)) return base.origin + base.pathname.replace(/\/+$/, '')
  // Where a page is rendered on a server, there is no origin yet, and nothing to ask.
  if (!page && /^\/\w/.test(url)) return url.replace(/\/+$/, '')
  throw new GatehouseError({ code: 'invalid_url', detail: `Not the http(s) URL of an API: ${url}` })
}

function findStorage(storage: ClientOptions['storage']): SessionStorage | undefined {
  try {
    return typeof storage === 'function' ? storage() : storage
  } catch {
    return undefined
  }
}
