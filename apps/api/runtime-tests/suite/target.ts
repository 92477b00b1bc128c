/** What the HTTP suite runs against: the application in this process, or a server somewhere. */
export interface Target {
  fetch(path: string, init?: RequestInit): Promise<Response>
  /** Where a real server listens; undefined in-process. */
  url?: string
  stop(): Promise<unknown>
}

/** A target with an administrator from the start: the first one comes from the command line alone. */
export interface AdministeredTarget extends Target {
  /** Whose password is `goodPassword`. */
  administrator: string
}

export type Json = Record<string, unknown>

export interface Answer {
  status: number
  headers: Headers
  body: Json
}

export const goodPassword = 'a quiet harbour at dawn'

let names = 0

/** A username that no other test uses. */
export function freshName(prefix = 'user'): string {
  names += 1
  return `${prefix}-${names}-${Math.random().toString(36).slice(2, 8)}`
}

/** The calls of the tutorial's clients, over any target. */
export function createApi(target: Target) {
  async function send(path: string, init?: RequestInit): Promise<Answer> {
    const response = await target.fetch(path, init)
    const text = await response.text()
    const isJson = text !== '' && /json/.test(response.headers.get('Content-Type') ?? '')
    return { status: response.status, headers: response.headers, body: isJson ? (JSON.parse(text) as Json) : { text } }
  }

  const bearer = (token: string | undefined): Record<string, string> =>
    token === undefined ? {} : { Authorization: `Bearer ${token}` }

  const api = {
    send,
    get: (path: string, token?: string) => send(path, { headers: bearer(token) }),

    json: (method: string, path: string, body: unknown, token?: string) =>
      send(path, {
        method,
        headers: { 'Content-Type': 'application/json', ...bearer(token) },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),

    form: (method: string, path: string, fields: Record<string, string> | string, token?: string) =>
      send(path, {
        method,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...bearer(token) },
        body: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
      }),

    register: (username: string, password = goodPassword, rest: Json = {}) =>
      api.json('POST', '/user/', { username, password, ...rest }),

    login: (username: string, password = goodPassword) => api.form('POST', '/login', { username, password }),

    async token(username: string, password = goodPassword): Promise<string> {
      const { status, body } = await api.login(username, password)
      if (status !== 200) throw new Error(`sign-in of ${username} answered ${status} ${JSON.stringify(body)}`)
      return String(body['access_token'])
    },

    /** Resolves once a token is refused; what was changed behind the server's back reaches it within a second. */
    async untilRefused(token: string): Promise<void> {
      const begun = performance.now()
      for (;;) {
        const asked = performance.now() // when the answer comes says more about the machine
        if ((await api.get('/users/me', token)).status === 401) return
        if (asked - begun > 1000) throw new Error('the token is accepted after a second')
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },

    /** A registered account and its token. */
    async account(rest: Json = {}): Promise<{ username: string; token: string }> {
      const username = freshName()
      const { status, body } = await api.register(username, goodPassword, rest)
      if (status !== 200) throw new Error(`registration answered ${status} ${JSON.stringify(body)}`)
      return { username, token: await api.token(username) }
    },
  }
  return api
}

export type Api = ReturnType<typeof createApi>
