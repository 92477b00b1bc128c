import { expect } from 'vitest'
import { type Answer, type Api, type Json, freshName } from './target.ts'

/** An account, and a session of it. */
export interface Owner {
  username: string
  id: string
  token: string
  refreshToken: string
  sessionId: string
}

/** What accounts do, one after the other. */
export function createOwners(api: () => Api) {
  async function signIn(username: string): Promise<Owner> {
    const { status, body } = await api().login(username)
    expect(status).toBe(200)
    const token = String(body['access_token'])
    const id = String((await api().get('/users/me', token)).body['id'])
    const sessions = (await api().get('/sessions', token)).body['sessions'] as Json[]
    const current = sessions.find((session) => session['current'])
    return { username, id, token, refreshToken: String(body['refresh_token']), sessionId: String(current?.['id']) }
  }

  return {
    signIn,

    async account(): Promise<Owner> {
      const username = freshName()
      await api().register(username)
      return signIn(username)
    },

    /** A request with an id of its own, which its event is found by. */
    call(requestId: string, method: string, path: string, { token, form, json, cookie }: Call = {}): Promise<Answer> {
      const body = form ? new URLSearchParams(form).toString() : json && JSON.stringify(json)
      const headers = {
        'X-Request-Id': requestId,
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        ...(cookie !== undefined && { Cookie: cookie, 'Sec-Fetch-Site': 'same-origin' }),
        ...(body !== undefined && { 'Content-Type': form ? 'application/x-www-form-urlencoded' : 'application/json' }),
      }
      return api().send(path, { method, headers, ...(body !== undefined && { body }) })
    },
  }
}

interface Call {
  token?: string
  form?: Record<string, string>
  json?: Json
  cookie?: string
}

/** The events in an answer. */
export const eventsIn = ({ body }: Answer) => body['events'] as Json[]
