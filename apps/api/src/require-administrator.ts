import type { MiddlewareHandler } from 'hono'
import type { Env } from './context.ts'
import { type ProblemResponse, problem } from './errors.ts'
import { documentHandler } from './openapi.ts'

const refuseOthers: MiddlewareHandler<Env, string, object, ProblemResponse<'forbidden'>> = async function requireAdministrator(
  c,
  next,
) {
  if (c.get('caller').role !== 'admin') return problem(c, 'forbidden', { detail: 'Only an administrator may do this' })
  return next()
}

/** Behind `requireUser`: lets administrators through. The role is the token's; another role ends the session that it is of. */
export const requireAdministrator = documentHandler(refuseOthers, { errors: ['forbidden'] })
