import { type GatehouseError, notAuthenticated } from './errors.ts'
import { type Grant, type Kept, parse, remaining, serialize } from './kept.ts'
import type { Shelf } from './storage.ts'
import type { Change } from './tabs.ts'
import { untilAborted } from './transport.ts'

/** Nobody is signed in. */
export interface SignedOut {
  readonly status: 'signedOut'
  readonly id?: undefined
}

/** Somebody is signed in. */
export interface SignedIn {
  readonly status: 'signedIn'
  /** Of this sign-in, made up by the client: whoever signs in next has another. */
  readonly id: string
}

/** Somebody is signed in as far as is known, but first that has to be confirmed, or the access token to be renewed. */
export interface Stale {
  readonly status: 'stale'
  /** Of the sign-in; absent where nothing is known yet. */
  readonly id?: string | undefined
  /** Why the last try failed, such as `network_error`; absent before the first. */
  readonly error?: GatehouseError
}

/** What the client knows of its session. A change makes a new object, and nothing else does. */
export type Session = SignedOut | SignedIn | Stale

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

/** In cookie mode: what is kept once it is known that nobody is signed in. Nothing kept means that it isn't known. */
const nobody = 'null'

const signedOut: SignedOut = { status: 'signedOut' }
const stale = (kept: Kept | undefined): Stale => ({ status: 'stale', ...(kept && { id: kept.id }) })

/** The session of one client. Other tabs may change it at any time: the shelf is right, memory is only quick. */
export class SessionKeeper {
  session: Session = { status: 'stale' }
  /** What is kept, as it is kept: the same text means the same tokens. */
  #text: string | null = null
  #kept: Kept | undefined
  /** Of the session, or of the last one where it isn't known whether it goes on. */
  #id: string | undefined
  /** When the access token is over, by `now`. */
  #expiry = 0
  #failed: { error: GatehouseError; until: number } | undefined
  #renewal: Promise<void> | undefined
  #opening: Promise<void> | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #loading: Promise<void> | undefined
  readonly #listeners = new Set<(session: Session) => void>()
  readonly #options: SessionOptions

  constructor(options: SessionOptions) {
    this.#options = options
    const found = options.shelf.read()
    if (found instanceof Promise) this.#loading = found.then((text) => this.#adopt(text ?? null))
    else this.#adopt(found ?? null)
  }

  /** @returns ends the subscription */
  onChange(listener: (session: Session) => void): () => void {
    const own = (session: Session) => listener(session)
    this.#listeners.add(own)
    this.#tryAgain()
    return () => {
      this.#listeners.delete(own)
      this.#tryAgain()
    }
  }

  /** Begins the session that `open` opens. Waits for what must come before no longer than `signal` lets it. */
  async begin(open: () => Promise<Grant>, signal: AbortSignal | undefined): Promise<void> {
    const { cookies } = this.#options
    // The cookies of a renewal that is answered later would take the place of the new session's.
    const before = cookies && this.#renewal?.catch(() => undefined)
    await untilAborted(Promise.all([this.#loading, before]), signal)
    const opened = open().then((grant) => this.#put(serialize(grant)))
    this.#opening = Promise.allSettled([this.#opening, opened]).then(() => undefined)
    await opened.catch(async (error: GatehouseError) => {
      // Without an answer of the server's own it isn't known whose cookies there are now.
      if (cookies && this.#kept && error.status < 400) {
        this.#id = undefined
        await this.#put(null)
      }
      throw error
    })
  }

  /** Finds out about a stale session; never rejects. */
  async restore(): Promise<Session> {
    await this.authorize().catch(() => undefined)
    return this.session
  }

  /** Forgets the session. */
  async end(): Promise<void> {
    await this.#loading
    await this.#put(this.#options.cookies ? nobody : null)
  }

  /** The session as it is kept; undefined when nobody is signed in. */
  async look(): Promise<Kept | undefined> {
    await this.#pull()
    return this.#kept
  }

  /**
   * The session to send a request with, renewed ahead of its end; undefined when nobody is signed in.
   *
   * @param refused what the server refused a request with
   * @throws GatehouseError when it can't be renewed; `not_authenticated` when it turns out to be over
   */
  async authorize(refused?: Kept): Promise<Kept | undefined> {
    await this.#loading
    const before = this.#kept
    // Cookies are those of whoever signed in last, in whichever tab.
    if (this.#options.cookies || this.session.status === 'signedOut') await this.#pull()
    if (refused && refused === this.#kept) this.#expiry = 0
    if (this.session.status !== 'signedOut' && !this.#isFresh()) {
      this.#renewal ??= this.#renew().finally(() => (this.#renewal = undefined))
      await this.#renewal
    }
    // What was begun for one account is not done for another.
    if (before && this.#kept?.id !== before.id) throw notAuthenticated('The session is over')
    return this.#kept
  }

  /** Looks again, after the page was away. */
  async wake(): Promise<void> {
    await this.#pull()
    if (this.session.status === 'stale' || this.#failed) await this.restore()
  }

  /** Takes over a change of another tab. */
  async hear([before, next]: Change): Promise<void> {
    await this.#pull()
    // A tab that was duplicated has the same session in a storage of its own.
    if (before !== null && before === this.#text) await this.#put(next, true)
  }

  /** Whether nothing needs to be renewed for a minute, or a tenth of the token's life. */
  #isFresh() {
    return this.#kept !== undefined && this.#expiry - this.#options.now() > Math.min(60_000, this.#kept.expires_in * 100)
  }

  async #renew(): Promise<void> {
    const before = this.#text
    await this.#opening
    await this.#pull()
    if (this.#text !== before && (this.session.status === 'signedOut' || this.#isFresh())) return
    const { now, exchange, cookies } = this.#options
    if (!this.#kept && !cookies) return
    const presented = this.#text
    try {
      if (this.#failed && now() < this.#failed.until) throw this.#failed.error
      const grant = await exchange(this.#kept?.refresh_token)
      await this.#pull()
      // Otherwise somebody signed in or out meanwhile, or another tab was faster: what is kept now counts.
      if (presented === this.#text) await this.#put(serialize(grant, this.#id))
    } catch (error) {
      await this.#pull()
      if (presented === this.#text) await this.#fail(error as GatehouseError)
    }
  }

  async #fail(error: GatehouseError): Promise<void> {
    // Where no cookie is sent, the server misses the parameter.
    if (error.code === 'invalid_grant' || (this.#options.cookies && error.code === 'invalid_oauth_request')) return this.end()
    const now = this.#options.now()
    if (error !== this.#failed?.error) this.#failed = { error, until: now + (error.retryAfter ?? 0) * 1000 }
    const over = now >= this.#expiry
    if (over && (this.session.status !== 'stale' || this.session.error !== error)) this.#show({ ...stale(this.#kept), error })
    this.#tryAgain()
    if (over) throw error
  }

  async #pull(): Promise<void> {
    await this.#loading
    const before = this.#text
    const found = await this.#options.shelf.read()
    if (found !== undefined && before === this.#text && found !== before) this.#adopt(found)
  }

  async #put(text: string | null, heard = false): Promise<void> {
    const before = this.#text
    this.#adopt(text)
    await this.#options.shelf.write(text)
    if (!heard) this.#options.tell([before, text])
  }

  #adopt(text: string | null): void {
    const { cookies, now } = this.#options
    const before = this.#kept?.id
    this.#text = text
    this.#kept = parse(text, cookies)
    if (this.#kept || text === nobody) this.#id = this.#kept?.id
    this.#expiry = this.#kept ? now() + remaining(this.#kept) : 0
    this.#failed = undefined
    const next = this.#kept || (cookies && text !== nobody) ? stale(this.#kept) : signedOut
    const session: Session = this.#kept && this.#expiry > now() ? { status: 'signedIn', id: this.#kept.id } : next
    if (session.status !== this.session.status || this.#kept?.id !== before) this.#show(session)
  }

  #show(session: Session): void {
    this.session = session
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#tryAgain()
    // In a turn of its own: what a listener throws is not the caller's.
    for (const listener of this.#listeners) queueMicrotask(() => this.#listeners.has(listener) && listener(session))
  }

  /** While somebody listens, a renewal that failed is tried again without being asked for: its answer may have been lost. */
  #tryAgain(): void {
    if (!this.#failed || this.#listeners.size === 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      return
    }
    const seconds = Math.min(Math.max(this.#failed.error.retryAfter ?? 0, 5), 86_400) * (1 + Math.random())
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.restore()
    }, seconds * 1000)
  }
}
