import type { RawApi } from './raw-api.ts'
import type { AuthorizedInit } from './authorized-fetch.ts'
import { notAuthenticated } from './errors.ts'
import { type Post, readGrant } from './grants.ts'
import { type Check, accept, isText, readData } from './response.ts'
import type { Session } from './session.ts'
import type { SessionKeeper } from './session-keeper.ts'
import type { Credentials, CurrentUser, Done, NewUser, SessionView, UserChange, UserDeletion } from './shapes.ts'
import { untilAborted } from './transport.ts'

/** What each verb takes besides. */
export interface CallOptions {
  /** Ends the call: `aborted`, or `timed_out` for `AbortSignal.timeout()`. */
  signal?: AbortSignal | undefined
}

/** What people do with accounts. Each rejects with a `GatehouseError` and nothing else. */
export interface Verbs {
  /** Registers an account; it is not signed in by that. Errors: `user_exists`, `invalid_request`, `too_many_requests`. */
  signUp(user: NewUser, options?: CallOptions): Promise<Done>

  /** Opens a session. Errors: `invalid_credentials`, `too_many_requests`, `overloaded`. */
  signIn(credentials: Credentials, options?: CallOptions): Promise<Session>

  /**
   * Ends the session: in this tab and others at once, and on the server. If that can't be reached, it rejects and this device
   * has forgotten the session all the same; in cookie mode, where only the server can take the cookies away, it goes on.
   */
  signOut(options?: CallOptions): Promise<Session>

  /** Who is signed in. */
  me(options?: CallOptions): Promise<CurrentUser>

  /**
   * Changes an account, one's own unless `username` names another.
   * Errors: `reauthentication_required`, `invalid_request`, `forbidden`, `user_not_found`, `last_administrator`.
   */
  updateUser(change: UserChange, options?: CallOptions): Promise<Done & { sessions_ended?: number | undefined }>

  /**
   * Deletes an account, one's own unless `username` names another.
   * Errors: `reauthentication_required`, `forbidden`, `user_not_found`, `last_administrator`.
   */
  deleteUser(deletion?: UserDeletion, options?: CallOptions): Promise<Done>

  /** One's own sessions, the one used last first. */
  sessions(options?: CallOptions): Promise<SessionView[]>

  /** Ends a session of one's own. Errors: `session_not_found`. */
  endSession(id: string, options?: CallOptions): Promise<Done>

  /** Ends all sessions of one's own but this. */
  endOtherSessions(options?: CallOptions): Promise<Done & { sessions_ended: number }>

  /** An access token that is good for a while, for other services that verify it. There is none in cookie mode. */
  accessToken(): Promise<string>
}

export interface VerbParts {
  api: RawApi
  keeper: SessionKeeper
  post: Post
  cookies: boolean
  retries: number
}

export function createVerbs({ api, keeper, post, cookies, retries }: VerbParts): Verbs {
  const me = (options?: CallOptions) => readData<CurrentUser>(api.users.me.$get({}, pass(options)), isUser)

  /** Whose account a change is about, and for which session alone it is. */
  async function target(username: string | undefined, options: CallOptions | undefined) {
    const init: AuthorizedInit = pass(options).init
    if (username !== undefined) return { username, init }
    const kept = await untilAborted(keeper.authorize(), options?.signal)
    return { username: (await me(options)).username, init: { ...init, as: kept?.id ?? 'nobody' } }
  }

  return {
    me,
    signUp: (json, options) => readData(api.user.$post({ json }, pass(options)), isDone),

    async signIn(credentials, options) {
      const path = cookies ? '/login?mode=cookie' : '/login'
      const signal = options?.signal
      const begun = keeper.begin(() => readGrant(post(path, { ...credentials }, options), !cookies), signal)
      await untilAborted(begun, signal)
      return keeper.session
    },

    async signOut(options) {
      const signal = options?.signal
      const looking = untilAborted(keeper.look(), signal)
      if (!cookies) void looking.catch(keeper.end)
      const kept = await looking
      if (cookies) await endByCookie(post('/logout', {}, { ...options, retries }))
      const forgotten = keeper.end()
      // Any refresh token of a session ends it, however old (RFC 7009): no access token has to live for that.
      const token = kept?.refresh_token
      if (token) await accept(post('/revoke', { token }, { ...options, retries, keepalive: true }))
      await untilAborted(forgotten, signal)
      return keeper.session
    },

    async updateUser(change, options) {
      const { username, init } = await target(change.username, options)
      return readData(api.user.$patch({ json: { ...change, username } }, { init }), isDone)
    },

    async deleteUser({ username: given, current_password } = {}, options) {
      const { username, init } = await target(given, options)
      const form = { username, current_password }
      const done = await readData<Done>(api.user.$delete({ form }, { init }), isDone)
      // The server ended the account's sessions. Whether this is one of them a name doesn't tell.
      if (given !== undefined) await me(options).catch(() => undefined)
      else if (keeper.session.id === init.as) await keeper.end()
      return done
    },

    async sessions(options) {
      const list = await readData<{ sessions: SessionView[] }>(api.sessions.$get({}, pass(options)), isList)
      return list.sessions
    },

    endSession: (id, options) => readData(api.sessions[':id'].$delete({ param: { id } }, pass(options)), isDone),
    endOtherSessions: (options) => readData(api.sessions.$delete({}, pass(options)), isCount),

    async accessToken() {
      const kept = await keeper.authorize()
      if (kept?.access_token) return kept.access_token
      throw notAuthenticated('No access token is at hand')
    },
  }
}

const isDone: Check = ({ message }) => isText(message)
const isCount: Check = ({ sessions_ended }) => typeof sessions_ended === 'number'
const isUser: Check = ({ id, username, role }) => [id, username, role].every(isText)
const isList: Check = ({ sessions }) => Array.isArray(sessions)

/** Without a cookie there is nothing to end, which the server calls not authenticated. */
async function endByCookie(answer: Promise<Response>): Promise<void> {
  if ((await answer).status !== 401) await accept(answer)
}

const pass = (options?: CallOptions) => ({ init: options?.signal ? { signal: options.signal } : {} })
