import type { Grant } from './kept.ts'
import { isText, readData } from './response.ts'
import { toParams } from './rpc.ts'
import { type RequestHeaders, type Send, failure, resolveHeaders, untilAborted } from './transport.ts'

/** Posts a form to one of OAuth2's endpoints, without the session. */
export type Post = (
  path: string,
  form: Record<string, string | undefined>,
  options?: { retries?: number; signal?: AbortSignal | undefined; keepalive?: boolean },
) => Promise<Response>

export function createPost(send: Send, base: string, headers: RequestHeaders | undefined): Post {
  return async function post(path, form, { retries = 0, ...options } = {}) {
    const { signal } = options
    try {
      const given = await untilAborted(resolveHeaders(headers), signal)
      const init = { ...options, method: 'POST', body: toParams(form), headers: given } as RequestInit
      return await send(base + path, init, { retries, whole: true })
    } catch (cause) {
      throw failure(cause, signal)
    }
  }
}

/**
 * Exchanges a refresh token, or in cookie mode the cookie, for the next grant (RFC 6749 §6). It may be tried again: the same
 * token gets the same successor for half a minute.
 */
export function exchangeToken(post: Post, token: string | undefined, retries: number): Promise<Grant> {
  const form = { grant_type: 'refresh_token', refresh_token: token }
  return readGrant(post('/token', form, { retries }), token !== undefined)
}

/** @param tokens whether the answer holds them; in cookie mode it doesn't */
export function readGrant(call: Promise<Response>, tokens: boolean): Promise<Grant> {
  const members = ['access_token', 'refresh_token']
  const isGrant = (body: Record<string, unknown>) =>
    typeof body.expires_in === 'number' && members.every((name) => tokens === (isText(body[name]) && body[name] !== ''))
  return readData(call, isGrant)
}
