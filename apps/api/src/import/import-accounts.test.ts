import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { createTestApp, openTestEmbedded, openTestPostgres } from '../../runtime-tests/in-process.ts'
import { createDatabase } from '../../runtime-tests/postgres.ts'
import { type Api, createApi } from '../../runtime-tests/suite/target.ts'
import { tutorialHash } from '../../runtime-tests/tutorial-source.ts'
import { nodeArgon2id } from '../crypto/argon2.ts'
import { wrapSha256 } from '../crypto/password.ts'
import type { OpenDatabase } from '../db/open.ts'
import { auditEvents, importedUsers, users } from '../db/schema.ts'
import { type ImportDependencies, type ImportOptions, type Outcome, importAccounts } from './import-accounts.ts'
import { type ImportQueries, createImportQueries } from './queries.ts'
import type { SourceRecord } from './record.ts'

const argon2id = await nodeArgon2id()
if (!argon2id) throw new Error('this Node has no argon2')
const wrap = (digest: string) => wrapSha256(argon2id, digest)
const now = new Date('2027-01-15T08:00:00.123Z')
const standard = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/

describe.each([
  ['PGlite', openTestEmbedded],
  ['PostgreSQL', async () => openTestPostgres(await createDatabase(inject('clusterUrl')))],
])('importAccounts() on %s', (_name, open) => {
  let database: OpenDatabase
  let queries: ImportQueries
  let api: Api
  beforeAll(async () => {
    database = await open()
    queries = createImportQueries(database.db)
    const { app } = await createTestApp(database)
    api = createApi({ fetch: async (path, init) => app.request(path, init), stop: async () => undefined })
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    await database.db.execute(sql`truncate users, imported_users cascade`)
  })

  let positions = 0
  const record = (username: string, rest: Partial<SourceRecord> = {}): SourceRecord => {
    positions += 1
    return {
      position: positions,
      username,
      passwordHash: tutorialHash(`password of ${username}`),
      createTime: '2024-01-02',
      ...rest,
    }
  }

  async function* batches(...of: SourceRecord[][]) {
    yield* of
  }

  async function bring(
    of: SourceRecord[][],
    options: Partial<ImportOptions> = {},
    changed: Partial<ImportDependencies> = {},
  ): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    const dependencies = { queries, wrap, clock: () => now, atOnce: 4, signal: new AbortController().signal }
    await importAccounts({ ...dependencies, tell: (outcome) => void outcomes.push(outcome), ...changed }, batches(...of), {
      source: 'old',
      dryRun: false,
      allowRoles: false,
      distinctKeys: false,
      ...options,
    })
    return outcomes.toSorted((a, b) => a.position - b.position)
  }

  const rowOf = async (username: string) => (await database.db.select().from(users).where(eq(users.username, username)))[0]
  const countOf = async (table: typeof users | typeof importedUsers | typeof auditEvents) => database.db.$count(table)
  const brief = (outcomes: Outcome[]) =>
    outcomes.map((one) => [
      one.username,
      one.outcome,
      ...('reasons' in one ? one.reasons.map((reason) => reason.taken_by ?? reason.code) : []),
    ])

  test('writes an account with all that it had, where it came from, and an event without its name', async () => {
    const ada = record('Ada', { birthday: '1815-12-10', lastLogin: '2025-06-07 08:09:10.111213', role: 'admin' })
    const events = await countOf(auditEvents)
    const [outcome] = await bring([[ada]])
    const row = await rowOf('Ada')
    expect(row).toEqual({
      id: expect.stringMatching(/^01a3185c-507b-7/) as string,
      username: 'Ada',
      usernameKey: 'ada',
      password: expect.stringMatching(/^\$sha256-argon2id\$v=19\$m=19456,t=2,p=1\$/) as string,
      passwordChangeTime: null,
      birthday: '1815-12-10',
      role: 'user',
      createTime: new Date('2024-01-02T00:00:00Z'),
      lastLogin: new Date('2025-06-07T08:09:10.111Z'),
      disabledAt: null,
    })
    expect(outcome).toEqual({
      position: ada.position,
      username: 'Ada',
      outcome: 'imported',
      user_id: row?.id,
      notes: ['role_ignored'],
    })
    expect(await database.db.select().from(importedUsers)).toEqual([
      { source: 'old', sourceKey: 'Ada', userId: row?.id, importTime: now },
    ])
    expect(await countOf(auditEvents)).toBe(events + 1)
    const [event] = await database.db
      .select()
      .from(auditEvents)
      .where(eq(auditEvents.subjectId, row?.id ?? ''))
    expect(event).toMatchObject({
      event: 'user_imported',
      actor: 'operator',
      actorId: null,
      details: { source: 'old' },
      time: now,
    })
    expect(JSON.stringify(event)).not.toMatch(/ada/i)
  })

  test('lets everybody sign in with the old password, whose hash is then renewed; nothing fast is stored before', async () => {
    const given = ['plain', 'pässwörd', 'e\u0301te\u0301', ' space ', '密码', '🦊🦊']
    const records = given.map((password, i) => record(`user-${i}`, { passwordHash: tutorialHash(password) }))
    await bring([records])
    const dump = JSON.stringify(await database.db.select().from(users))
    expect(dump).not.toMatch(/[\da-f]{64}/i)
    for (const [i, password] of given.entries()) {
      expect((await api.login(`user-${i}`, tutorialHash(password))).status).toBe(401)
      expect((await api.login(`user-${i}`, `${password}x`)).status).toBe(401)
      expect((await rowOf(`user-${i}`))?.password).toMatch(/^\$sha256-argon2id\$/)
      expect((await api.login(`user-${i}`, password)).status).toBe(200)
      expect((await rowOf(`user-${i}`))?.password).toMatch(standard)
      expect((await api.login(`user-${i}`, password.normalize('NFC'))).status).toBe(200)
      expect((await api.login(`user-${i}`, tutorialHash(password))).status).toBe(401)
    }
  })

  test('keeps the sessions of an account whose hash is renewed', async () => {
    await bring([[record('ada')]])
    const [one, other] = await Promise.all([api.login('ada', 'password of ada'), api.login('ada', 'password of ada')])
    for (const { body } of [one, other]) expect((await api.get('/users/me', String(body['access_token']))).status).toBe(200)
    expect((await rowOf('ada'))?.password).toMatch(standard)
  })

  test('keeps hashes of other schemes as they are until the first sign-in', async () => {
    const bcrypt = '$2b$05$CCCCCCCCCCCCCCCCCCCCC.7pQR26WHEqv4qWiL5xfJt1AYHdVhcXW'
    await bring([[record('ada', { passwordHash: bcrypt })]])
    expect((await rowOf('ada'))?.password).toBe(bcrypt)
    expect((await api.login('ada', 'naive cafe')).status).toBe(401)
    expect((await api.login('ada', 'naïve café')).status).toBe(200)
    expect((await rowOf('ada'))?.password).toMatch(standard)
    expect((await api.login('ada', 'naïve café')).status).toBe(200)
  })

  test('brings each account once, and none back that was deleted here', async () => {
    const records = [record('ada'), record('grace')]
    await bring([records])
    await database.db.delete(users).where(eq(users.username, 'grace'))
    const events = await countOf(auditEvents)
    expect(brief(await bring([[...records, record('edsger')]]))).toEqual([
      ['ada', 'already_imported'],
      ['grace', 'deleted_since'],
      ['edsger', 'imported'],
    ])
    expect([await countOf(users), await countOf(importedUsers), await countOf(auditEvents)]).toEqual([2, 3, events + 1])
  })

  test('takes another source for another one', async () => {
    await bring([[record('ada')]])
    expect(brief(await bring([[record('ada'), record('grace')]], { source: 'other' }))).toEqual([
      ['ada', 'left_behind', 'username_taken'],
      ['grace', 'imported'],
    ])
  })

  test('changes nothing of an account that came over, whatever the source says later', async () => {
    await bring([[record('ada', { birthday: '1815-12-10' })]])
    const before = await rowOf('ada')
    await bring([[record('ada', { birthday: '1999-09-09', passwordHash: tutorialHash('another') })]])
    expect(await rowOf('ada')).toEqual(before)
  })

  describe.each([{ distinctKeys: false }, { distinctKeys: true }])('with %j', (options) => {
    test('names everybody whose name is taken, here or in the source, in one batch or in two, and again when repeated', async () => {
      await api.register('Grace')
      const first = [record('Ada'), record('ada'), record('grace')]
      const second = [record('ADA'), record('ﬁnn')]
      const third = [record('Finn'), record('finn')]
      const expected = (outcome: string) => [
        ['Ada', outcome],
        ['ada', 'left_behind', 'Ada'],
        ['grace', 'left_behind', 'username_taken'],
        ['ADA', 'left_behind', 'Ada'],
        ['ﬁnn', outcome],
        ['Finn', 'left_behind', 'ﬁnn'],
        ['finn', 'left_behind', 'ﬁnn'],
      ]
      expect(brief(await bring([first, second, third], options))).toEqual(expected('imported'))
      expect(brief(await bring([first, second, third], options))).toEqual(expected('already_imported'))
      expect(await countOf(users)).toBe(3)
    })

    test('says with dryRun what would happen, and writes nothing', async () => {
      await api.register('Grace')
      const all = [
        [record('Ada'), record('grace')],
        [record('ada'), record('bad name'), record('edsger')],
      ]
      const counts = async () => [await countOf(users), await countOf(importedUsers), await countOf(auditEvents)]
      const before = await counts()
      const dry = await bring(all, { ...options, dryRun: true })
      expect(await counts()).toEqual(before)
      const wet = await bring(all, options)
      expect(brief(dry)).toEqual(brief(wet))
      expect(brief(await bring(all, { ...options, dryRun: true }))).toEqual(brief(await bring(all, options)))
    })
  })

  test('names what a file has twice, also where the two are far apart', async () => {
    const [one, two] = [record('ada'), record('ada')]
    const expected = (outcome: string) => [
      ['ada', outcome],
      ['grace', outcome],
      ['ada', 'left_behind', 'duplicate'],
    ]
    expect(brief(await bring([[one, record('grace')], [{ ...two, position: two.position + 9 }]]))).toEqual(expected('imported'))
    expect(await countOf(users)).toBe(2)
  })

  test('takes roles over only where it is allowed to', async () => {
    const admin = { role: 'admin' }
    expect(brief(await bring([[record('ada', admin), record('bob', { role: 'root' })]], { allowRoles: true }))).toEqual([
      ['ada', 'imported'],
      ['bob', 'left_behind', 'role_invalid'],
    ])
    expect((await rowOf('ada'))?.role).toBe('admin')
  })

  test('leaves a registration alone that was faster', async () => {
    const faster: ImportDependencies['wrap'] = async (digest) => {
      await api.register('Ada')
      return wrap(digest)
    }
    expect(brief(await bring([[record('ada')]], {}, { wrap: faster }))).toEqual([['ada', 'left_behind', 'username_taken']])
    expect([await countOf(users), await countOf(importedUsers)]).toEqual([1, 0])
  })

  test('does not bring back who came over and was deleted a moment ago, beside another import', async () => {
    const first = record('ada')
    const meanwhile: ImportDependencies['wrap'] = async (digest) => {
      await bring([[first]])
      await database.db.delete(users)
      return wrap(digest)
    }
    expect(brief(await bring([[record('ada')]], {}, { wrap: meanwhile }))).toEqual([['ada', 'deleted_since']])
    expect([await countOf(users), await countOf(importedUsers)]).toEqual([0, 1])
  })

  test('is harmless beside another import of the same source', async () => {
    const records = Array.from({ length: 12 }, (_, i) => record(`user-${i}`))
    const outcomes = await Promise.all([bring([records]), bring([records]), bring([records])])
    for (const [i] of records.entries()) {
      const kinds = outcomes.map((each) => each[i]?.outcome)
      expect(kinds.filter((kind) => kind === 'imported')).toHaveLength(1)
      expect(kinds.filter((kind) => kind === 'already_imported')).toHaveLength(2)
    }
    expect([await countOf(users), await countOf(importedUsers)]).toEqual([12, 12])
  })

  test('stops soon when it is told to, and goes on when it is called again', async () => {
    const records = Array.from({ length: 20 }, (_, i) => record(`user-${i}`))
    const stop = new AbortController()
    const told: Outcome[] = []
    const tell = (outcome: Outcome) => {
      told.push(outcome)
      if (told.length === 5) stop.abort()
    }
    await bring([records, [record('late')]], {}, { signal: stop.signal, tell })
    expect(told.length).toBeLessThan(10)
    expect(await countOf(users)).toBe(told.length)
    const after = await bring([records, [record('late')]])
    expect(after.filter(({ outcome }) => outcome === 'already_imported')).toHaveLength(told.length)
    expect(await countOf(users)).toBe(21)
  })

  test('fails when the database does, having written whole accounts only', async () => {
    const records = Array.from({ length: 12 }, (_, i) => record(`user-${i}`))
    await database.db.execute(
      sql`create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$`,
    )
    await database.db.execute(
      sql`create trigger refuse before insert on audit_events for each row when (new.event = 'user_imported') execute function refuse()`,
    )
    try {
      await expect(bring([records])).rejects.toThrow()
      expect([await countOf(users), await countOf(importedUsers)]).toEqual([0, 0])
    } finally {
      await database.db.execute(sql`drop function refuse cascade`)
    }
    await bring([records])
    expect(await countOf(users)).toBe(12)
  })
})
