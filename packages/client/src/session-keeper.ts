import { type GatehouseError, notAuthenticated } from './errors.ts'
import { type Grant, type Kept, parse, remaining, serialize } from './kept.ts'
import type { Session, SignedOut, Stale } from './session.ts'
import type { Shelf } from './storage.ts'
import type { Change } from './tabs.ts'
import { untilAborted } from './transport.ts'

export interface SessionOptions {
  shelf: Shelf
  /** Whether the browser keeps the tokens, in cookies. */
  cookies: boolean
  /** A clock that nobody sets, milliseconds. */
  now: () => number
  /** Exchanges a refresh token, or the cookie. */
  exchange: (refreshToken: string | undefined) => Promise<Grant>
  /** Tells the other tabs. */
  tell: (change: Change) => void
}

/** The session of one client. Other tabs may change it at any time: the shelf is right, memory is only quick. */
export interface SessionKeeper {
  readonly session: Session
  /** @returns ends the subscription */
  onChange(listener: (session: Session) => void): () => void
  /** Begins the session that `open` opens. Waits for what must come before no longer than `signal` lets it. */
  begin(open: () => Promise<Grant>, signal: AbortSignal | undefined): Promise<void>
  /** Finds out about a stale session; never rejects. */
  restore(): Promise<Session>
  /** Forgets the session: in memory at once, and then in the storage. */
  end(): Promise<void>
  /** The session as it is kept, or was until now; undefined when nobody is signed in. */
  look(): Promise<Kept | undefined>
  /**
   * The session to send a request with, renewed ahead of its end; undefined when nobody is signed in.
   *
   * @param refused what the server refused a request with
   * @throws GatehouseError when it can't be renewed; `not_authenticated` when it turns out to be over
   */
  authorize(refused?: Kept): Promise<Kept | undefined>
  /** Looks again, after the page was away. */
  wake(): Promise<void>
  /** Takes over a change of another tab. */
  hear(change: Change): Promise<void>
}

/** In cookie mode: what is kept once it is known that nobody is signed in. Nothing kept means that it isn't known. */
const nobody = 'null'

/** Seconds for which a renewal that failed ahead of the end is nobody's delay again. */
const respite = 5

const signedOut: SignedOut = { status: 'signedOut' }
const staleAs = (kept: Kept | undefined): Stale => ({ status: 'stale', ...(kept && { id: kept.id }) })

export function createSessionKeeper({ shelf, cookies, now, exchange, tell }: SessionOptions): SessionKeeper {
  let session: Session = { status: 'stale' }
  /** What is kept, as it is kept: the same text means the same tokens. */
  let text: string | null = null
  let kept: Kept | undefined
  /** Of the session, or of the last one where it isn't known whether it goes on. */
  let id: string | undefined
  /** When the access token is over. */
  let expiry = 0
  let failed: { error: GatehouseError; at: number } | undefined
  let renewal: Promise<void> | undefined
  let opening: Promise<void> | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const listeners = new Set<(session: Session) => void>()

  const found = shelf.read()
  const loading = found instanceof Promise ? found.then((later) => adopt(later ?? null)) : adopt(found ?? null)

  /** Whether nothing needs to be renewed for a minute, or a tenth of the token's life. */
  const isFresh = () => kept !== undefined && expiry - now() > Math.min(60_000, kept.expires_in * 100)

  /** Takes over what another tab has kept: in this very turn, unless the storage answers later. */
  function pull(): Promise<void> | void {
    const before = text
    const take = (now: string | null | undefined) => {
      if (now !== undefined && before === text && now !== before) adopt(now)
    }
    const found = shelf.read()
    return found instanceof Promise ? found.then(take) : take(found)
  }

  async function put(next: string | null, heard = false): Promise<void> {
    const before = text
    adopt(next)
    await shelf.write(next)
    if (!heard) tell([before, next])
  }

  function adopt(next: string | null): void {
    const before = kept?.id
    text = next
    kept = parse(next, cookies)
    if (kept || next === nobody) id = kept?.id
    expiry = kept ? now() + remaining(kept) : 0
    failed = undefined
    const unsure = kept || (cookies && next !== nobody) ? staleAs(kept) : signedOut
    const status: Session = kept && expiry > now() ? { status: 'signedIn', id: kept.id } : unsure
    if (status.status !== session.status || kept?.id !== before) show(status)
  }

  function show(next: Session): void {
    session = next
    tryAgain()
    // In a turn of its own: what a listener throws is not the caller's.
    for (const listener of listeners) queueMicrotask(() => listeners.has(listener) && listener(next))
  }

  async function renew(): Promise<void> {
    const before = text
    await opening
    await pull()
    if (text !== before && (session.status === 'signedOut' || isFresh())) return
    if (!kept && !cookies) return
    const presented = text
    try {
      if (failed && now() < failed.at + 1000 * (failed.error.retryAfter ?? (now() < expiry ? respite : 0))) throw failed.error
      const grant = await exchange(kept?.refresh_token)
      const looking = pull()
      if (looking) await looking
      // Otherwise somebody signed in or out meanwhile, or another tab was faster: what is kept now counts.
      if (presented === text) await put(serialize(grant, id))
    } catch (error) {
      const looking = pull()
      if (looking) await looking
      if (presented === text) await fail(error as GatehouseError)
    }
  }

  async function fail(error: GatehouseError): Promise<void> {
    // Where no cookie is sent, the server misses the parameter.
    if (error.code === 'invalid_grant' || (cookies && error.code === 'invalid_oauth_request')) return forget()
    if (error !== failed?.error) failed = { error, at: now() }
    const over = now() >= expiry
    if (over && (session as Stale).error !== error) show({ ...staleAs(kept), error })
    tryAgain()
    if (over) throw error
  }

  /** While somebody listens, a renewal that failed is tried again without being asked for: its answer may have been lost. */
  function tryAgain(): void {
    clearTimeout(timer)
    if (!failed || listeners.size === 0) return
    const seconds = Math.max(failed.error.retryAfter ?? 0, 5) * (1 + Math.random())
    timer = setTimeout(() => void restore(), seconds * 1000)
  }

  async function restore(): Promise<Session> {
    await authorize().catch(() => undefined)
    return session
  }

  const forget = () => put(cookies ? nobody : null)

  async function end(): Promise<void> {
    await loading
    await forget()
  }

  async function authorize(refused?: Kept): Promise<Kept | undefined> {
    await loading
    const before = kept
    // Cookies are those of whoever signed in last, in whichever tab.
    if (cookies || session.status === 'signedOut') await pull()
    if (refused && refused === kept) expiry = 0
    if (session.status !== 'signedOut' && !isFresh()) {
      renewal ??= renew().finally(() => (renewal = undefined))
      await renewal
    }
    // What was begun for one account is not done for another.
    if (before && kept?.id !== before.id) throw notAuthenticated('The session is over')
    return kept
  }

  return {
    get session() {
      return session
    },
    restore,
    end,
    authorize,

    onChange(listener) {
      const own = (next: Session) => listener(next)
      listeners.add(own)
      tryAgain()
      return () => {
        listeners.delete(own)
        tryAgain()
      }
    },

    async begin(open, signal) {
      // The cookies of a renewal that is answered later would take the place of the new session's.
      const before = cookies && renewal?.catch(() => undefined)
      await untilAborted(Promise.all([loading, before]), signal)
      const opened = open().then((grant) => put(serialize(grant)))
      opening = Promise.allSettled([opening, opened]).then(() => undefined)
      await opened.catch(async (error: GatehouseError) => {
        // Without an answer of the server's own it isn't known whose cookies there are now.
        if (cookies && kept && error.status < 400) {
          id = undefined
          await put(null)
        }
        throw error
      })
    },

    async look() {
      await loading
      const before = kept
      await pull()
      return kept ?? before
    },

    async wake() {
      await loading
      await pull()
      if (failed && failed.error.retryAfter === undefined) failed.at = -Infinity
      if (session.status === 'stale' || failed) await restore()
    },

    async hear([before, next]) {
      await loading
      await pull()
      // A tab that was duplicated has the same session in a storage of its own.
      if (before !== null && before === text) await put(next, true)
    },
  }
}
