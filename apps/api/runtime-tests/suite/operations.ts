import type { Api, Json } from './target.ts'

type Place = 'query' | 'path' | 'json' | 'form'

export interface Field {
  place: Place
  name: string
  required: boolean
  schema: Json
}

/** A route as the OpenAPI document describes it: tests that go through all of them find new ones by themselves. */
export interface Operation {
  /** Such as `PATCH /user/`. */
  name: string
  method: string
  path: string
  authenticated: boolean
  bodyKind: 'json' | 'form' | undefined
  fields: Field[]
}

interface Described {
  security?: unknown[]
  parameters?: { name: string; in: 'query' | 'path'; required?: boolean; schema: Json; example?: unknown }[]
  requestBody?: { content: Record<string, { schema: Json }> }
}

export async function readOperations(api: Api): Promise<Operation[]> {
  const { body } = await api.get('/openapi.json')
  const paths = body['paths'] as Record<string, Record<string, Described>>
  const components = body['components'] as { schemas: Record<string, Json> }
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, described]) => readOperation(method.toUpperCase(), path, described, components.schemas)),
  )
}

function readOperation(method: string, path: string, described: Described, schemas: Record<string, Json>): Operation {
  const { 'application/json': json, 'application/x-www-form-urlencoded': form } = described.requestBody?.content ?? {}
  const bodyKind = json ? ('json' as const) : form ? ('form' as const) : undefined
  const parameters = (described.parameters ?? []).map(({ name, in: place, required = false, schema, example }) => ({
    place,
    name,
    required,
    schema: { ...schema, examples: [example ?? 'x'] },
  }))
  const schema = resolve((json ?? form)?.schema ?? {}, schemas)
  const members = Object.entries((schema['properties'] ?? {}) as Record<string, Json>).map(([name, member]) => ({
    place: bodyKind ?? ('json' as const),
    name,
    required: ((schema['required'] ?? []) as string[]).includes(name),
    schema: resolve(member, schemas),
  }))
  const authenticated = (described.security ?? []).length > 0
  return { name: `${method} ${path}`, method, path, authenticated, bodyKind, fields: [...parameters, ...members] }
}

/** What a schema means: behind a reference, and of several the first. */
function resolve(schema: Json, schemas: Record<string, Json>): Json {
  const reference = schema['$ref']
  if (typeof reference === 'string') return resolve(schemas[reference.split('/').at(-1) ?? ''] ?? {}, schemas)
  const [first] = (schema['anyOf'] ?? schema['oneOf'] ?? []) as Json[]
  return first ? resolve(first, schemas) : schema
}

/** A value of a field: a JSON text where the body is JSON, a percent-encoded one elsewhere. */
export interface Spelled {
  spelled: string
}

/** A request of `operation` with its required fields, those of `known` by name, and `given` as it is spelled. */
export function requestOf(
  operation: Operation,
  known: Readonly<Record<string, string>>,
  given: ReadonlyMap<Field, Spelled>,
): { path: string; init: { method: string; headers: Record<string, string>; body?: string } } {
  const spell = (field: Field): string => given.get(field)?.spelled ?? spellAs(field.place, known[field.name] ?? example(field))
  const present = operation.fields.filter((field) => field.required || given.has(field))
  const at = (place: Place) => present.filter((field) => field.place === place)
  const pairs = (place: Place) => at(place).map((field) => `${encodeURIComponent(field.name)}=${spell(field)}`)
  const path = at('path').reduce((filled, field) => filled.replace(`{${field.name}}`, () => spell(field)), operation.path)
  const query = pairs('query').join('&')
  const pathAndQuery = query === '' ? path : `${path}?${query}`
  if (!operation.bodyKind) return { path: pathAndQuery, init: { method: operation.method, headers: {} } }
  const members = at('json').map((field) => `${JSON.stringify(field.name)}:${spell(field)}`)
  const body = operation.bodyKind === 'json' ? `{${members.join(',')}}` : pairs('form').join('&')
  return { path: pathAndQuery, init: { method: operation.method, headers: { 'Content-Type': types[operation.bodyKind] }, body } }
}

export const types = { json: 'application/json', form: 'application/x-www-form-urlencoded' } as const

/** `value` as it stands in JSON or percent-encoded. Lone surrogates exist in JSON only. */
export function spellAs(place: Place, value: unknown): string {
  if (place === 'json') return JSON.stringify(value)
  return encodeURIComponent(String(value).toWellFormed())
}

function example({ schema }: Field): unknown {
  const [first] = (schema['examples'] ?? schema['enum'] ?? []) as unknown[]
  if (first !== undefined) return first
  if (schema['type'] === 'boolean') return true
  return schema['type'] === 'integer' || schema['type'] === 'number' ? 1 : 'x'
}
