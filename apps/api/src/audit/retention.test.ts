import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createTestApp, openTestEmbedded, openTestPostgres } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import type { OpenDatabase } from '../db/open.ts'
import { auditEvents } from '../db/schema.ts'
import { codeOf } from '../db/database-error.ts'
import { createAuditQueries, record } from './queries.ts'

const day = 86_400_000
const start = new Date('2027-01-15T08:00:00.000Z').getTime()
const at = (days: number, milliseconds = 0) => new Date(start + days * day + milliseconds)

describe.each([
  ['PGlite', async () => [await openTestEmbedded()]],
  [
    'PostgreSQL',
    async () => {
      const url = await createDatabase(inject('clusterUrl'))
      return [await openTestPostgres(url), await openTestPostgres(url)]
    },
  ],
])('on %s', (_name, open) => {
  let databases: OpenDatabase[]
  const database = (): OpenDatabase => databases[0] as OpenDatabase
  beforeAll(async () => {
    databases = await open()
  })
  beforeEach(() => empty())
  afterAll(() => Promise.all(databases.map((each) => each.close())))

  const empty = async () => {
    while ((await createAuditQueries(database().db).deleteBefore(at(36_500), 500)) > 0);
  }
  const fill = async (times: Date[]) => {
    for (const now of times) await record(database().db, { event: 'audit_read', origin: { actor: 'system' }, now })
  }
  const times = async () =>
    (await database().db.select().from(auditEvents).orderBy(auditEvents.id)).map(({ time }) => time.getTime() - start)

  test('deleteBefore() removes what is older than an instant, to the millisecond, the oldest first and in batches', async () => {
    await fill([at(-1), at(0, -1), at(0), at(0, 1), at(-3), at(-2), at(-5)])
    const { deleteBefore } = createAuditQueries(database().db)
    expect(await deleteBefore(at(0), 3)).toBe(3)
    expect(await times()).toEqual([-day, -1, 0, 1])
    expect(await deleteBefore(at(0), 3)).toBe(2)
    expect(await deleteBefore(at(0), 3)).toBe(0)
    expect(await times()).toEqual([0, 1])
  })

  test('what else deletes is refused, before and after the cleaning', async () => {
    await fill([at(-1), at(0)])
    const { db } = database()
    const refusal = () => db.delete(auditEvents).then(() => undefined, codeOf)
    expect(await refusal()).toBe('UG002')
    for (let i = 0; i < 12; i += 1) await createAuditQueries(db).deleteBefore(at(0), 3) // on each connection, it may be
    for (let i = 0; i < 12; i += 1) expect(await refusal()).toBe('UG002')
    expect(await times()).toEqual([0])
  })

  test('a server keeps events for AUDIT_RETENTION, and removes them in its rounds', async () => {
    await fill(Array.from({ length: 700 }, (_, i) => at(-10, i)))
    await fill([at(-2), at(-1, -1), at(-1), at(0)])
    await createTestApp(database(), { settings: { auditRetention: 86_400 }, clock: () => at(0) })
    await expect.poll(times, { timeout: 10_000 }).toEqual([-day, 0, expect.any(Number)])
  })
})

test('deleteBefore() leaves it to the instance that has the turn', async () => {
  const url = await createDatabase(inject('clusterUrl'))
  const [one, other] = [await openTestPostgres(url), await openTestPostgres(url)]
  for (let i = 0; i < 2; i += 1) await record(one.db, { event: 'audit_read', origin: { actor: 'system' }, now: at(-1) })
  await one.db.transaction(async (transaction) => {
    expect(await createAuditQueries(transaction).deleteBefore(at(0), 1)).toBe(1)
    expect(await createAuditQueries(other.db).deleteBefore(at(0), 1)).toBe(0)
  })
  expect(await createAuditQueries(other.db).deleteBefore(at(0), 2)).toBe(1)
  await Promise.all([one.close(), other.close()])
})
