import type { Context } from 'hono'
import { type CookieOptions, parse, serialize } from 'hono/utils/cookie'
import { deviceLifetime } from '../limits/device-token.ts'
import type { TokenPair } from './issue-tokens.ts'

// The prefix makes browsers take them from this host alone, over TLS, for every path (RFC 6265bis §4.1.3.2).
const accessName = '__Host-gatehouse-access'
const refreshName = '__Host-gatehouse-refresh'
const deviceName = '__Host-gatehouse-device'

/** The tokens that a browser keeps out of JavaScript's reach. */
export interface CookieTokens {
  access: string | undefined
  refresh: string | undefined
}

/** What the browser kept of an earlier sign-in; it stays when a session ends. */
export function readDeviceCookie(c: Context): string | undefined {
  const header = c.req.header('Cookie')
  return header?.includes(deviceName) ? parse(header)[deviceName] : undefined
}

/** Adds what makes the browser known at the next sign-in. */
export function withDeviceCookie<R extends Response>(response: R, token: string): R {
  response.headers.append('Set-Cookie', cookie(deviceName, token, deviceLifetime))
  return response
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

type CookieName = typeof accessName | typeof refreshName | typeof deviceName

/** @param maxAge seconds */
function cookie(name: CookieName, value: string, maxAge: number): string {
  const attributes = { path: '/', secure: true, httpOnly: true, sameSite: 'Lax', maxAge: Math.min(maxAge, longest) } as const
  return serialize(name, value, attributes satisfies CookieOptions)
}

/** Seconds that a browser keeps a cookie at most (RFC 6265bis §5.5). */
const longest = 400 * 86_400
