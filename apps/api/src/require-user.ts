import type { MiddlewareHandler } from 'hono'
import type { Clock, Env } from './context.ts'
import { type ProblemResponse, problem } from './errors.ts'
import type { AccessTokens } from './keys/access-token.ts'
import { documentHandler } from './openapi.ts'

const bearer = /^Bearer +(\S.*)$/i

/**
 * Lets a request through that carries a valid access token (RFC 6750 §2.1) and leaves its `caller`.
 * Whether the caller's account still exists is for the handler's own statement to find out.
 */
export function requireUser({ tokens, clock }: { tokens: AccessTokens; clock: Clock }) {
  const middleware: MiddlewareHandler<
    Env,
    string,
    object,
    ProblemResponse<'not_authenticated'> | ProblemResponse<'invalid_token'>
  > = async function requireUser(c, next) {
    const token = bearer.exec(c.req.header('Authorization') ?? '')?.[1]
    if (token === undefined) return problem(c, 'not_authenticated')
    const caller = await tokens.verify(token, clock())
    if (!caller) return problem(c, 'invalid_token')
    c.set('caller', caller)
    return next()
  }
  return documentHandler(middleware, { authenticated: true, errors: ['not_authenticated', 'invalid_token'] })
}
