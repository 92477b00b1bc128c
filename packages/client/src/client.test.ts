import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest'
import { createTestApp, openTestEmbedded } from '../../../apps/api/runtime-tests/in-process.ts'
import type { OpenDatabase } from '../../../apps/api/src/db/open.ts'
import { createClient } from './index.ts'

let database: OpenDatabase
let client: ReturnType<typeof createClient>

beforeAll(async () => {
  database = await openTestEmbedded()
  const { app } = await createTestApp(database)
  client = createClient('http://127.0.0.1', {
    fetch: (input: string | URL | Request, init?: RequestInit) => app.request(input, init),
  })
})
afterAll(() => database.close())

test('createClient() calls every account route, typed by status', async () => {
  const username = 'ada'
  const password = 'a quiet harbour at dawn'
  const created = await client.user.$post({ json: { username, password, birthday: '1815-12-10' } })
  expect(await created.json()).toEqual({ message: 'User created successfully' })

  const login = await client.login.$post({ form: { username, password } })
  if (login.status !== 200) throw new Error(`sign-in answered ${login.status}`)
  const { access_token } = await login.json()
  expectTypeOf(access_token).toBeString()

  const headers = { Authorization: `Bearer ${access_token}` }
  const user = await client.user.$get({ query: { username } }, { headers })
  if (user.status !== 200) throw new Error(`reading answered ${user.status}`)
  const view = await user.json()
  expectTypeOf(view.birthday).toEqualTypeOf<string | null>()
  expect(view).toMatchObject({ username, birthday: '1815-12-10' })

  const me = await client.users.me.$get({}, { headers })
  expect(await me.json()).toMatchObject({ username, role: 'user' })
  const patched = await client.user.$patch({ json: { username, birthday: '1816-01-01' } }, { headers })
  expect(await patched.json()).toEqual({ message: 'User updated successfully' })
  const deleted = await client.user.$delete({ form: { username } }, { headers })
  expect(await deleted.json()).toEqual({ message: 'User deleted successfully' })
})

test('createClient() narrows a problem by its literal code', async () => {
  const response = await client.login.$post({ form: { username: 'nobody', password: 'nothing' } })
  if (response.status !== 401) throw new Error(`sign-in answered ${response.status}`)
  const problem = await response.json()
  expectTypeOf(problem.code).toEqualTypeOf<'invalid_credentials'>()
  expect(problem).toMatchObject({ code: 'invalid_credentials', error: 'invalid_grant' })
})

test('createClient() refuses unknown fields and routes when it is compiled', () => {
  // @ts-expect-error a form lacks its password
  void (() => client.login.$post({ form: { username: 'ada' } }))
  // @ts-expect-error there is no such route
  void (() => client.nope.$get())
  // @ts-expect-error a birthday is a string
  void (() => client.user.$post({ json: { username: 'ada', password: 'x', birthday: new Date() } }))
})

test('the source of the client imports hono alone at run time', () => {
  for (const file of ['index.ts', 'client.ts']) {
    const source = readFileSync(new URL(file, import.meta.url), 'utf8')
    const imports = [...source.matchAll(/^(?:import|export) (?!type).* from '([^']+)'/gm)].map(([, from]) => from)
    expect(imports.every((from) => from?.startsWith('./') || from?.startsWith('hono'))).toBe(true)
  }
})
