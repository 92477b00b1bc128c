import type { Context, MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { timeout } from 'hono/timeout'
import type { Env } from './context.ts'

/** Milliseconds. */
const patience = 10_000

/**
 * Answers after 10 s whatever is being waited for: a slow body, a long queue, a silent database. Stands before every
 * route that takes a body or asks the database; `body()` brings it along. A test names the routes that need none.
 */
export const deadline: MiddlewareHandler<Env> = timeout(
  patience,
  (c) => new HTTPException((c as Context<Env>).get('readingBody') ? 408 : 503),
)
