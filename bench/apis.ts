import type { HttpRequest } from './load.ts'

export interface Account {
  name: string
  password: string
}

export type Headers = Record<string, string>

/** How a server spells the workloads. */
export interface Api {
  currentUser(credentials: Headers): HttpRequest
  readUser?(credentials: Headers, name: string): HttpRequest
  accounts?: {
    register(account: Account): HttpRequest
    signIn(account: Account): HttpRequest
    /** The headers that prove who asks, from the answer to a sign-in. */
    credentials(response: Response): Promise<Headers>
  }
  sessions?: {
    /** The last field of its form holds the token. */
    refresh(token: string): HttpRequest
    logout(credentials: Headers): HttpRequest
  }
}

/** What Gatehouse calls a refresh token, in forms and in answers. */
export const refreshToken = 'refresh_token'

const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
const json = { 'Content-Type': 'application/json' }
/** Better Auth asks where a sign-in comes from; its peer trusts this origin. */
const fromFrontend = { ...json, Origin: 'http://localhost:3000' }

/** The tutorial's interface, which Gatehouse adds to. */
export const tutorialApi = {
  currentUser: (headers) => ({ method: 'GET', path: '/users/me', headers }),
  readUser: (headers, name) => ({ method: 'GET', path: `/user/?username=${name}`, headers }),
  accounts: {
    register: ({ name, password }) => post('/user/', json, JSON.stringify({ username: name, password })),
    signIn: ({ name, password }) => post('/login', form, String(new URLSearchParams({ username: name, password }))),
    async credentials(response) {
      const { access_token: token } = (await response.json()) as { access_token: string }
      return { Authorization: `Bearer ${token}` }
    },
  },
} satisfies Api

export const gatehouseApi = {
  ...tutorialApi,
  sessions: {
    refresh: (token) => post('/token', form, String(new URLSearchParams({ grant_type: 'refresh_token', [refreshToken]: token }))),
    logout: (headers) => ({ method: 'POST', path: '/logout', headers }),
  },
} satisfies Api

/** It looks at no header, but reads as many bytes as Gatehouse does. */
export const bareApi: Api = {
  currentUser: () => ({ method: 'GET', path: '/users/me', headers: { Authorization: `Bearer ${'x'.repeat(550)}` } }),
}

export const betterAuthApi: Api = {
  currentUser: (headers) => ({ method: 'GET', path: '/api/auth/get-session', headers }),
  accounts: {
    register: ({ name, password }) =>
      post('/api/auth/sign-up/email', fromFrontend, JSON.stringify({ name, email: mail(name), password })),
    signIn: ({ name, password }) =>
      post('/api/auth/sign-in/email', fromFrontend, JSON.stringify({ email: mail(name), password })),
    async credentials(response) {
      const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0])
      return { Cookie: cookies.join('; ') }
    },
  },
}

const post = (path: string, headers: Headers, body: string): HttpRequest => ({ method: 'POST', path, headers, body })
const mail = (name: string) => `${name}@example.com`
