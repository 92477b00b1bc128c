import type { Context } from 'hono'
import { routePath } from 'hono/route'
import type { Env, Log } from './context.ts'

/** What a client may choose as the id of its request: nothing that could break a log line or a header. */
const acceptableId = /^[\w=-]{1,255}$/

/**
 * Names each request, leaves the headers that its answer carries, and writes one line about it:
 * never a header, a body or a query value.
 */
export function nameAndLog(log: Log, standingHeaders: Record<string, string>) {
  return async function nameAndLog(c: Context<Env>, next: () => Promise<void>) {
    const start = performance.now()
    const wanted = c.req.header('X-Request-Id')
    const id = wanted !== undefined && acceptableId.test(wanted) ? wanted : crypto.randomUUID()
    c.set('requestId', id)
    c.set('headers', { ...standingHeaders, 'X-Request-Id': id })
    await next()
    writeLine(c, log, start)
  }
}

function writeLine(c: Context<Env>, log: Log, start: number): void {
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
