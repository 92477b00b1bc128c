import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { createTestApp, openTestEmbedded, openTestPostgres } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import { type Answer, createApi, freshName } from '../../runtime-tests/suite/target.ts'
import { type Owner, createOwners } from '../../runtime-tests/suite/owner.ts'
import type { OpenDatabase } from '../db/open.ts'
import { auditEvents, sessions, signingKeys, users } from '../db/schema.ts'
import { createKeyQueries } from '../keys/queries.ts'

/** Ways in which no event can be stored, and what is answered then. */
const troubles: [name: string, breaking: string, mending: string, status: number, code: string][] = [
  [
    'the disk is full',
    `create function fill_disk() returns trigger language plpgsql as $$ begin raise 'no space left' using errcode = '53100'; end $$;
     create trigger full_disk before insert on audit_events for each row execute function fill_disk()`,
    'drop trigger full_disk on audit_events; drop function fill_disk()',
    503,
    'unavailable',
  ],
  [
    'the table is missing',
    'alter table audit_events rename to audit_events_away',
    'alter table audit_events_away rename to audit_events',
    500,
    'internal_error',
  ],
]

const key = { publicJwk: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' }, sealedPrivateKey: '-' }

interface Scene {
  owner: Owner
  other: Owner
  admin: Owner
}

describe.each([
  ['PGlite', openTestEmbedded],
  ['PostgreSQL', async () => openTestPostgres(await createDatabase(inject('clusterUrl')))],
])('what can’t be recorded does not happen: on %s', (_name, open) => {
  let database: OpenDatabase
  let api: ReturnType<typeof createApi>
  let admin: Owner
  const owners = createOwners(() => api)
  let mending = ''

  async function run(statements: string): Promise<void> {
    // Each by itself: a prepared statement is one.
    for (const statement of statements.split(/;\s*(?=create trigger|drop function)/))
      await database.db.execute(sql.raw(statement))
  }

  beforeAll(async () => {
    database = await open()
    const { app } = await createTestApp(database)
    api = createApi({ fetch: async (path, init) => app.request(path, init), stop: async () => undefined })
    const { username, token } = await owners.account()
    await run(`update users set role = 'admin' where username = '${username}'`)
    await api.untilRefused(token)
    admin = await owners.signIn(username)
  })
  afterEach(async () => {
    if (mending !== '') await run(mending)
    mending = ''
  })
  afterAll(() => database.close())

  /** All that an action might change. */
  const everything = async () => ({
    users: await database.db.select().from(users).orderBy(users.id),
    sessions: await database.db.select().from(sessions).orderBy(sessions.id),
    keys: await database.db.select().from(signingKeys).orderBy(signingKeys.kid),
  })
  const countEvents = () => database.db.$count(auditEvents)

  const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } })
  const actions: [name: string, act: (scene: Scene) => Promise<Answer>][] = [
    ['a registration', () => api.register(freshName())],
    ['a sign-in', ({ owner }) => api.login(owner.username)],
    ['a wrong password', ({ owner }) => api.login(owner.username, 'not the password')],
    ['an unknown name', () => api.login(freshName())],
    ['a sign-out', ({ owner }) => api.send('/logout', { method: 'POST', ...bearer(owner.token) })],
    [
      'the end of one session',
      ({ owner, other }) => api.send(`/sessions/${other.sessionId}`, { method: 'DELETE', ...bearer(owner.token) }),
    ],
    ['the end of the others', ({ owner }) => api.send('/sessions', { method: 'DELETE', ...bearer(owner.token) })],
    ['a revocation', ({ owner }) => api.form('POST', '/revoke', { token: owner.refreshToken })],
    [
      'the end of a session for a reused token',
      ({ owner }) => api.form('POST', '/token', { grant_type: 'refresh_token', refresh_token: owner.refreshToken }),
    ],
    ['an administrator’s look', ({ owner }) => api.get(`/user/?username=${owner.username}`, admin.token)],
    ['a look at the events', () => api.get('/audit', admin.token)],
    ['an export', ({ owner }) => api.get('/users/me/export', owner.token)],
  ]

  describe.each(troubles)('%s:', (_name, breaking, mend, status, code) => {
    test.each(actions)('%s', async (name, act) => {
      const owner = await owners.account()
      const other = await owners.signIn(owner.username)
      if (name.includes('reused')) {
        let refresh_token = owner.refreshToken
        for (let i = 0; i < 2; i += 1) {
          const { body } = await api.form('POST', '/token', { grant_type: 'refresh_token', refresh_token })
          refresh_token = String(body['refresh_token'])
        }
      }
      const [before, events] = [await everything(), await countEvents()]
      await run(breaking)
      mending = mend
      const answer = await act({ owner, other, admin })
      expect(answer).toMatchObject({ status, body: { code } })
      const members = ['type', 'title', 'status', 'detail', 'code', 'request_id']
      expect(Object.keys(answer.body)).toEqual(members)
      expect(await everything()).toEqual(before)
      await run(mend)
      mending = ''
      expect(await countEvents()).toBe(events)
      for (const { token } of [owner, other]) expect((await api.get('/users/me', token)).status).toBe(200)
      // Afterwards it happens, or is refused as ever.
      expect([200, 400, 401]).toContain((await act({ owner, other, admin })).status)
      expect(await countEvents()).toBe(events + 1)
    })

    test('a change of the keys', async () => {
      const queries = createKeyQueries(database, 'operator')
      const { current, next } = await keysIn(queries)
      const before = await everything()
      await run(breaking)
      mending = mend
      for (const change of [
        () => queries.takeTurn((turn) => turn.publish({ ...key, kid: 'another' }, new Date())),
        () => queries.takeTurn((turn) => turn.promote(next, current, new Date())),
        () => queries.takeTurn((turn) => turn.retire(next, 'next', new Date())),
        () => queries.takeTurn((turn) => turn.reseal([{ kid: next, state: 'next', sealedPrivateKey: 'other' }], new Date())),
      ]) {
        await expect(change()).rejects.toThrow()
        expect(await everything()).toEqual(before)
      }
    })
  })

  async function keysIn(queries: ReturnType<typeof createKeyQueries>): Promise<{ current: string; next: string }> {
    const kid = freshName('key')
    await queries.takeTurn((turn) => turn.publish({ ...key, kid }, new Date()))
    const current = (await queries.findAll()).find(({ state }) => state === 'current')
    return { current: current?.kid ?? '', next: kid }
  }
})
