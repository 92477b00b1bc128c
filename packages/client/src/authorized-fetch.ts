import { notAuthenticated } from './errors.ts'
import type { Kept } from './kept.ts'
import type { SessionKeeper } from './session-keeper.ts'
import { type Send, discard, untilAborted } from './transport.ts'

/** What carries its own proof, or asks for none. */
const open = /^\/(login|token|revoke|password\/reset|health\/\w+|\.well-known\/[\w.-]+)(\?|$)/

/** A request that may be one account's alone. */
export interface AuthorizedInit extends RequestInit {
  /** `id` of the session that it is for: with another it is not sent. */
  as?: string | undefined
}

/**
 * `send` with the session's access token. While somebody is signed in nothing is sent without; what was refused for its
 * token is sent once more with a new one.
 *
 * @param strict whether nothing is sent when nobody is signed in
 */
export function createAuthorizedFetch(send: Send, keeper: SessionKeeper, base: string, strict: boolean) {
  return async function authorizedFetch(url: string, { as, ...init }: AuthorizedInit): Promise<Response> {
    const options = { whole: strict }
    if (bringsItsOwn(url.slice(base.length), init)) return send(url, init, options)
    const kept = await untilAborted(keeper.authorize(), init.signal)
    if (!kept && strict) throw notAuthenticated('Nobody is signed in')
    if (as !== undefined && kept?.id !== as) throw notAuthenticated('Somebody else signed in')
    const response = await send(url, withToken(init, kept), options)
    // A stream has been read: it can't be sent twice.
    if (response.status !== 401 || !kept || init.body instanceof ReadableStream || 'duplex' in init) return response
    const renewed = await untilAborted(keeper.authorize(kept), init.signal)
    if (renewed?.id !== kept.id) return response
    discard(response)
    return send(url, withToken(init, renewed), options)
  }
}

function bringsItsOwn(path: string, { method, headers }: RequestInit): boolean {
  const given = new Headers(headers)
  return given.has('Authorization') || given.has('Cookie') || open.test(path) || (method === 'POST' && path === '/user')
}

function withToken(init: RequestInit, kept: Kept | undefined): RequestInit {
  const headers = new Headers(init.headers)
  if (kept?.access_token) headers.set('Authorization', `Bearer ${kept.access_token}`)
  return { ...init, headers }
}
