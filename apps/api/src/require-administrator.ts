import type { MiddlewareHandler } from 'hono'
import type { Env } from './context.ts'
import { type ProblemResponse, problem } from './errors.ts'
import { documentHandler } from './openapi.ts'

/** Stands behind `requireUser`. The role is the token's: losing it ends the session, so it is never old for long. */
const refuseOthers: MiddlewareHandler<Env, string, object, ProblemResponse<'forbidden'>> = async function requireAdministrator(
  c,
  next,
) {
  if (c.get('caller').role !== 'admin') return problem(c, 'forbidden', { detail: 'Only an administrator may do this' })
  return next()
}

export const requireAdministrator = documentHandler(refuseOthers, { errors: ['forbidden'] })
