import { asc, notInArray } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createTestApp, openTestEmbedded, openTestPostgres, testAdministrator } from '../../../runtime-tests/in-process.ts'
import { createDatabase } from '../../../runtime-tests/postgres.ts'
import { type Answer, createApi, freshName, goodPassword } from '../../../runtime-tests/suite/target.ts'
import type { OpenDatabase } from '../../db/open.ts'
import { auditEvents } from '../../db/schema.ts'

const newPassword = 'a lighthouse in the fog'

interface Cast {
  api: ReturnType<typeof createApi>
  owner: { username: string; token: string }
  /** The administrator's token. */
  admin: string
}

type Event = Record<string, unknown>
/** Who did it: the owner, the administrator, or nobody who has proven who they are. */
type Actor = 'owner' | 'admin' | 'nobody'
type Case = [what: string, actor: Actor, act: (cast: Cast) => Promise<Answer>, status: number, events: Event[]]

const patch =
  (change: object, by: 'owner' | 'admin') =>
  ({ api, owner, admin }: Cast) =>
    api.json('PATCH', '/user/', { username: owner.username, ...change }, by === 'owner' ? owner.token : admin)
const issue = ({ api, owner, admin }: Cast, body: object = {}) =>
  api.json('POST', `/users/${owner.username}/password-reset`, body, admin)
const done = (event: string, details: object | null = null) => ({ event, outcome: 'success', details })
const failed = (event: string) => ({ event, outcome: 'failure', details: { reason: 'wrong_password' } })
const wrong = { current_password: 'not the password' }

const cases: Case[] = [
  ['a birthday', 'owner', patch({ birthday: '1990-05-17' }, 'owner'), 200, [done('user_changed', { members: ['birthday'] })]],
  ['nothing', 'owner', patch({ birthday: null }, 'owner'), 200, []],
  ['the birthday that is', 'owner', patch({ birthday: '2000-02-29' }, 'owner'), 200, []],
  ['a password', 'owner', patch({ password: newPassword }, 'owner'), 200, [done('password_changed')]],
  ['somebody’s password', 'admin', patch({ password: newPassword }, 'admin'), 200, [done('password_changed')]],
  ['a role', 'admin', patch({ role: 'admin' }, 'admin'), 200, [done('role_changed', { to: 'admin' })]],
  ['the role that is', 'admin', patch({ role: 'user' }, 'admin'), 200, []],
  ['disabling', 'admin', patch({ disabled: true }, 'admin'), 200, [done('user_disabled')]],
  ['enabling who is enabled', 'admin', patch({ disabled: false }, 'admin'), 200, []],
  [
    'disabling, and enabling',
    'admin',
    async (cast) => {
      await patch({ disabled: true }, 'admin')(cast)
      return patch({ disabled: false }, 'admin')(cast)
    },
    200,
    [done('user_disabled'), done('user_enabled')],
  ],
  [
    'everything at once',
    'admin',
    patch({ birthday: '1990-05-17', password: newPassword, role: 'admin', disabled: true }, 'admin'),
    200,
    [
      done('password_changed'),
      done('role_changed', { to: 'admin' }),
      done('user_changed', { members: ['birthday'] }),
      done('user_disabled'),
    ],
  ],
  ['what is forbidden', 'owner', patch({ birthday: '1990-05-17', role: 'admin' }, 'owner'), 403, []],
  [
    'a wrong password for a new one',
    'owner',
    patch({ password: newPassword, ...wrong }, 'owner'),
    403,
    [failed('password_changed')],
  ],
  ['a wrong password for a role', 'admin', patch({ role: 'admin', ...wrong }, 'admin'), 403, [failed('role_changed')]],
  ['a wrong password for disabling', 'admin', patch({ disabled: true, ...wrong }, 'admin'), 403, [failed('user_disabled')]],
  ['a wrong password for a code', 'admin', (cast) => issue(cast, wrong), 403, [failed('password_reset_issued')]],
  [
    'a wrong password for a deletion',
    'owner',
    ({ api, owner: { username, token } }) => api.form('DELETE', '/user/', { username, ...wrong }, token),
    403,
    [failed('user_deleted')],
  ],
  [
    'a deletion',
    'owner',
    ({ api, owner: { username, token } }) => api.form('DELETE', '/user/', { username }, token),
    200,
    [done('user_deleted')],
  ],
  ['a reset code', 'admin', (cast) => issue(cast), 200, [done('password_reset_issued')]],
  [
    'a code for who is disabled',
    'admin',
    async (cast) => {
      await patch({ disabled: true }, 'admin')(cast)
      return issue(cast)
    },
    409,
    [done('user_disabled')],
  ],
]

describe.each([
  ['PGlite', openTestEmbedded],
  ['PostgreSQL', async () => openTestPostgres(await createDatabase(inject('clusterUrl')))],
])('on %s', (_name, open) => {
  let database: OpenDatabase
  let api: Cast['api']
  let administrator: string
  let admin: string
  let adminId: string
  let seen: string[]

  beforeAll(async () => {
    database = await open()
    const { app, resources } = await createTestApp(database)
    api = createApi({
      fetch: async (path, init) =>
        app.request(path, { ...init, headers: { ...(init?.headers as object), 'X-Request-Id': 'request-7' } }),
      stop: async () => undefined,
    })
    administrator = await testAdministrator(database, resources)
    admin = await api.token(administrator)
    adminId = String((await api.get('/users/me', admin)).body['id'])
  })
  afterAll(() => database.close())

  /** What was recorded in a test by the routes that are looked at here. */
  const recorded = async () => {
    const { event } = auditEvents
    const others = ['signed_in', 'signed_out', 'session_ended', 'user_created', 'user_read']
    const rows = await database.db
      .select()
      .from(auditEvents)
      .where(notInArray(event, others))
      .orderBy(asc(auditEvents.time), asc(event))
    return rows.filter(({ id }) => !seen.includes(id))
  }
  beforeEach(async () => {
    seen = (await database.db.select({ id: auditEvents.id }).from(auditEvents)).map(({ id }) => id)
  })

  const enrol = async () => {
    const owner = await api.account({ birthday: '2000-02-29' })
    return { owner, ownerId: String((await api.get('/users/me', owner.token)).body['id']) }
  }

  test.each(cases)('%s, by %s', async (_what, actor, act, status, events) => {
    const { owner, ownerId } = await enrol()
    expect((await act({ api, owner, admin })).status).toBe(status)
    const by = {
      actor: 'user',
      actorId: actor === 'owner' ? ownerId : adminId,
      subjectId: ownerId,
      requestId: 'request-7',
      addressPrefix: '203.0.113.0/24',
    }
    const rows = await recorded()
    expect(rows).toMatchObject(events.map((event) => ({ ...event, ...by })))
    expect(rows).toHaveLength(events.length)
  })

  test('a spent code is recorded as nobody’s doing; a wrong one is not', async () => {
    const { owner, ownerId } = await enrol()
    const { body } = await issue({ api, owner, admin })
    await api.json('POST', '/password/reset', { code: 'nope', password: newPassword })
    await api.json('POST', '/password/reset', { code: body['code'], password: newPassword })
    expect((await recorded()).at(-1)).toMatchObject({
      event: 'password_reset',
      actor: 'anonymous',
      actorId: null,
      subjectId: ownerId,
    })
    expect(await recorded()).toHaveLength(2)
  })

  test('a list is recorded with its filters, and neither the prefix nor the cursor', async () => {
    await api.get('/users?prefix=secret-name&role=user&limit=7', admin)
    const { body } = await api.get('/users?limit=1', admin)
    await api.get(`/users?limit=1&disabled=false&cursor=${String(body['next_cursor'])}`, admin)
    const by = { event: 'users_listed', outcome: 'success', actor: 'user', actorId: adminId, subjectId: null }
    expect((await recorded()).map(({ details: _details, ...row }) => row)).toMatchObject([by, by, by])
    expect((await recorded()).map(({ details }) => details)).toEqual([
      { limit: 7, role: 'user', by_prefix: true, continued: false },
      { limit: 1, by_prefix: false, continued: false },
      { limit: 1, disabled: false, by_prefix: false, continued: true },
    ])
  })

  test('no event holds a name, a password or a code', async () => {
    const username = freshName('Ada-Lovelace')
    await api.register(username, goodPassword, { birthday: '1990-05-17' })
    const owner = { username, token: await api.token(username) }
    const { body } = await issue({ api, owner, admin })
    await patch({ birthday: '1991-06-18', password: newPassword, role: 'admin', ...wrong }, 'admin')({ api, owner, admin })
    await patch({ birthday: '1991-06-18', password: newPassword, role: 'admin' }, 'admin')({ api, owner, admin })
    await api.get(`/users?prefix=${username}&limit=1`, admin)
    await api.form('DELETE', '/user/', { username }, admin)
    const text = JSON.stringify(await database.db.select().from(auditEvents)).toLowerCase()
    const secrets = [
      username,
      administrator,
      goodPassword,
      newPassword,
      wrong.current_password,
      String(body['code']),
      '1991-06-18',
      '$argon2',
    ]
    for (const secret of secrets) expect(text).not.toContain(secret.toLowerCase())
  })
})
