import { Hono } from 'hono'
import { beforeAll, expect, test } from 'vitest'
import { withContract } from './contract.ts'
import type { Target } from './target.ts'

const answers = (schema: object) => ({ responses: { '200': { content: { 'application/json': { schema } } } } })
const document = {
  paths: {
    '/things/fixed': { get: answers({ const: 'fixed' }) },
    '/things/{id}': { get: answers({ type: 'number' }) },
    '/things/{id}/parts/': { get: answers({ type: 'array' }) },
  },
  components: {},
}

let target: Target

beforeAll(async () => {
  const app = new Hono()
    .get('/openapi.json', (c) => c.json(document))
    .get('/things/fixed', (c) => c.json('fixed'))
    .get('/things/2', (c) => c.json('two'))
    .get('/things/3', (c) => c.json(3, 201))
    .get('/things/:id', (c) => c.json(1))
    .get('/things/:id/parts', (c) => c.json({}))
  target = await withContract({ fetch: async (path, init) => app.request(path, init), stop: async () => undefined })
})

test.each(['/things/fixed', '/things/1', '/things/1?a=b', '/things/', '/things/1/nothing'])(
  'withContract() lets pass %s, which is as described or not described',
  async (path) => expect(await target.fetch(path)).toBeInstanceOf(Response),
)

test.each(['/things/2', '/things/3', '/things/x/parts'])('withContract() stops %s, which is described otherwise', (path) =>
  expect(target.fetch(path)).rejects.toThrow(`GET ${path} 20`),
)
