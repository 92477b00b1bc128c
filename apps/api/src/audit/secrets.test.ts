import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createTestApp, openTestEmbedded, openTestPostgres } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import { createOwners } from '../../runtime-tests/suite/owner.ts'
import { type Json, createApi, freshName, goodPassword } from '../../runtime-tests/suite/target.ts'
import type { OpenDatabase } from '../db/open.ts'
import { auditEvents, passwordResets, users } from '../db/schema.ts'

describe.each([
  ['PGlite', openTestEmbedded],
  ['PostgreSQL', async () => openTestPostgres(await createDatabase(inject('clusterUrl')))],
])('on %s', (_name, open) => {
  let database: OpenDatabase
  beforeAll(async () => {
    database = await open()
  })
  afterAll(() => database.close())

  test('no event, and nothing that shows events, holds a secret or a name', async () => {
    const { app } = await createTestApp(database)
    const api = createApi({ fetch: async (path, init) => app.request(path, init), stop: async () => undefined })
    const owners = createOwners(() => api)
    const secrets = new Map<string, string>([['the password', goodPassword]])
    const keep = (name: string, body: Json) => {
      for (const kind of ['access_token', 'refresh_token']) secrets.set(`${name}: ${kind}`, String(body[kind]))
      return String(body['refresh_token'])
    }
    const refresh = async (name: string, refresh_token: string) =>
      keep(name, (await api.form('POST', '/token', { grant_type: 'refresh_token', refresh_token })).body)

    const owner = await owners.account()
    const { body } = await api.login(owner.username)
    const first = keep('a sign-in', body)
    const last = await refresh('two refreshes', await refresh('a refresh', first))
    const typed = { password: 'a wrong but telling password', username: freshName('nobody') }
    await api.login(owner.username, typed.password)
    await api.login(typed.username, typed.password)
    secrets.set('a wrong password', typed.password).set('an unknown name', typed.username)
    await api.form('POST', '/token', { grant_type: 'refresh_token', refresh_token: first }) // reused
    await api.form('POST', '/revoke', { token: last })
    const next = { password: 'another quiet harbour', username: owner.username }
    await api.json('PATCH', '/user/', { ...next, current_password: goodPassword }, owner.token)
    secrets.set('the next password', next.password)
    const hashes = await database.db.select({ id: users.id, hash: users.password }).from(users)
    for (const { id, hash } of hashes) secrets.set(`the hash of ${id}`, hash)
    for (const path of ['/users/me/export', '/users/me/events']) expect((await api.get(path, owner.token)).status).toBe(200)

    const admin = await owners.account()
    await database.db.execute(sql`update users set role = 'admin' where id = ${admin.id}`)
    await api.untilRefused(admin.token)
    const { token } = await owners.signIn(admin.username)
    const forgetful = await owners.account()
    for (const { username } of [owner, forgetful]) {
      const { body } = await api.json('POST', `/users/${username}/password-reset`, {}, token)
      secrets.set(`a reset code of ${username}`, String(body['code']))
    }
    const codes = await database.db.select({ hash: passwordResets.codeHash }).from(passwordResets)
    for (const { hash } of codes) secrets.set(`the hash ${hash}`, hash)
    const code = secrets.get(`a reset code of ${forgetful.username}`)
    secrets.set('a password after a reset', 'a lighthouse in the fog')
    await api.json('POST', '/password/reset', { code, password: 'a lighthouse in the fog' })
    await api.get(`/audit?username=${owner.username}&outcome=failure`, token)

    const whole = sql<string>`string_agg(${auditEvents}::text, ' ')`
    const [{ stored } = { stored: '' }] = await database.db.select({ stored: whole }).from(auditEvents)
    const shown = await Promise.all([
      api.get('/audit?limit=200', token),
      api.get('/users/me/events', owner.token),
      api.get('/users/me/export', owner.token),
    ])
    expect(stored).toContain(owner.id)
    expect(stored).toMatch(/password_reset_issued.*password_reset,success/)
    expect(codes).toHaveLength(2)
    for (const [name, secret] of secrets) {
      expect(stored.includes(secret), `${name} is stored`).toBe(false)
      for (const answer of shown) {
        expect(answer.status).toBe(200)
        expect(JSON.stringify(answer.body).includes(secret), `${name} is shown`).toBe(false)
      }
    }
    for (const { username } of [owner, admin]) expect(stored).not.toContain(username)
  })
})
