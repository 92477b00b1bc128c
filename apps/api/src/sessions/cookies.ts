import type { Context } from 'hono'
import { type CookieOptions, parse, serialize } from 'hono/utils/cookie'
import type { TokenPair } from './issue-tokens.ts'

// The prefix makes browsers take them from this host alone, over TLS, for every path (RFC 6265bis §4.1.3.2).
const accessName = '__Host-gatehouse-access'
const refreshName = '__Host-gatehouse-refresh'

/** The tokens that a browser keeps out of JavaScript's reach. */
export interface CookieTokens {
  access: string | undefined
  refresh: string | undefined
}

const none: CookieTokens = { access: undefined, refresh: undefined }

export function readCookies(c: Context): CookieTokens {
  const header = c.req.header('Cookie')
  if (header === undefined || !header.includes('__Host-gatehouse-')) return none
  const { [accessName]: access, [refreshName]: refresh } = parse(header)
  return { access: access || undefined, refresh: refresh || undefined }
}

/** Adds the cookies of a session to its answer. */
export function withCookies<R extends Response>(response: R, tokens: TokenPair): R {
  response.headers.append('Set-Cookie', cookie(accessName, tokens.accessToken, tokens.expiresIn))
  response.headers.append('Set-Cookie', cookie(refreshName, tokens.refreshToken, tokens.refreshExpiresIn))
  return response
}

/** Takes the cookies away: their session is over. */
export function withoutCookies<R extends Response>(response: R): R {
  for (const name of [accessName, refreshName] as const) response.headers.append('Set-Cookie', cookie(name, '', 0))
  return response
}

/** @param maxAge seconds */
function cookie(name: typeof accessName | typeof refreshName, value: string, maxAge: number): string {
  const attributes = { path: '/', secure: true, httpOnly: true, sameSite: 'Lax', maxAge: Math.min(maxAge, longest) } as const
  return serialize(name, value, attributes satisfies CookieOptions)
}

/** Seconds that a browser keeps a cookie at most (RFC 6265bis §5.5). */
const longest = 400 * 86_400
