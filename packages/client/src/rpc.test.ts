import { hc } from 'hono/client'
import { describe, expect, test, vi } from 'vitest'
import { buildOpenApi } from '../../../apps/api/src/openapi-document.ts'
import { createTestApp, openTestEmbedded } from '../../../apps/api/runtime-tests/in-process.ts'
import { createClient } from './index.ts'
import { url } from './test-app.ts'
import type { Fetch } from './transport.ts'

type Call = (args?: object, options?: object) => Promise<unknown>
type Tree = { [segment: string]: Tree } & Record<`$${string}`, Call>

/** The call of a route: each segment, then its method. */
const callOf = (tree: Tree, path: string, method: string): Call => {
  const node = path
    .split('/')
    .slice(1)
    .reduce((at, segment) => at[segment] ?? at, tree)
  return node[`$${method}`] ?? (() => Promise.reject(new Error('no call')))
}

const record = () => vi.fn<Fetch>(() => Response.json({}))

interface Described {
  paths: Record<string, Record<string, { parameters?: { name: string; in: string }[]; requestBody?: { content: object } }>>
}

async function routes(): Promise<{ path: string; method: string; args: object }[]> {
  const database = await openTestEmbedded()
  const { app } = await createTestApp(database)
  const { paths } = buildOpenApi(app, { version: '0', serverUrl: '/' }) as unknown as Described
  await database.close()
  return Object.entries(paths).flatMap(([shown, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => {
      const values = (place: string) =>
        Object.fromEntries(parameters.filter((parameter) => parameter.in === place).map(({ name }) => [name, `a-${name}`]))
      const kind = requestBody && ('application/json' in requestBody.content ? 'json' : 'form')
      const path = shown.replaceAll(/\{(\w+)\}/g, ':$1').replace(/(?<=.)\/$/, '')
      return { path, method, args: { param: values('path'), query: values('query'), ...(kind && { [kind]: { x: 'a ü&=' } }) } }
    }),
  )
}

async function readable([target, { method, headers, body }]: Parameters<Fetch>) {
  const { search, pathname } = new URL(target)
  const type = new Headers(headers).get('Content-Type')
  const fields = body instanceof FormData || body instanceof URLSearchParams ? [...body] : body
  return { method, pathname, search, type, fields }
}

describe('the raw calls', () => {
  test('ask what hono’s own client asks, for every route', async () => {
    const described = await routes()
    expect(described.length).toBeGreaterThan(20)
    for (const { path, method, args } of described) {
      const [ours, theirs] = [record(), record()]
      await callOf(createClient(url, { fetch: ours }).api as unknown as Tree, path, method)(args)
      await callOf(hc(url, { fetch: theirs as unknown as typeof fetch }) as unknown as Tree, path, method)(args)
      const [[call], [reference]] = [ours.mock.calls, theirs.mock.calls]
      if (!call || !reference) throw new Error(`${method} ${path} asked nothing`)
      expect(await readable(call)).toEqual(await readable(reference))
    }
  })

  test.each([
    ['a/b', 'a%2Fb'],
    ['ada?x=1#y', 'ada%3Fx%3D1%23y'],
    ['Ада 😀', '%D0%90%D0%B4%D0%B0%20%F0%9F%98%80'],
  ])('encode %j in a path', async (username, encoded) => {
    const fetch = record()
    const { api } = createClient(url, { fetch })
    await api.users[':username']['password-reset'].$post({ param: { username }, json: {} })
    expect(fetch.mock.calls[0]?.[0]).toBe(`${url}/users/${encoded}/password-reset`)
  })

  test.each([{ id: '' }, { id: '.' }, { id: '..' }, {}, undefined])(
    'refuse %j where a path has a parameter: without it the path is another',
    async (param) => {
      const fetch = record()
      const { api } = createClient(url, { fetch })
      const call = (api.sessions[':id'].$delete as Call)({ param })
      await expect(call).rejects.toMatchObject({ name: 'GatehouseError', code: 'invalid_request', status: 0 })
      expect(fetch).not.toHaveBeenCalled()
    },
  )

  test('carry the headers of the client, of the call, and what `init` says', async () => {
    const fetch = record()
    const { api } = createClient(url, { fetch, headers: async () => ({ 'X-Key': 'client', 'X-Other': '1' }) })
    const { signal } = new AbortController()
    await api.health.live.$get({}, { headers: { 'X-Key': 'call' }, init: { signal, cache: 'no-store' } })
    const [, init] = fetch.mock.calls[0] ?? []
    expect(Object.fromEntries(new Headers(init?.headers))).toEqual({ 'x-key': 'call', 'x-other': '1' })
    expect(init).toMatchObject({ method: 'GET', cache: 'no-store' })
  })

  test('leave out what is undefined', async () => {
    const fetch = record()
    const { api } = createClient(url, { fetch })
    await api.users.$get({ query: { prefix: 'a', cursor: undefined } })
    expect(fetch.mock.calls[0]?.[0]).toBe(`${url}/users?prefix=a`)
  })
})
