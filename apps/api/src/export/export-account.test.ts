import { type Column, getTableColumns, getTableName, is, sql } from 'drizzle-orm'
import { PgTable, getTableConfig } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createMemoryLog, createTestApp, openTestEmbedded, openTestPostgres, origin } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import { type Json, createApi } from '../../runtime-tests/suite/target.ts'
import { type Owner, createOwners } from '../../runtime-tests/suite/owner.ts'
import type { OpenDatabase } from '../db/open.ts'
import * as schema from '../db/schema.ts'
import type { Resources } from '../resources.ts'
import { exportAccount } from './export-account.ts'

/** Where the export has each table that is about somebody. */
const members: Record<string, string> = {
  users: 'account',
  password_resets: 'password_reset',
  imported_users: 'imports',
  known_networks: 'known_networks',
  sessions: 'sessions',
  audit_events: 'events',
}

/** What no export holds, and what would say once more whose it is. */
const left: Record<string, string[]> = {
  users: ['password'],
  password_resets: ['user_id', 'code_hash'],
  imported_users: ['user_id'],
  known_networks: ['user_id'],
  sessions: ['user_id'],
  audit_events: [],
}

/** Tables that hold nothing about anybody for longer than a day. */
const aboutNobody = ['ended_sessions', 'signing_keys', 'rate_limits']

const exported: unknown[] = Object.values(schema)
const tables = exported.filter((value): value is PgTable => is(value, PgTable))

/** Whether a column says whose a row is. */
function namesAccount(table: PgTable, column: Column): boolean {
  const refers = getTableConfig(table).foreignKeys.some((key) => {
    const { columns, foreignTable } = key.reference()
    return foreignTable === schema.users && columns.some(({ name }) => name === column.name)
  })
  return refers || /(?:^|_)(?:user|account|owner|actor|subject)_id$/.test(column.name)
}

test('every table that is about somebody is in the export', () => {
  const about = tables.filter(
    (table) => table === schema.users || Object.values(getTableColumns(table)).some((column) => namesAccount(table, column)),
  )
  expect(about.map(getTableName).toSorted()).toEqual(Object.keys(members).toSorted())
  expect([...Object.keys(members), ...aboutNobody].toSorted()).toEqual(tables.map(getTableName).toSorted())
})

describe.each([
  ['PGlite', openTestEmbedded],
  ['PostgreSQL', async () => openTestPostgres(await createDatabase(inject('clusterUrl')))],
])('on %s', (_name, open) => {
  let database: OpenDatabase
  let resources: Resources
  let api: ReturnType<typeof createApi>
  let owner: Owner
  const log = createMemoryLog()

  beforeAll(async () => {
    database = await open()
    const made = await createTestApp(database, { platform: { log } })
    resources = made.resources
    api = createApi({ fetch: async (path, init) => made.app.request(path, init), stop: async () => undefined })
    const owners = createOwners(() => api)
    owner = await owners.account()
    await owners.account()
    const now = new Date()
    await database.db
      .insert(schema.knownNetworks)
      .values({ userId: owner.id, addressPrefix: '203.0.113.0/24', lastSignIn: now })
      .onConflictDoNothing()
    await database.db
      .insert(schema.passwordResets)
      .values({ userId: owner.id, codeHash: 'the hash of a code', createTime: now, expireTime: now })
    await database.db
      .insert(schema.importedUsers)
      .values({ userId: owner.id, source: 'the old site', sourceKey: '4711', importTime: now })
  })
  afterAll(() => database.close())

  const read = async () => (await api.get('/users/me/export', owner.token)).body

  test('every column of theirs is in the export but secrets, with what is stored', async () => {
    const body = await read()
    for (const table of tables.filter((each) => getTableName(each) in members)) {
      const name = getTableName(table)
      const held = body[members[name] ?? '']
      const row = (Array.isArray(held) ? held[0] : held) as Json
      const columns = Object.values(getTableColumns(table)).map((column) => column.name)
      expect([name, ...Object.keys(row).toSorted()]).toEqual([
        name,
        ...columns.filter((column) => !left[name]?.includes(column)).toSorted(),
      ])
    }
    const { account, imports, password_reset } = body as { account: Json; imports: Json[]; password_reset: Json }
    expect(account).toMatchObject({ id: owner.id, username: owner.username, username_key: owner.username, role: 'user' })
    expect(imports).toMatchObject([{ source: 'the old site', source_key: '4711' }])
    expect(password_reset['expire_time']).toBe(password_reset['create_time'])
    expect(JSON.stringify(body)).not.toMatch(/argon2|the hash of a code/)
  })

  test('batches are put together without a gap or a repetition', async () => {
    await database.db.execute(sql`
      insert into audit_events (id, time, event, outcome, actor, actor_id, subject_id)
      select gen_random_uuid(), now(), 'signed_in', 'success', 'user',
        case when n % 3 > 0 then ${owner.id}::uuid end, case when n % 3 < 2 then ${owner.id}::uuid end
      from generate_series(1, 1200) as n`)
    await database.db.execute(sql`
      insert into known_networks (user_id, address_prefix, last_sign_in)
      select ${owner.id}::uuid, n || '.0.0.0/24', now() from generate_series(1, 1000) as n`)
    await database.db.execute(sql`
      insert into sessions (id, user_id, rotate_time, create_time, last_used, expire_time)
      select gen_random_uuid(), ${owner.id}::uuid, now(), now(), now(), now() + interval '1 day' from generate_series(1, 499)`)
    const body = await read()
    for (const [member, key, count] of [
      ['events', 'id', 1200],
      ['known_networks', 'address_prefix', 1000],
      ['sessions', 'id', 500],
    ] as const) {
      const keys = (body[member] as Json[]).map((row) => row[key])
      expect(new Set(keys).size).toBe(keys.length)
      expect(keys.length).toBeGreaterThanOrEqual(count)
      expect(keys.length).toBeLessThan(count + 20)
    }
  })

  test('it is written as it is read: 500 rows at a time, and no more once the client has left', async () => {
    let statements = 0
    const queries = {
      ...resources.exports,
      listEvents: (...args: Parameters<Resources['exports']['listEvents']>) => {
        statements += 1
        return resources.exports.listEvents(...args)
      },
    }
    const { audit } = resources
    const pieces = await exportAccount({ queries, audit, origin, now: new Date() }, owner.id)
    if (!pieces) throw new Error('the account is there')
    for await (const piece of pieces) if (piece.includes('"signed_in"')) break
    expect(statements).toBe(1)
  })

  test('one that breaks off is no JSON, and is logged', async () => {
    const { listEvents } = resources.exports
    resources.exports.listEvents = () => Promise.reject(new Error('the reason'))
    await expect(read()).rejects.toThrow('the export broke off')
    resources.exports.listEvents = listEvents
    expect(log.lines.at(-1)).toMatchObject({ message: 'an export broke off', fields: { error: { message: 'the reason' } } })
    expect(await read()).toHaveProperty('account')
  })

  test('there is none of an account that is gone', async () => {
    const { exports: queries, audit } = resources
    expect(await exportAccount({ queries, audit, origin, now: new Date() }, crypto.randomUUID())).toBeUndefined()
  })
})
