import { type Context, Hono } from 'hono'
import { originOf } from '../audit/origin.ts'
import type { Env } from '../context.ts'
import { deadline } from '../deadline.ts'
import { problem } from '../errors.ts'
import { operation } from '../openapi.ts'
import { presentsBearer, requireUser } from '../require-user.ts'
import type { Resources } from '../resources.ts'
import { json } from '../respond.ts'
import { comesFromSameOrigin } from '../same-origin.ts'
import { Message } from '../users/schema.ts'
import { readCookies, withoutCookies } from './cookies.ts'
import { revoke } from './revoke.ts'
import { SessionList, SessionPath, SessionsEnded, viewSession } from './schema.ts'

const signedOut = { message: 'Signed out' } as const
const ended = 'Session ended'

const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/

export function sessionRoutes(resources: Resources) {
  const { sessions, revocations, clock, clientAddress } = resources
  const circumstancesOf = (c: Context<Env>) => ({ now: clock(), origin: originOf(c, clientAddress) })
  const authenticated = requireUser(resources)

  return new Hono<Env>()
    .post(
      '/logout',
      operation({
        operationId: 'logout',
        summary: 'End the session that asks',
        tag: 'sessions',
        success: {
          description: 'Its tokens are refused from now on, within a second on every instance.',
          schema: Message(signedOut.message),
        },
      }),
      deadline,
      endCookieSession(resources),
      authenticated,
      async (c) => {
        const { sessionId, userId } = c.get('caller')
        await sessions.end(sessionId, { event: 'signed_out', ...circumstancesOf(c) }, userId)
        await revocations.catchUp()
        const response = json(c, signedOut, 200)
        return readCookies(c).access === undefined ? response : withoutCookies(response)
      },
    )
    .get(
      '/sessions',
      operation({
        operationId: 'listSessions',
        summary: 'One’s own sessions, the one used last first',
        tag: 'sessions',
        success: { description: 'Those that go on.', schema: SessionList },
      }),
      deadline,
      authenticated,
      async (c) => {
        const { userId, sessionId } = c.get('caller')
        const rows = await sessions.list(userId, clock())
        return json(c, { sessions: rows.map((row) => viewSession(row, sessionId)) }, 200)
      },
    )
    .delete(
      '/sessions',
      operation({
        operationId: 'endOtherSessions',
        summary: 'End all sessions of one’s own but the one that asks',
        tag: 'sessions',
        success: { description: 'How many there were.', schema: SessionsEnded },
        errors: ['session_not_found'],
      }),
      deadline,
      authenticated,
      async (c) => {
        // `/sessions/` is what is left of `/sessions/:id` when the id is empty: not what was meant.
        if (new URL(c.req.url).pathname.endsWith('/')) return problem(c, 'session_not_found')
        const { userId, sessionId } = c.get('caller')
        const count = await sessions.endOthers(userId, sessionId, circumstancesOf(c))
        await revocations.catchUp()
        return json(c, { message: 'Other sessions ended', sessions_ended: count } as const, 200)
      },
    )
    .delete(
      '/sessions/:id',
      operation({
        operationId: 'endSession',
        summary: 'End one session of one’s own',
        tag: 'sessions',
        params: SessionPath,
        success: { description: 'It is over.', schema: Message(ended) },
        errors: ['session_not_found'],
      }),
      deadline,
      authenticated,
      async (c) => {
        const id = c.req.param('id').toLowerCase()
        const event = { event: 'session_ended', ...circumstancesOf(c) } as const
        const found = uuid.test(id) && (await sessions.end(id, event, c.get('caller').userId))
        if (!found) return problem(c, 'session_not_found')
        await revocations.catchUp()
        return json(c, { message: ended } as const, 200)
      },
    )
}

/** A browser that signs out may hold no access token any more: its refresh token names the session as well. */
function endCookieSession(resources: Resources) {
  return async function endCookieSession(c: Context<Env>, next: () => Promise<void>) {
    const { access, refresh } = readCookies(c)
    if (refresh === undefined || presentsBearer(c)) return next()
    if (!comesFromSameOrigin(c, resources.settings.issuer)) return problem(c, 'cross_site_request')
    // Each names the session; a damaged one of the two must not leave the other alive.
    const circumstances = { now: resources.clock(), origin: originOf(c, resources.clientAddress) }
    for (const token of [refresh, access]) {
      if (token !== undefined) await revoke({ ...resources, ...circumstances }, token, 'signed_out')
    }
    return withoutCookies(json(c, signedOut, 200))
  }
}
