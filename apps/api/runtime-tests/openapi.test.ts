import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { OpenDatabase } from '../src/db/open.ts'
import { catalogue } from '../src/errors.ts'
import { operation } from '../src/openapi.ts'
import { buildOpenApi } from '../src/openapi-document.ts'
import { createTestApp, openTestEmbedded } from './in-process.ts'
import { type Json, createApi } from './suite/target.ts'

interface Media {
  schema?: Schema
}

interface Schema extends Json {
  $ref?: string
  properties?: Record<string, Schema>
}

interface Operation {
  operationId: string
  summary: string
  tags: string[]
  security: Json[]
  parameters?: Json[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, { content: Record<string, Media> }>
}

interface Document extends Json {
  openapi: string
  tags: { name: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, Json> }
}

let database: OpenDatabase | undefined
let api: ReturnType<typeof createApi>
let document: Document

beforeAll(async () => {
  database = await openTestEmbedded()
  api = await start(8)
  document = await read(api)
})
afterAll(() => database?.close())

async function start(passwordMinLength: number): Promise<ReturnType<typeof createApi>> {
  if (!database) throw new Error('the database is not open')
  const { app } = await createTestApp(database, { settings: { passwordMinLength } })
  return createApi({ fetch: async (path, init) => app.request(path, init), stop: async () => undefined })
}

const read = async (from: typeof api) => (await from.get('/openapi.json')).body as Document

/** Every operation with the method and path that call it. */
const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, described]) => ({ method: method.toUpperCase(), path, described })),
  )

/** The codes of the errors that an operation answers. */
const codesOf = ({ responses }: Operation) => [...walk(responses)].flatMap(({ node }) => Object.keys(node['examples'] ?? {}))

const dereference = (from: Document, schema: Schema | undefined): Schema =>
  schema?.$ref === undefined ? (schema ?? {}) : ((pointed(from, schema.$ref) ?? {}) as Schema)

/** What a `#/…` reference points at (RFC 6901), or undefined. */
function pointed(from: Json, reference: string): unknown {
  const names = reference.split('/').slice(1)
  const unescaped = names.map((name) => decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~'))
  return unescaped.reduce<unknown>((node, name) => (node as Json | undefined)?.[name], from)
}

/** Every object inside `node`, itself included, with its place. */
function* walk(node: unknown, place = '#'): Generator<{ place: string; node: Json }> {
  if (typeof node !== 'object' || node === null) return
  if (!Array.isArray(node)) yield { place, node: node as Json }
  for (const [name, child] of Object.entries(node)) yield* walk(child, `${place}/${name}`)
}

describe('the OpenAPI document', () => {
  test('is OpenAPI 3.1', () => expect(document.openapi).toMatch(/^3\.1\.\d+$/))

  test('describes each operation whole', () => {
    const tags = document.tags.map(({ name }) => name)
    expect(operations().length).toBeGreaterThan(0)
    for (const { method, path, described } of operations()) {
      const where = `${method} ${path}`
      expect(described.operationId, where).toMatch(/^[a-z][A-Za-z]+$/)
      expect(described.summary, where).toMatch(/\w/)
      expect(tags, where).toContain(described.tags[0])
      expect(described.security, where).toBeInstanceOf(Array)
      const content = Object.values(described.responses['200']?.content ?? {})
      expect(content.length, where).toBe(1)
      const { type, anyOf } = dereference(document, content[0]?.schema)
      expect(type ?? anyOf, where).toBeDefined()
      const takesInput = described.requestBody ?? described.parameters?.some((parameter) => parameter['in'] === 'query')
      if (takesInput) expect(codesOf(described), where).toContainEqual(expect.stringMatching(/^invalid_(?:oauth_)?request$/))
    }
  })

  test('names every operation and every schema once', () => {
    const ids = operations().map(({ described }) => described.operationId)
    const names = Object.keys(document.components.schemas).map((name) => name.toLowerCase())
    expect(ids.length).toBe(new Set(ids).size)
    expect(names.length).toBe(new Set(names).size)
  })

  test('resolves every reference', () => {
    const references = [...walk(document)].flatMap(({ node }) => (typeof node['$ref'] === 'string' ? [node['$ref']] : []))
    expect(references.length).toBeGreaterThan(0)
    expect(references.filter((reference) => pointed(document, reference) === undefined)).toEqual([])
  })

  test('has every code of the catalogue that a described route can answer', () => {
    const documented = new Set(operations().flatMap(({ described }) => codesOf(described)))
    const missing = Object.keys(catalogue).filter((code) => !documented.has(code))
    expect(missing).toEqual(['not_found', 'method_not_allowed']) // no described route answers these
  })

  test('asks for a token exactly where the routes do', async () => {
    const demanding: string[] = []
    for (const { method, path, described } of operations()) {
      const { body } = await api.send(path, { method })
      if (body['code'] === 'not_authenticated') demanding.push(described.operationId)
      const secured = body['code'] === 'not_authenticated' ? [{ password: [] }, { bearer: [] }, { cookie: [] }] : []
      expect([described.operationId, described.security]).toEqual([described.operationId, secured])
      if (secured.length > 0) expect(described.responses, described.operationId).toHaveProperty('401')
    }
    const accounts = ['getUser', 'updateUser', 'deleteUser', 'getCurrentUser']
    const administration = ['listUsers', 'issuePasswordReset']
    const sessions = ['logout', 'listSessions', 'endOtherSessions', 'endSession']
    const events = ['listAuditEvents', 'listOwnEvents', 'exportOwnAccount']
    expect(demanding).toEqual([...accounts, ...administration, ...sessions, ...events])
  })

  test('signs in at /login', () => {
    const { password, bearer } = document.components.securitySchemes
    expect(password).toMatchObject({ type: 'oauth2', flows: { password: { tokenUrl: '/login' } } })
    expect(bearer).toMatchObject({ type: 'http', scheme: 'bearer' })
  })

  test.each([8, 15, 64])('says that a new password has at least %i characters where that is configured', async (minLength) => {
    const configured = await read(await start(minLength))
    const media = configured.paths['/user/']?.['post']?.requestBody?.content['application/json']
    expect(dereference(configured, media?.schema).properties?.['password']).toMatchObject({ minLength, maxLength: 256 })
    expect(faultyExamples(configured)).toEqual([])
  })
})

describe('the examples of the OpenAPI document', () => {
  test('fit their own schemas', () => {
    const places = examplesIn(document).map(({ place }) => place)
    expect(places).toEqual(
      expect.arrayContaining([
        '#/components/schemas/NewUser/properties/username',
        '#/components/schemas/User',
        '#/paths//user//get/parameters/0',
        '#/paths//login/post/responses/401/content/application/problem+json',
      ]),
    )
    expect(faultyExamples(document)).toEqual([])
  })

  test('are what a first visitor can send as they stand', async () => {
    const path = '/user/'
    expect(await api.json('POST', path, exampleBody(path, 'post'))).toMatchObject({ status: 200 })
    const login = await api.form('POST', '/login', exampleBody('/login', 'post'))
    expect(login).toMatchObject({ status: 200 })
    const token = String(login.body['access_token'])
    const [parameter] = document.paths[path]?.['get']?.parameters ?? []
    expect(await api.get(`${path}?username=${String(parameter?.['example'])}`, token)).toMatchObject({ status: 200 })
    expect(await api.json('PATCH', path, exampleBody(path, 'patch'), token)).toMatchObject({ status: 200 })
    expect(await api.form('DELETE', path, exampleBody(path, 'delete'), token)).toMatchObject({ status: 200 })
  })
})

test('buildOpenApi() refuses two schemas of one name', () => {
  const describing = (operationId: string, shape: z.ZodRawShape) =>
    operation({
      operationId,
      summary: operationId,
      tag: 'service',
      success: { description: 'Any.', schema: z.object(shape).meta({ id: 'Twin' }) },
    })
  const app = new Hono().get('/a', describing('a', { a: z.string() })).get('/b', describing('b', { b: z.string() }))
  expect(() => buildOpenApi(app, { version: '0', serverUrl: '/' })).toThrow('Two schemas are named Twin')
})

/** Every example with the schema that it is one of: `examples` of schemas; `example` and `examples` of media and parameters. */
function examplesIn(from: Document): { place: string; schema: Schema; example: unknown }[] {
  return [...walk(from)].flatMap(({ place, node }) => {
    const { schema, example, examples } = node as { schema?: Schema; example?: unknown; examples?: unknown }
    const named = (Array.isArray(examples) ? examples : Object.values(examples ?? {})) as unknown[]
    const own = named.map((entry) => (schema ? (entry as Json)['value'] : entry))
    const all = example === undefined ? own : [...own, example]
    return all.map((value) => ({ place, schema: schema ?? node, example: value }))
  })
}

function faultyExamples(from: Document): string[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addFormat('password', true)
  ajv.addSchema({ $id: 'api', components: from.components })
  return examplesIn(from).flatMap(({ place, schema, example }) => {
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components')) as Schema
    const validate = ajv.compile(absolute)
    return validate(example) ? [] : [`${place}: ${JSON.stringify(example)} ${ajv.errorsText(validate.errors)}`]
  })
}

/** The example of a request body, or else the first of each of its members. */
function exampleBody(path: string, method: string): Record<string, string> {
  const [media] = Object.values(document.paths[path]?.[method]?.requestBody?.content ?? {})
  const schema = dereference(document, media?.schema)
  const [whole] = (schema['examples'] ?? []) as Record<string, string>[]
  if (whole) return whole
  const members = Object.entries(schema.properties ?? {})
  return Object.fromEntries(members.map(([name, member]) => [name, String(firstExample(member))]))
}

const firstExample = (member: Schema): unknown =>
  [...walk(member)].map(({ node }) => node['examples']).find((examples) => Array.isArray(examples))?.[0]

describe('linting the OpenAPI document', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-openapi-'))
  const file = join(folder, 'openapi.json')
  beforeAll(() => writeFileSync(file, JSON.stringify(document, null, 2)))
  afterAll(() => rmSync(folder, { recursive: true }))

  test('redocly finds nothing', async () => {
    const config = fileURLToPath(new URL('../redocly.yaml', import.meta.url))
    const report = await runLinter('@redocly/cli/bin/cli.js', ['lint', '--config', config, '--format', 'json', file], folder)
    expect(report).toMatchObject({ problems: [], totals: { errors: 0, warnings: 0, ignored: 0 } })
  })

  test('spectral finds nothing', async () => {
    const rules = fileURLToPath(new URL('../.spectral.yaml', import.meta.url))
    const report = await runLinter('@stoplight/spectral-cli', ['lint', '--ruleset', rules, '--quiet', '-f', 'json', file], folder)
    expect(report).toEqual([])
  })
})

const require = createRequire(import.meta.url)

/** What a linter's JavaScript entry writes, as JSON; it ends with 1 where it has findings. */
function runLinter(entry: string, args: string[], cwd: string): Promise<unknown> {
  // Nothing here may speak to the network: no usage data, no look for updates.
  const env = { HOME: cwd, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_NOTIFICATIONS: 'true' }
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [require.resolve(entry), ...args], { cwd, env }, (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(stderr, { cause: error }))
      else resolve(JSON.parse(stdout))
    })
  })
}
