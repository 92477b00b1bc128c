import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestApp, openTestEmbedded, testAdministrator } from '../../runtime-tests/in-process.ts'
import { type Answer, createApi, goodPassword } from '../../runtime-tests/suite/target.ts'
import type { OpenDatabase } from '../db/open.ts'

type Api = ReturnType<typeof createApi>

const begun = new Date('2026-01-01T00:00:00Z')
let now = begun
let database: OpenDatabase
let api: Api
let admin: string

beforeAll(async () => {
  database = await openTestEmbedded()
  const { app, resources } = await createTestApp(database, { clock: () => now })
  api = createApi({ fetch: async (path, init) => app.request(path, init), stop: async () => undefined })
  admin = await api.token(await testAdministrator(database, resources, begun))
})
afterAll(() => database.close())

const actions: [string, (username: string, proof: object) => Promise<Answer>][] = [
  ['appoint', (username, proof) => api.json('PATCH', '/user/', { username, role: 'admin', ...proof }, admin)],
  ['disable', (username, proof) => api.json('PATCH', '/user/', { username, disabled: true, ...proof }, admin)],
  ['enable', (username, proof) => api.json('PATCH', '/user/', { username, disabled: false, ...proof }, admin)],
  ['issue a reset code', (username, proof) => api.json('POST', `/users/${username}/password-reset`, proof, admin)],
]

describe.each(actions)('to %s', (_name, act) => {
  test.each<[seconds: number, proof: object, status: number]>([
    [0, {}, 200],
    [599, {}, 200],
    [600, {}, 403],
    [1700, {}, 403],
    [1700, { current_password: null }, 403],
    [1700, { current_password: 'not the password' }, 403],
    [0, { current_password: 'not the password' }, 403],
    [1700, { current_password: goodPassword }, 200],
  ])('%i s after the sign-in, with %j, is %i', async (seconds, proof, status) => {
    now = begun
    const { username } = await api.account()
    now = new Date(begun.getTime() + seconds * 1000)
    const answer = await act(username, proof)
    expect(answer.status).toBe(status)
    if (status === 403) expect(answer.body['code']).toBe('reauthentication_required')
    if (status === 403) expect((await api.login(username)).status).toBe(200)
  })
})

test('what needs no proof stays possible: a list, and somebody’s birthday', async () => {
  now = begun
  const { username } = await api.account()
  now = new Date(begun.getTime() + 1_700_000)
  expect((await api.get('/users', admin)).status).toBe(200)
  expect((await api.json('PATCH', '/user/', { username, birthday: '1990-05-17' }, admin)).status).toBe(200)
})
