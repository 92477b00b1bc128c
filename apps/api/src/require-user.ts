import type { MiddlewareHandler } from 'hono'
import type { Clock, Env } from './context.ts'
import { type ProblemResponse, problem } from './errors.ts'
import type { AccessTokens } from './keys/access-token.ts'
import { documentHandler } from './openapi.ts'
import type { Revocations } from './sessions/revocations.ts'

const bearer = /^Bearer +(\S.*)$/i

/**
 * Lets a request through that carries a valid access token (RFC 6750 §2.1) of a session that goes on,
 * and leaves its `caller`. Deleting or disabling an account ends its sessions, so the account lives too.
 */
export function requireUser({ tokens, revocations, clock }: { tokens: AccessTokens; revocations: Revocations; clock: Clock }) {
  const middleware: MiddlewareHandler<
    Env,
    string,
    object,
    ProblemResponse<'not_authenticated'> | ProblemResponse<'invalid_token'>
  > = async function requireUser(c, next) {
    const token = bearer.exec(c.req.header('Authorization') ?? '')?.[1]
    if (token === undefined) return problem(c, 'not_authenticated')
    const now = clock()
    const caller = await tokens.verify(token, now)
    if (!caller || !(await revocations.isLive(caller.sessionId, now))) return problem(c, 'invalid_token')
    c.set('caller', caller)
    return next()
  }
  return documentHandler(middleware, { authenticated: true, errors: ['not_authenticated', 'invalid_token'] })
}
