import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openTestEmbedded, openTestPostgres } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import type { OpenDatabase } from '../db/open.ts'
import { users } from '../db/schema.ts'
import { type UserFilter, createUserListQueries } from './queries.ts'

interface Plan {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Shared Hit Blocks': number
  'Shared Read Blocks': number
  Plans?: Plan[]
}

const count = 20_000
const event = { origin: { actor: 'user' as const }, now: new Date() }

describe.each([
  ['PGlite', openTestEmbedded],
  ['PostgreSQL', async () => openTestPostgres(await createDatabase(inject('clusterUrl')))],
])('a page out of many users on %s', (_name, open) => {
  let database: OpenDatabase
  let key: string

  beforeAll(async () => {
    database = await open()
    const { db } = database
    // Their order in the table is not that of the names; there is a rare kind of each sort, at the end of the list.
    await db.execute(sql`
      insert into users (id, username, username_key, password, role, create_time, disabled_at)
      select gen_random_uuid(), name, name, '-', case when i % 100 = 0 then 'admin' else 'user' end, now(), case when i % 100 = 1 then now() end
      from (select i, case when i % 100 < 2 then 'z-' else 'user-' end || md5(i::text) as name from generate_series(1, ${count}::integer) as i) as made`)
    const [row] = await createUserListQueries(db).list({ prefix: 'user-e' }, 1, event)
    key = row?.usernameKey ?? ''
  })
  afterAll(() => database.close())

  const filters: [string, (key: string) => UserFilter, index: string][] = [
    ['first', () => ({}), 'users_username_key'],
    ['deep', (after) => ({ after }), 'users_username_key'],
    ['with a prefix', () => ({ prefix: 'user-c' }), 'users_username_key'],
    ['with a prefix of almost all', () => ({ prefix: 'user-' }), 'users_username_key'],
    ['with a prefix of none', () => ({ prefix: 'user-x' }), 'users_username_key'],
    ['of enabled users with a prefix', () => ({ prefix: 'user-', role: 'user', disabled: false }), 'users_username_key'],
    ['of enabled users, deep', (after) => ({ after, role: 'user', disabled: false }), 'users_username_key'],
    ['deep, with a prefix', (after) => ({ prefix: 'user-', after }), 'users_username_key'],
    ['of users', () => ({ role: 'user' }), 'users_username_key'],
    ['of enabled ones', () => ({ disabled: false }), 'users_username_key'],
    ['of administrators', () => ({ role: 'admin' }), 'users_administrators'],
    ['of administrators, deep', (after) => ({ role: 'admin', after }), 'users_administrators'],
    ['of disabled ones', () => ({ disabled: true }), 'users_disabled'],
    ['of disabled users with a prefix', () => ({ role: 'user', disabled: true, prefix: 'z' }), 'users_disabled'],
  ]

  describe.each(['no', 'fresh'])('with %s statistics', (statistics) => {
    beforeAll(() => (statistics === 'fresh' ? database.db.execute(sql`vacuum analyze users`) : undefined))

    test.each(filters)('%s, reads a few pages of an index and the rows', async (_what, filter, index) => {
      const page = createUserListQueries(database.db).list(filter(key), 51, event)
      const answer: unknown = await database.db.execute(sql`explain (analyze, buffers, format json) ${page.getSQL()}`)
      const rows = (Array.isArray(answer) ? answer : (answer as { rows: unknown[] }).rows) as { 'QUERY PLAN': { Plan: Plan }[] }[]
      const plans = flatten(rows[0]?.['QUERY PLAN'][0]?.Plan)
      const onUsers = plans.filter((plan) => plan['Relation Name'] === 'users' || plan['Index Name']?.startsWith('users_'))
      expect(onUsers.flatMap((plan) => plan['Index Name'] ?? [])).toEqual([index])
      const pages = onUsers.map((plan) => plan['Shared Hit Blocks'] + plan['Shared Read Blocks'])
      // A page for each row, and the way down the index; or all of the few, to be sorted.
      const few = index === 'users_username_key' ? 70 : 10 + count / 100
      expect(Math.max(...pages)).toBeLessThanOrEqual(few)
    })
  })
})

test('a page is what sorting and filtering everything would give', async () => {
  const { db, close } = await openTestPostgres(await createDatabase(inject('clusterUrl')))
  const names = ['a', 'ab', 'abc', 'abd', 'ac', 'b', 'ab\u{10FFFD}', 'abé', 'ab😀', 'aé', 'é', '~']
  const kinds = names.map((name, i) => ({ name, role: i % 3 === 0 ? ('admin' as const) : ('user' as const), off: i % 4 === 1 }))
  for (const { name, role, off } of kinds) {
    const times = { createTime: event.now, disabledAt: off ? event.now : null }
    await db.insert(users).values({ id: crypto.randomUUID(), username: name, usernameKey: name, password: '-', role, ...times })
  }
  const sorted = kinds.toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
  const queries = createUserListQueries(db)
  for (const prefix of [undefined, '', 'a', 'ab', 'ab\u{10FFFD}', 'x', '~']) {
    for (const after of [undefined, ...names, 'aa', 'zz']) {
      for (const [role, disabled] of [[], ['admin'], ['user'], [undefined, true], [undefined, false], ['user', false]] as const) {
        const expected = sorted.filter(
          (row) =>
            row.name.startsWith(prefix ?? '') &&
            (after === undefined || Buffer.compare(Buffer.from(row.name), Buffer.from(after)) > 0) &&
            (role === undefined || row.role === role) &&
            (disabled === undefined || row.off === disabled),
        )
        const rows = await queries.list({ prefix, after, role, disabled }, 3, event)
        expect(rows.map(({ usernameKey }) => usernameKey)).toEqual(expected.slice(0, 3).map(({ name }) => name))
      }
    }
  }
  await close()
})

function flatten(plan: Plan | undefined): Plan[] {
  return plan ? [plan, ...(plan.Plans ?? []).flatMap(flatten)] : []
}
