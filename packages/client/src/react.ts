import { useSyncExternalStore } from 'react'
import type { GatehouseClient } from './client.ts'
import type { GatehouseError } from './errors.ts'
import type { Session } from './session.ts'
import type { CurrentUser } from './shapes.ts'

/** What is known of the account that is signed in. A change makes a new object, and nothing else does. */
export interface UserState {
  /** Who is signed in. While the server can't be reached: who was, a moment ago. Never anybody's but this session's. */
  readonly user: CurrentUser | undefined
  /** Why the last try failed; it is tried again by itself. */
  readonly error: GatehouseError | undefined
  /** Whether an answer is on its way. */
  readonly loading: boolean
  /** Asks again, after a change of the account. Never rejects. */
  readonly reload: () => Promise<void>
}

/**
 * The session of `client`, and a new render with each change of it. A `stale` one is restored. Where a page is rendered on
 * a server, and until it is hydrated, it is `stale`.
 */
export function useSession(client: GatehouseClient): Session {
  return useSyncExternalStore(storeOf(client).watch, () => client.session, serverSession)
}

/** Who is signed in. All components share one request. */
export function useUser(client: GatehouseClient): UserState {
  const { watchUser, readUser, readServerUser } = storeOf(client)
  return useSyncExternalStore(watchUser, readUser, readServerUser)
}

const stale: Session = { status: 'stale' }
const serverSession = () => stale

const stores = new WeakMap<GatehouseClient, ReturnType<typeof createStore>>()

function storeOf(client: GatehouseClient) {
  const store = stores.get(client) ?? createStore(client)
  stores.set(client, store)
  return store
}

function createStore(client: GatehouseClient) {
  const reload = async () => {
    if ((await client.restore()).status === 'signedIn') await load()
  }
  const serverUser: UserState = { user: undefined, error: undefined, loading: true, reload }
  const listeners = new Map<object, () => void>()
  let users = 0 // how many of them want to know who it is
  let stop: () => void
  let state = serverUser
  let seen: Session | undefined
  let request: Promise<void> | undefined // the last one about `seen`
  let timer: ReturnType<typeof setTimeout> | undefined

  /** What is known, as far as it is of the present session. */
  function readUser(): UserState {
    const { session } = client
    if (session === seen) return state
    const error = session.status === 'stale' ? session.error : undefined
    const user = session.id !== undefined && session.id === seen?.id ? state.user : undefined
    state = { user, error, loading: !user && !error && session.status !== 'signedOut', reload }
    seen = session
    request = undefined
    return state
  }

  function show(change: Partial<UserState>): void {
    state = { ...state, ...change }
    tell()
  }

  function tell(): void {
    for (const notify of listeners.values()) notify()
  }

  function load(): Promise<void> {
    readUser()
    show({ loading: true })
    const settle = (change: Partial<UserState>) => {
      readUser()
      if (own === request) show({ ...change, loading: false })
    }
    const own = client.me().then(
      (user) => settle({ user, error: undefined }),
      (error: GatehouseError) => settle({ error }),
    )
    void own.then(() => own === request && plan(state.error))
    return (request = own)
  }

  /** Finds out what isn't known, and plans the next try where that fails; a stale session is tried again by the client. */
  async function follow(): Promise<void> {
    const { status } = await client.restore()
    const { user, error, loading } = readUser()
    if (!users || status !== 'signedIn' || (user && !error)) return
    await (loading && request ? request : load())
  }

  function plan(error: GatehouseError | undefined): void {
    clearTimeout(timer)
    if (!error || !users || client.session.status !== 'signedIn') return
    timer = setTimeout(() => void follow(), Math.min(Math.max(error.retryAfter ?? 0, 5), 86_400) * 1000 * (1 + Math.random()))
  }

  function changed(session: Session): void {
    readUser()
    tell()
    if (!('error' in session)) void follow()
  }

  function watch(notify: () => void, forUser = 0): () => void {
    const own = {}
    if (!listeners.size) stop = client.onChange(changed)
    listeners.set(own, notify)
    users += forUser
    void follow()
    return () => {
      listeners.delete(own)
      users -= forUser
      if (!users) clearTimeout(timer)
      if (!listeners.size) stop()
    }
  }

  return {
    watch: (notify: () => void) => watch(notify),
    watchUser: (notify: () => void) => watch(notify, 1),
    readUser,
    readServerUser: () => serverUser,
  }
}
