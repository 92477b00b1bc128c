import type { Env as HonoEnv, Hono } from 'hono'
import { z } from 'zod'
import { type ErrorCode, type FieldError, catalogue, oauthErrors, titleOf } from './errors.ts'
import { type DescribedRoute, type Fragment, type Operation, always, describedRoutes } from './openapi.ts'

type Json = Record<string, unknown>

/** The OpenAPI 3.1 document of every described route of `app`. */
export function buildOpenApi<E extends HonoEnv>(
  app: Pick<Hono<E>, 'routes'>,
  options: { version: string; serverUrl: string },
): Json {
  const paths: Record<string, Json> = {}
  const schemas: Json = {}
  for (const route of describedRoutes(app)) {
    const path = (paths[route.path] ??= {})
    path[route.method] = describeOperation(route.fragment, schemas)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Gatehouse',
      version: options.version,
      description: 'Users and sessions over HTTP: register, sign in, carry a token, read and change an account.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: options.serverUrl }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: { schemas, securitySchemes },
  }
}

const tags: Record<Operation['tag'], string> = {
  users: 'Accounts: register, read, change and delete.',
  administration: 'What administrators do besides with the accounts of others.',
  sessions: 'Sign in, refresh, sign out.',
  audit: 'What happened: of everybody for administrators, of one’s own account for everybody.',
  keys: 'The public keys that verify access tokens.',
  service: 'Health, and this documentation.',
}

const securitySchemes = {
  password: {
    type: 'oauth2',
    description: 'Sign in with a username and a password. For first-party clients only (RFC 9700 §2.4).',
    flows: { password: { tokenUrl: '/login', refreshUrl: '/token', scopes: {} } },
  },
  cookie: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-gatehouse-access',
    description: 'Set by `POST /login?mode=cookie`. Accepted from pages of this origin only.',
  },
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An access token from `POST /login` or `POST /token`.',
  },
}

function describeOperation(fragment: DescribedRoute['fragment'], schemas: Json): Json {
  const { operation: described, authenticated, body, query, errors = [] } = fragment
  return {
    operationId: described.operationId,
    summary: described.summary,
    tags: [described.tag],
    security: authenticated ? [{ password: [] }, { bearer: [] }, { cookie: [] }] : [],
    ...describeParameters({ path: described.params, query }),
    ...(body && { requestBody: { required: body.optional !== true, content: describeBody(body, schemas) } }),
    responses: { '200': describeSuccess(described.success, schemas), ...describeErrors([...errors, ...always], schemas) },
  }
}

const formTypes = ['application/x-www-form-urlencoded', 'multipart/form-data']

function describeBody({ target, schema }: NonNullable<Fragment['body']>, schemas: Json): Json {
  const media = { schema: refer(schema, 'input', schemas) }
  return Object.fromEntries((target === 'json' ? ['application/json'] : formTypes).map((type) => [type, media]))
}

function describeSuccess(success: Operation['success'], schemas: Json): Json {
  const content =
    'schema' in success
      ? { 'application/json': { schema: refer(success.schema, 'output', schemas) } }
      : { [success.mediaType]: { schema: { type: 'string' } } }
  return { description: success.description, headers: { 'X-Request-Id': requestIdHeader }, content }
}

const requestIdHeader = { description: 'Names this request in the log.', schema: { type: 'string' } }

interface ObjectSchema {
  properties?: Record<string, { examples?: readonly unknown[] }>
  required?: readonly string[]
}

function describeParameters(places: { path: z.ZodType | undefined; query: z.ZodType | undefined }): Json {
  const { path, query } = places
  const parameters = [...(path ? parametersIn('path', path) : []), ...(query ? parametersIn('query', query) : [])]
  return parameters.length > 0 ? { parameters } : {}
}

function parametersIn(place: 'path' | 'query', schema: z.ZodType): Json[] {
  const { properties = {}, required = [] } = toJsonSchema(schema, 'input').json as ObjectSchema
  return Object.entries(properties).map(([name, { examples, ...property }]) => ({
    name,
    in: place,
    required: required.includes(name),
    schema: property,
    ...(examples && { example: examples[0] }), // the docs page fills its form from here, not from the schema
  }))
}

/** One response per status, one schema per code. */
function describeErrors(codes: ErrorCode[], schemas: Json): Json {
  const byStatus = Map.groupBy(new Set(codes), (code) => catalogue[code][0])
  return Object.fromEntries(
    [...byStatus].toSorted(([a], [b]) => a - b).map(([status, group]) => [String(status), describeError(group, schemas)]),
  )
}

function describeError(codes: ErrorCode[], schemas: Json): Json {
  const options = codes.map((code) => refer(problemSchema(code), 'output', schemas))
  const [first] = options
  const schema = options.length === 1 ? first : { oneOf: options }
  const examples = Object.fromEntries(codes.map((code) => [code, { value: exampleProblem(code) }]))
  return {
    description: codes.map((code) => `\`${code}\`: ${catalogue[code][1]}`).join(' · '),
    headers: { 'X-Request-Id': requestIdHeader, ...errorHeaders(codes) },
    content: { [mediaTypeOf(codes)]: { schema, examples } },
  }
}

const mediaTypeOf = (codes: ErrorCode[]) =>
  codes.every((code) => code in oauthErrors) ? 'application/json' : 'application/problem+json'

function errorHeaders(codes: ErrorCode[]): Json {
  if (codes.includes('not_authenticated')) return { 'WWW-Authenticate': challengeHeader }
  if (codes.includes('too_many_requests')) return { 'Retry-After': retryAfterHeader, ...rateLimitHeaders }
  return codes.includes('unavailable') ? { 'Retry-After': retryAfterHeader } : {}
}

const challengeHeader = { description: '`Bearer`, and why a token was refused (RFC 6750 §3).', schema: { type: 'string' } }
const retryAfterHeader = { description: 'Seconds to wait before trying again.', schema: { type: 'integer' } }

const rateLimitHeaders = {
  'RateLimit-Policy': {
    description: 'The limit: its name, how many attempts (q) in how many seconds (w).',
    schema: { type: 'string', examples: ['"sign-in";q=20;w=900'] },
  },
  RateLimit: {
    description: 'How many are left (r), and the seconds after which there are more (t).',
    schema: { type: 'string', examples: ['"sign-in";r=0;t=123'] },
  },
}

const exampleErrors: FieldError[] = [{ path: 'username', message: 'must have 1 to 64 characters' }]

const extensions: Partial<Record<ErrorCode, { schema: z.ZodRawShape; example: Json }>> = {
  invalid_grant: oauthExtension('invalid_grant'),
  unsupported_grant_type: oauthExtension('unsupported_grant_type'),
  invalid_oauth_request: oauthExtension('invalid_oauth_request'),
  invalid_credentials: { schema: { error: z.literal('invalid_grant') }, example: { error: 'invalid_grant' } },
  invalid_request: {
    schema: { errors: z.array(z.object({ path: z.string(), message: z.string() })) },
    example: { errors: exampleErrors },
  },
  not_ready: {
    schema: { checks: z.record(z.string(), z.string()) },
    example: { checks: { database: 'ok', migrations: 'ok', keys: 'ok' } },
  },
}

function oauthExtension(code: keyof typeof oauthErrors): { schema: z.ZodRawShape; example: Json } {
  const error = oauthErrors[code]
  return {
    schema: { error: z.literal(error), error_description: z.string() },
    example: { error, error_description: catalogue[code][1] },
  }
}

const problemSchemas = new Map<ErrorCode, z.ZodType>()

function problemSchema(code: ErrorCode): z.ZodType {
  const known = problemSchemas.get(code)
  if (known) return known
  const name = code.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())
  const members = {
    type: z.string(),
    title: z.string(),
    status: z.literal(catalogue[code][0]),
    detail: z.string(),
    code: z.literal(code),
    request_id: z.string(),
    ...extensions[code]?.schema,
  }
  const schema = z.looseObject(members).meta({ id: `${name}Problem` })
  problemSchemas.set(code, schema)
  return schema
}

function exampleProblem(code: ErrorCode): Json {
  const [status, detail] = catalogue[code]
  const title = titleOf(status)
  const request_id = '5f1d8e0e-5d0c-4a52-9f0e-0c2f6f8f7a11'
  return { type: 'about:blank', title, status, detail, code, request_id, ...extensions[code]?.example }
}

/** A reference to a named schema, which is added to `schemas` with those it holds; an unnamed one stands inline. */
function refer(schema: z.ZodType, io: 'input' | 'output', schemas: Json): Json {
  const id = schema.meta()?.id
  const { json, named } = toJsonSchema(schema, io)
  for (const [name, definition] of Object.entries(id === undefined ? named : { ...named, [id]: json })) {
    const namesake = schemas[name]
    if (namesake && JSON.stringify(namesake) !== JSON.stringify(definition)) throw new Error(`Two schemas are named ${name}`)
    schemas[name] = definition
  }
  return id === undefined ? json : { $ref: `#/components/schemas/${id}` }
}

/**
 * Of OpenAPI 3.1's dialect, JSON Schema 2020-12, and the named schemas that it refers to.
 * zod keeps those in `$defs`, at times the schema itself; here each stands bare.
 */
function toJsonSchema(schema: z.ZodType, io: 'input' | 'output'): { json: Json; named: Record<string, Json> } {
  const text = JSON.stringify(z.toJSONSchema(schema, { io, unrepresentable: 'any', override: keepExamples }))
  const { $defs = {}, ...root } = JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/')) as Definitions
  const named = Object.fromEntries(Object.entries($defs).map(([name, definition]) => [name, withoutNames(definition)]))
  const id = schema.meta()?.id
  return { json: (id !== undefined && named[id]) || withoutNames(root), named }
}

type Definitions = Json & { $defs?: Record<string, Json> }

const withoutNames = ({ $schema: _schema, id: _id, ...bare }: Json): Json => bare

/** zod drops the examples of a schema that transforms its input, as being of its output; here they are of both. */
function keepExamples({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodType; jsonSchema: Json }): void {
  const examples = z.globalRegistry.get(zodSchema)?.['examples']
  if (examples !== undefined) jsonSchema['examples'] = examples
}
