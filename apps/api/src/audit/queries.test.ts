import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openTestEmbedded, openTestPostgres } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import { codeOf } from '../db/database-error.ts'
import type { OpenDatabase } from '../db/open.ts'
import { auditEvents, users } from '../db/schema.ts'
import type { AuditEvent } from './event.ts'
import { record, recording } from './queries.ts'

const subjectId = '019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e42'
const event: AuditEvent = {
  event: 'user_disabled',
  origin: { actor: 'operator', requestId: 'r-1', addressPrefix: '203.0.113.0/24' },
  subjectId,
  details: { reason: 'asked' },
  now: new Date('2026-01-02T03:04:05.678Z'),
}

describe.each([
  ['PGlite', openTestEmbedded],
  ['PostgreSQL', async () => openTestPostgres(await createDatabase(inject('clusterUrl')))],
])('on %s', (_name, open) => {
  let database: OpenDatabase

  beforeAll(async () => {
    database = await open()
    await database.db
      .insert(users)
      .values([{ id: subjectId, username: 'ada', usernameKey: 'ada', password: '-', createTime: event.now }])
  })
  afterAll(() => database.close())

  const all = () => database.db.select().from(auditEvents)
  const refusal = (statement: Promise<unknown>) => statement.then(() => undefined, codeOf)

  test('recording() records in the statement that changes something, once, and nothing where nothing changed', async () => {
    const { db } = database
    const change = async (username: string) => {
      const changed = db
        .$with('changed')
        .as(
          db.update(users).set({ disabledAt: event.now }).where(eq(users.username, username)).returning({ subjectId: users.id }),
        )
      const recorded = recording(db, changed, event, { subjectId: changed.subjectId, details: sql`'{"how":"computed"}'::jsonb` })
      return db.with(changed, recorded).select({ id: changed.subjectId }).from(changed)
    }
    expect(await change('grace')).toEqual([])
    expect(await all()).toEqual([])
    expect(await change('ada')).toEqual([{ id: subjectId }])
    expect(await all()).toEqual([
      {
        id: expect.stringMatching(/^019b7ca9-8f2e-7/) as string,
        time: event.now,
        event: 'user_disabled',
        outcome: 'success',
        actor: 'operator',
        actorId: null,
        subjectId,
        addressPrefix: '203.0.113.0/24',
        requestId: 'r-1',
        details: { how: 'computed' },
      },
    ])
  })

  test('events are only added', async () => {
    const { db } = database
    await record(db, event)
    expect((await all()).at(-1)).toMatchObject({ details: { reason: 'asked' }, subjectId })
    expect(await refusal(db.update(auditEvents).set({ outcome: 'failure' }).execute())).toBe('UG002')
    expect(await refusal(db.delete(auditEvents).execute())).toBe('UG002')
    expect(await refusal(Promise.resolve(db.execute('truncate audit_events')))).toBe('UG002')
    expect(await all()).not.toEqual([])
  })

  test('an account takes nothing of its events along', async () => {
    const { db } = database
    await db.delete(users)
    expect((await all()).at(-1)).toMatchObject({ subjectId })
  })
})
