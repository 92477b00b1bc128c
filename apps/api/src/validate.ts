import { zValidator } from '@hono/zod-validator'
import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import type { z } from 'zod'
import type { Env } from './context.ts'
import { deadline } from './deadline.ts'
import { type ErrorCode, type FieldError, type ProblemResponse, oauthProblem, problem } from './errors.ts'
import { documentHandler } from './openapi.ts'

const maxBodySize = 64 * 1024

const mediaTypes = {
  json: /^application\/(?:[\w.-]+\+)?json$/,
  form: /^(?:multipart\/form-data|application\/x-www-form-urlencoded)$/,
}

const bodyRefusals = ['request_timeout', 'payload_too_large', 'unsupported_media_type', 'invalid_request'] as const
type BodyRefusal = (typeof bodyRefusals)[number]

const oauthRefusals = ['request_timeout', 'payload_too_large', 'unsupported_media_type', 'invalid_oauth_request'] as const
type OAuthRefusal = (typeof oauthRefusals)[number]

type Refusals = { [Code in ErrorCode]: ProblemResponse<Code> }

/** A middleware that leaves what `schema` made of the request in `c.req.valid(target)`. */
type Validator<Target extends string, Schema extends z.ZodType, Codes extends ErrorCode> = MiddlewareHandler<
  Env,
  string,
  { in: { [K in Target]: z.input<Schema> }; out: { [K in Target]: z.output<Schema> } },
  Refusals[Codes]
>

/** Accepts a body of one kind, up to 64 KiB, and documents it. */
export function body<Target extends 'json' | 'form', Schema extends z.ZodType>(
  target: Target,
  schema: Schema,
): Validator<Target, Schema, BodyRefusal> {
  const validate = readBody(target, zValidator(target, schema, refuseInvalid))
  return documentHandler(validate, { body: { target, schema }, errors: bodyRefusals }) as Validator<Target, Schema, BodyRefusal>
}

/** As `body('json', …)`, but a request without a body is as good as one with `{}`. */
export function optionalBody<Schema extends z.ZodType>(schema: Schema): Validator<'json', Schema, BodyRefusal> {
  const validate = zValidator('json', schema, refuseInvalid)
  const read = readBody('json', validate)
  const readPresent = (c: Context<Env>, next: () => Promise<void>) =>
    isEmpty(c) ? (validate as unknown as Middleware)(c, next) : read(c, next)
  return documentHandler(readPresent, { body: { target: 'json', schema, optional: true }, errors: bodyRefusals }) as Validator<
    'json',
    Schema,
    BodyRefusal
  >
}

const isEmpty = (c: Context) =>
  ['Content-Type', 'Content-Encoding', 'Transfer-Encoding'].every((name) => c.req.header(name) === undefined) &&
  /^0*$/.test(c.req.header('Content-Length') ?? '')

/** As `body('form', …)`, but an invalid form is refused as OAuth2 libraries expect (RFC 6749 §5.2). */
export function oauthForm<Schema extends z.ZodType>(schema: Schema): Validator<'form', Schema, OAuthRefusal> {
  const refuse = (result: { success: boolean }, c: Context) =>
    result.success ? undefined : oauthProblem(c, 'invalid_oauth_request')
  const validate = readBody('form', refuseMalformed(zValidator('form', schema, refuse)))
  return documentHandler(validate, { body: { target: 'form', schema }, errors: oauthRefusals }) as Validator<
    'form',
    Schema,
    OAuthRefusal
  >
}

/** A form that hono can't parse is an invalid one. */
function refuseMalformed(validate: unknown) {
  return async function refuseMalformed(c: Context<Env>, next: () => Promise<void>) {
    try {
      return await (validate as Middleware)(c, next)
    } catch (error) {
      if (!(error instanceof HTTPException && error.status === 400)) throw error
      return oauthProblem(c, 'invalid_oauth_request', 'The form is malformed')
    }
  }
}

/** Looks at the media type and the size before `validate` reads the body, and gives up when it takes too long. */
function readBody(target: 'json' | 'form', validate: unknown) {
  const limit = bodyLimit({ maxSize: maxBodySize, onError: (c) => problem(c, 'payload_too_large') })

  return async function validateBody(c: Context<Env>, next: () => Promise<void>) {
    const mediaType = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase() ?? ''
    // Unpacking would let 64 KiB become gigabytes.
    const encoding = c.req.header('Content-Encoding') ?? 'identity'
    if (!mediaTypes[target].test(mediaType) || encoding.toLowerCase() !== 'identity') {
      return problem(c, 'unsupported_media_type')
    }
    c.set('readingBody', true)
    const proceed = () => {
      c.set('readingBody', false)
      return next()
    }
    let refusal: Response | void = undefined
    await deadline(c, async () => {
      refusal = await limit(c, () => (validate as Middleware)(c, proceed))
    })
    return refusal
  }
}

type Middleware = (c: Context, next: () => Promise<void>) => Promise<void>

/** Accepts query parameters, and documents them. */
export function query<Schema extends z.ZodType>(schema: Schema): Validator<'query', Schema, 'invalid_request'> {
  const validate = zValidator('query', schema, refuseInvalid)
  return documentHandler(validate, { query: schema, errors: ['invalid_request'] }) as unknown as Validator<
    'query',
    Schema,
    'invalid_request'
  >
}

interface Refused {
  issues: readonly { path: readonly PropertyKey[]; message: string }[]
}

function refuseInvalid(result: { success: true } | { success: false; error: Refused }, c: Context) {
  if (!result.success) return problem(c, 'invalid_request', { errors: result.error.issues.map(toFieldError) })
  return undefined
}

function toFieldError({ path, message }: Refused['issues'][number]): FieldError {
  return { path: path.map(String).join('.') || 'body', message }
}
