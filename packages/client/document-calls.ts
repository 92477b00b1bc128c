// Writes into the built declarations what the API says of its routes and their fields: `bun document-calls.ts`. The compiler
// prints the calls from types, and types carry no words.
import { readFileSync, writeFileSync } from 'node:fs'
import { createTestApp, openTestEmbedded } from '../../apps/api/runtime-tests/in-process.ts'

/** JSON Schema, as far as it is read here. */
interface Schema {
  $ref?: string
  description?: string
  format?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  properties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
}

type Content = Record<string, { schema: Schema }>

interface Operation {
  summary: string
  parameters?: { name: string; in: 'path' | 'query'; schema: Schema }[]
  requestBody?: { content: Content }
  responses: { '200': { description: string; content: Content } }
}

/** An OpenAPI document. */
interface Description {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

const formats: Record<string, string> = { date: '`YYYY-MM-DD`.', 'date-time': 'RFC 3339, UTC.', uuid: 'A UUID.' }

const file = new URL('dist/contract.d.ts', import.meta.url)
writeFileSync(file, documentCalls(readFileSync(file, 'utf8'), await readDescription()))

async function readDescription(): Promise<Description> {
  const database = await openTestEmbedded()
  const { app } = await createTestApp(database)
  const response = await app.request('/openapi.json')
  await database.close()
  return (await response.json()) as Description
}

/** Adds a comment above each line of `declarations` that begins a call or a field of which `description` says something. */
function documentCalls(declarations: string, description: Description): string {
  const lines = declarations.split('\n')
  const names: string[] = []
  /** Of the answer that the line is a part of; undefined while it is a part of what the call takes. */
  let status: string | undefined

  const documented = lines.flatMap((line, index) => {
    const depth = line.search(/\S/) / 4
    const name = /^ +(?:readonly )?"?([\w$.:-]+)"?\??: /.exec(line)?.[1]
    if (name !== undefined) names.splice(depth - 1, Infinity, name)
    if (name?.startsWith('$')) status = undefined
    const words = name === undefined ? '' : wordsFor(description, names, status)
    if (line.endsWith('Answer<{')) status = statusBehind(lines.slice(index + 1), depth)
    return words === '' ? [line] : [`${' '.repeat(depth * 4)}/** ${words} */`, line]
  })
  return documented.join('\n')
}

/** An answer that is written over several lines has its status where it ends. */
function statusBehind(lines: readonly string[], depth: number): string {
  const end = lines.find((line) => line.search(/\S/) / 4 === depth) ?? ''
  return /, (\d{3})>/.exec(end)?.[1] ?? ''
}

/** @param names lead to a call and, behind it, to one of its fields */
function wordsFor({ paths, components }: Description, names: readonly string[], status: string | undefined): string {
  const call = names.findIndex((name) => name.startsWith('$'))
  const path = `/${names.slice(0, call).join('/')}`.replaceAll(/:(\w+)/g, '{$1}')
  const operation = (paths[path] ?? paths[`${path}/`])?.[names[call]?.slice(1) ?? '']
  if (!operation) return ''
  const fields = names.slice(call + 1)
  const success = operation.responses['200']
  if (fields.length === 0) return `${operation.summary}. 200: ${success.description}`
  const answer = status === '200' ? schemaIn(success.content) : {}
  const root = status === undefined ? inputOf(operation) : answer
  const plain = (schema: Schema | undefined) => withoutReference(schema ?? {}, components.schemas)
  return describe(fields.reduce((at, name) => plain(at.properties?.[name]), plain(root)))
}

/** What a call takes, as one schema: `query`, `param`, and `json` or `form`. */
function inputOf({ parameters = [], requestBody }: Operation): Schema {
  const at = (place: string): Schema => ({
    properties: Object.fromEntries(parameters.filter((one) => one.in === place).map(({ name, schema }) => [name, schema])),
  })
  const body = schemaIn(requestBody?.content ?? {})
  return { properties: { query: at('query'), param: at('path'), json: body, form: body } }
}

function schemaIn(content: Content): Schema {
  return Object.values(content)[0]?.schema ?? {}
}

/** The schema itself, of several the first, of a list that of its items; with what is said of it where it stands. */
function withoutReference(schema: Schema, schemas: Record<string, Schema>): Schema {
  const named = schema.$ref?.split('/').at(-1)
  const behind = (named === undefined ? undefined : schemas[named]) ?? schema.anyOf?.[0] ?? schema.items
  return behind
    ? { ...withoutReference(behind, schemas), ...(schema.description && { description: schema.description }) }
    : schema
}

function describe({ description = '', format = '', minLength, maxLength, minimum, maximum }: Schema): string {
  const length = maxLength === undefined ? '' : `${minLength ?? 0} to ${maxLength} characters.`
  const range = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? '' : `${minimum ?? 0} to ${maximum}.`
  return [description, formats[format] ?? '', length, range].filter((part) => part !== '').join(' ')
}
