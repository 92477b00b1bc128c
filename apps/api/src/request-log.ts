import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import type { Env, Log } from './context.ts'

/** Writes one line per request: never a header, a body or a query value. */
export function requestLog(log: Log): MiddlewareHandler<Env> {
  return async function requestLog(c, next) {
    const start = performance.now()
    await next()
    const { status } = c.res
    const line = {
      request_id: c.get('requestId'),
      method: c.req.method,
      route: routePath(c, -1),
      status,
      duration_ms: Math.round((performance.now() - start) * 100) / 100,
      code: c.get('problem'),
    }
    if (status === 503) log.warn(line, 'request')
    else if (status >= 500) log.error(line, 'request')
    else log.info(line, 'request')
  }
}
