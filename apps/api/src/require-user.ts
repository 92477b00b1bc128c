import type { Context, MiddlewareHandler } from 'hono'
import type { Clock, Env } from './context.ts'
import { type ProblemResponse, problem } from './errors.ts'
import type { AccessTokens } from './keys/access-token.ts'
import { documentHandler } from './openapi.ts'
import type { Settings } from './resources.ts'
import { comesFromSameOrigin } from './same-origin.ts'
import { readCookies } from './sessions/cookies.ts'
import type { Revocations } from './sessions/revocations.ts'
import type { Traffic } from './traffic.ts'

const bearer = /^Bearer +(\S.*)$/i

export interface RequireUserDependencies {
  tokens: AccessTokens
  revocations: Revocations
  traffic: Traffic
  clock: Clock
  settings: Pick<Settings, 'issuer'>
}

const refusals = ['not_authenticated', 'invalid_token', 'mixed_credentials', 'cross_site_request'] as const
type Refusal = (typeof refusals)[number]

/**
 * Lets a request through that carries a valid access token (RFC 6750 §2.1, or a cookie) of a session that goes on,
 * and leaves its `caller`. Deleting or disabling an account ends its sessions, so the account lives too.
 */
export function requireUser({ tokens, revocations, traffic, clock, settings }: RequireUserDependencies) {
  const middleware: MiddlewareHandler<Env, string, object, { [C in Refusal]: ProblemResponse<C> }[Refusal]> =
    async function requireUser(c, next) {
      const { token, refusal = 'not_authenticated' } = presentedToken(c, settings.issuer)
      if (token === undefined) return problem(c, refusal)
      const caller = await tokens.verify(token, clock())
      if (!caller || !(await revocations.isLive(caller.sessionId, clock()))) return problem(c, 'invalid_token')
      traffic.note()
      c.set('caller', caller)
      return next()
    }
  return documentHandler(middleware, { authenticated: true, errors: refusals })
}

/** Whether the request carries a bearer token, good or not. */
export const presentsBearer = (c: Context) => bearer.test(c.req.header('Authorization') ?? '')

const safeMethods = new Set(['GET', 'HEAD'])

/** The one token of a request, or why it is not looked at. */
function presentedToken(c: Context<Env>, publicOrigin: string): { token?: string; refusal?: Refusal } {
  const token = bearer.exec(c.req.header('Authorization') ?? '')?.[1]
  const { access, refresh } = readCookies(c)
  if (token !== undefined) return access === undefined && refresh === undefined ? { token } : { refusal: 'mixed_credentials' }
  if (access === undefined) return {}
  if (!safeMethods.has(c.req.method) && !comesFromSameOrigin(c, publicOrigin)) return { refusal: 'cross_site_request' }
  return { token: access }
}
