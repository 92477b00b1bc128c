import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { HTTPException } from 'hono/http-exception'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { auditRoutes } from './audit/routes.ts'
import type { Env, Log } from './context.ts'
import { Abandoned, Overloaded } from './crypto/semaphore.ts'
import { classifyDatabaseError, describeError } from './db/database-error.ts'
import { docsRoutes } from './docs/routes.ts'
import { problem } from './errors.ts'
import { exportRoutes } from './export/routes.ts'
import { healthRoutes } from './health/routes.ts'
import { keyRoutes } from './keys/routes.ts'
import { buildOpenApi } from './openapi-document.ts'
import { nameAndLog } from './request-log.ts'
import { LimitsUnavailable, TooManyRequests, answerTooMany } from './limits/too-many-requests.ts'
import { passwordResetRoutes } from './password-resets/routes.ts'
import type { Resources, Settings } from './resources.ts'
import { metadataRoutes } from './sessions/metadata-routes.ts'
import { sessionRoutes } from './sessions/routes.ts'
import { tokenRoutes } from './sessions/token-routes.ts'
import { userListRoutes } from './user-list/routes.ts'
import { userRoutes } from './users/routes.ts'
import { version } from './version.ts'

/** The application: web standards only, so `fetch` of what it returns runs anywhere. */
export function createApp(resources: Resources) {
  const { settings, log } = resources
  const app = new Hono<Env>({ strict: false })
  app.use(nameAndLog(log, standingHeaders(settings)))
  if (settings.corsOrigins.length > 0) app.use(crossOrigin(settings.corsOrigins))
  app.notFound(refuseUnknown(app))
  app.onError((error, c) => answerError(error, c, log))

  let document: string | undefined
  const describe = () => (document ??= JSON.stringify(buildOpenApi(app, { version, serverUrl: '/' })))
  return app
    .route('/', userRoutes(resources))
    .route('/', userListRoutes(resources))
    .route('/', passwordResetRoutes(resources))
    .route('/', tokenRoutes(resources))
    .route('/', sessionRoutes(resources))
    .route('/', metadataRoutes(resources))
    .route('/', auditRoutes(resources))
    .route('/', exportRoutes(resources))
    .route('/', keyRoutes(resources))
    .route('/', healthRoutes(resources))
    .route('/', docsRoutes(describe, resources.docsAssets))
}

/** The routes with their inputs and outputs, of which the client’s calls are made. */
export type AppType = ReturnType<typeof createApp>

/** What every answer carries besides its request's id. */
function standingHeaders({ hstsMaxAge }: Settings): Record<string, string> {
  return {
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store', // almost every answer holds a token or an account
    ...(hstsMaxAge > 0 && { 'Strict-Transport-Security': `max-age=${hstsMaxAge}` }),
  }
}

function crossOrigin(origins: readonly string[]) {
  const answerPreflight = cors({
    origin: [...origins],
    allowMethods: ['GET', 'POST', 'PATCH', 'DELETE'],
    allowHeaders: ['Authorization', 'Content-Type', 'X-Request-Id'],
    exposeHeaders: ['X-Request-Id', 'Retry-After', 'RateLimit', 'RateLimit-Policy', 'WWW-Authenticate'],
    maxAge: 600,
  })
  return async function crossOrigin(c: Context<Env>, next: () => Promise<void>) {
    if (c.req.method === 'OPTIONS') for (const [name, value] of Object.entries(c.get('headers'))) c.header(name, value)
    return answerPreflight(c, next)
  }
}

/** 404, or 405 where another method would be answered. Asked only then, since for most requests there is nothing to ask. */
function refuseUnknown(app: Hono<Env>) {
  const lookForMethods = methodNotAllowed({ app, onMethodNotAllowed: refuseMethod })
  return async function refuseUnknown(c: Context<Env>) {
    c.res = problem(c, 'not_found')
    await lookForMethods(c, () => Promise.resolve())
    return c.res
  }
}

function refuseMethod(c: Context<Env>, methods: string[]) {
  const response = problem(c, 'method_not_allowed')
  response.headers.set('Allow', methods.join(', '))
  return response
}

function answerError(error: Error, c: Context<Env>, log: Log) {
  if (error instanceof TooManyRequests) return answerTooMany(c, error)
  if (error instanceof Overloaded || error instanceof Abandoned) return problem(c, 'overloaded') // who abandoned it sees nothing
  if (error instanceof HTTPException && error.status === 408) return problem(c, 'request_timeout')
  if (error instanceof HTTPException && error.status === 503) return problem(c, 'timeout')
  // hono could not parse the body, or the client broke off in the middle of it.
  if (c.get('readingBody')) return problem(c, 'invalid_request', { errors: [malformedBody] })
  const fields = { request_id: c.get('requestId'), error: describeError(error) }
  if (error instanceof LimitsUnavailable) {
    log.warn({ ...fields, error: describeError(error.cause ?? error) }, 'attempts could not be counted')
    return problem(c, 'unavailable')
  }
  const failure = classifyDatabaseError(error)
  if (failure === 'invalid_data') return problem(c, 'invalid_request', { errors: [] })
  if (failure === 'unavailable') {
    log.warn(fields, 'the database is unavailable')
    return problem(c, 'unavailable')
  }
  log.error(fields, 'request failed')
  return problem(c, 'internal_error')
}

const malformedBody = { path: 'body', message: 'must be well-formed, in the media type that Content-Type names' }
