import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { openTestPostgres } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import * as schema from '../db/schema.ts'
import { createExportQueries } from '../export/queries.ts'
import { firstIdAt } from './cursor.ts'
import { type AuditQueries, createAuditQueries } from './queries.ts'

const rows = 60_000
const begin = new Date('2027-01-15T08:00:00.000Z').getTime()
/** One event a second. */
const at = (second: number) => new Date(begin + second * 1000)

let client: postgres.Sql
let last: { text: string; parameters: unknown[] } = { text: '', parameters: [] }
let queries: AuditQueries & ReturnType<typeof createExportQueries>

beforeAll(async () => {
  const url = await createDatabase(inject('clusterUrl'))
  await (await openTestPostgres(url)).close()
  client = postgres(url, { max: 1, onnotice: () => undefined })
  const logQuery = (text: string, parameters: unknown[]) => {
    last = { text, parameters }
  }
  const db = drizzle(client, { schema, logger: { logQuery } })
  queries = { ...createAuditQueries(db), ...createExportQueries(db) }
  await client`
    insert into users (id, username, username_key, password, create_time)
    select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, n, n, '-', now() from generate_series(0, 999) as n`
  await client`
    insert into audit_events (id, time, event, outcome, actor, actor_id, subject_id)
    select overlay(lpad(to_hex(${begin}::bigint + n * 1000), 12, '0') || substr(replace(gen_random_uuid()::text, '-', ''), 13)
        placing '7' from 13 for 1)::uuid,
      to_timestamp(${begin}::bigint / 1000 + n),
      case when n % 10000 = 0 then 'user_disabled' else 'signed_in' end,
      case when n % 10000 = 0 then 'failure' else 'success' end,
      'user', account, account
    from generate_series(1, ${rows}) as n,
      lateral (select ('00000000-0000-7000-8000-' || lpad((n % 1000)::text, 12, '0'))::uuid as account) as accounts`
  await client`analyze users, audit_events`
})
afterAll(() => client.end())

const id = '00000000-0000-7000-8000-000000000007'
const range = { since: at(rows / 2), until: at(rows / 2 + 600) }

// Blocks of 8 KiB: an event and two names are one or a few each, of 60,000 events that are 1,500.
test.each<[string, () => Promise<unknown[]>, count: number, blocks: number]>([
  ['no filter', () => queries.list({}, 51), 51, 400],
  ['an event that is common', () => queries.list({ event: 'signed_in' }, 51), 51, 400],
  ['an event that is rare', () => queries.list({ event: 'user_disabled' }, 51), 6, 100],
  ['an event that never was', () => queries.list({ event: 'password_reset' }, 51), 0, 20],
  ['the rare outcome', () => queries.list({ outcome: 'failure' }, 51), 6, 100],
  ['the common outcome', () => queries.list({ outcome: 'success' }, 51), 51, 400],
  ['an actor', () => queries.list({ actorId: id }, 51), 51, 400],
  ['a subject', () => queries.list({ subjectIds: [id] }, 51), 51, 400],
  ['a range of time', () => queries.list(range, 51), 51, 400],
  ['a cursor', () => queries.list({ before: firstIdAt(at(rows / 2)) }, 51), 51, 400],
  ['an event in a range', () => queries.list({ event: 'user_disabled', ...range }, 51), 1, 60],
  ['the rare outcome in a range', () => queries.list({ outcome: 'failure', ...range }, 51), 1, 60],
  ['an actor in a range', () => queries.list({ actorId: id, ...range }, 51), 1, 60],
  ['a subject in a range', () => queries.list({ subjectIds: [id], ...range }, 51), 1, 60],
  ['one’s own', () => queries.listAbout(id, undefined, 51), 51, 100],
  ['an export', () => queries.listEvents(id, 20), 20, 100],
])('what is read for %s does not depend on how much is stored', async (_name, run, count, blocks) => {
  for (let i = 0; i < 8; i += 1) expect(await run()).toHaveLength(count) // past the sixth, the plan may be a generic one
  const { text, parameters } = last
  const explained = await client.unsafe(`explain (analyze, buffers, format json) ${text}`, parameters as string[])
  const [row = {}] = explained as unknown as Record<string, unknown>[]
  const [{ Plan: plan }] = row['QUERY PLAN'] as [{ Plan: Record<string, number> }]
  expect(JSON.stringify(plan)).not.toMatch(/"Seq Scan"/)
  expect((plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0)).toBeLessThan(blocks)
})
