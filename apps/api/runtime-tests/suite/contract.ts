import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expect } from 'vitest'
import type { Json, Target } from './target.ts'

interface Operation {
  responses: Record<string, { content?: Record<string, { schema: Json }> } | undefined>
}

/** Makes every answer of `target` prove that the OpenAPI document foresaw it. */
export async function withContract<T extends Target>(target: T): Promise<T> {
  const document = (await (await target.fetch('/openapi.json')).json()) as {
    paths: Record<string, Record<string, Operation>>
    components: Json
  }
  const validators = createValidators(document)
  return {
    ...target,
    async fetch(path, init) {
      const response = await target.fetch(path, init)
      const method = init?.method ?? 'GET'
      await check(document.paths, validators, method, path, response.clone())
      return response
    },
  }
}

function createValidators(document: { components: Json }) {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addFormat('password', true)
  ajv.addSchema({ $id: 'api', components: document.components })
  const compiled = new Map<Json, ValidateFunction>()
  return (schema: Json): ValidateFunction => {
    const known = compiled.get(schema)
    if (known) return known
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components')) as Json
    const validate = ajv.compile(absolute)
    compiled.set(schema, validate)
    return validate
  }
}

async function check(
  paths: Record<string, Record<string, Operation>>,
  validators: (schema: Json) => ValidateFunction,
  method: string,
  path: string,
  response: Response,
): Promise<void> {
  const { pathname: sent } = new URL(`http://localhost${path}`) // without `..`, as clients send it
  const pathname = withoutFinalSlash(sent)
  const item = paths[pathname] ?? paths[`${pathname}/`] ?? templated(paths, pathname)
  const where = `${method} ${pathname} ${response.status}`
  if (!item || method === 'HEAD') return
  const operation = item[method.toLowerCase()]
  if (!operation) return expect([where, response.status]).toEqual([where, 405])
  const described = operation.responses[String(response.status)]
  expect(described, `${where} is documented`).toBeDefined()
  const type = response.headers.get('Content-Type')?.split(';')[0] ?? ''
  const media = described?.content?.[type]
  expect(media, `${where} is documented as ${type}`).toBeDefined()
  if (!media || !type.includes('json')) return
  const validate = validators(media.schema)
  expect(validate(await response.json()), `${where}: ${JSON.stringify(validate.errors)}`).toBe(true)
}

/** What is described for a path of which parts are parameters, such as `/sessions/{id}`. */
function templated<Item>(paths: Record<string, Item>, pathname: string): Item | undefined {
  const given = pathname.split('/')
  const fits = (template: string) => {
    const parts = withoutFinalSlash(template).split('/')
    return parts.length === given.length && parts.every((part, index) => part === given[index] || isFilled(part, given[index]))
  }
  return Object.entries(paths).find(([template]) => fits(template))?.[1]
}

const withoutFinalSlash = (path: string) => path.replace(/(?<=.)\/$/, '')

const isFilled = (part: string, value: string | undefined) => /^\{.+\}$/.test(part) && value !== ''
