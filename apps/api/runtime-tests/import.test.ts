import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { openSource } from '../src/db/open-source.ts'
import type { OpenDatabase } from '../src/db/open.ts'
import { auditEvents, importedUsers, users } from '../src/db/schema.ts'
import type { Outcome } from '../src/import/import-accounts.ts'
import type { Summary } from '../src/import/summary.ts'
import { createTestApp, openTestPostgres } from './in-process.ts'
import { openEmbedded } from '../src/db/open-embedded.ts'
import { countWaiting, createDatabase, query } from './postgres.ts'
import { gatehouse, oneLine, startGatehouse } from './command.ts'
import { type Runtime, temporaryFolder, testSecret } from './server.ts'
import { createApi } from './suite/target.ts'
import { fillTutorial, tutorialHash, tutorialPassword, tutorialTable } from './tutorial-source.ts'

const newDatabase = () => createDatabase(inject('clusterUrl'))

/** Where an import goes: the settings that name it, and how to look at it afterwards. */
interface Goal {
  env: Record<string, string>
  open(): Promise<OpenDatabase>
}

async function onPostgres(): Promise<Goal> {
  const url = await newDatabase()
  return { env: { DATABASE_URL: url, GATEHOUSE_SECRET: testSecret }, open: () => openTestPostgres(url) }
}

async function onEmbedded(): Promise<Goal> {
  const folder = temporaryFolder()
  return { env: { DATA_DIR: folder }, open: () => openEmbedded(folder) }
}

async function within<T>({ open }: Goal, look: (database: OpenDatabase) => Promise<T>): Promise<T> {
  const database = await open()
  try {
    return await look(database)
  } finally {
    await database.close()
  }
}

const counts = (goal: Goal) =>
  within(goal, async ({ db }) => [await db.$count(users), await db.$count(importedUsers), await db.$count(auditEvents)])

const linesOf = (report: string) =>
  readFileSync(report, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Outcome)

const importTutorial = (from: string, goal: Goal, ...more: string[]) =>
  gatehouse(['import', 'tutorial', '--from', from, ...more], goal.env)

const summaryOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as Summary

/** All that the source holds, to see that nothing changed it. */
const contentsOf = (url: string) => query(url, `select md5(string_agg(users::text, ',' order by username)) as md5 from users`)

/** Waits until the report tells of so many accounts. */
async function untilReported(report: string, count: number): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const lines = statSync(report, { throwIfNoEntry: false }) ? readFileSync(report, 'utf8').split('\n').length - 1 : -1
    if (lines >= count) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${report} did not tell of ${count} accounts within 30 s`)
}

vi.setConfig({ testTimeout: 240_000 }) // several processes a test, each with hashes to compute

describe.each([
  ['PostgreSQL', onPostgres],
  ['an embedded database', onEmbedded],
])('gatehouse import tutorial into %s', (_name, prepare) => {
  test('brings everybody over, who sign in with their old passwords', async () => {
    const [source, goal] = [await newDatabase(), await prepare()]
    await fillTutorial(source, 6)
    const before = await contentsOf(source)

    const dry = await importTutorial(source, goal, '--dry-run', '--json')
    expect(dry).toMatchObject({ code: 0, stderr: '' })
    expect(summaryOf(dry)).toMatchObject({ dry_run: true, accounts: 6, imported: 6, left_behind: 0 })
    expect(await counts(goal)).toEqual([0, 0, 0])

    const report = join(temporaryFolder(), 'report.jsonl')
    const outcome = await importTutorial(source, goal, '--report', report)
    expect(outcome).toMatchObject({ code: 0, stderr: '' })
    expect(outcome.stdout).toMatch(/^6 accounts of postgres:\/\/127\.0\.0\.1:\d+\/test_\w+:\n +6 {2}came over\n/)
    expect(linesOf(report)).toHaveLength(6)
    expect(statSync(report).mode & 0o777).toBe(0o600)
    expect(await contentsOf(source)).toEqual(before)

    const again = await importTutorial(source, goal, '--json')
    expect(again.code).toBe(0)
    expect(summaryOf(again)).toMatchObject({ imported: 0, already_imported: 6, left_behind: 0 })
    expect(await counts(goal)).toEqual([6, 6, 6])

    await within(goal, async (database) => {
      const { db } = database
      expect(JSON.stringify(await db.select().from(users))).not.toMatch(/[\da-f]{64}/i)
      const { app } = await createTestApp(database)
      const api = createApi({ fetch: async (path, init) => app.request(path, init), stop: async () => undefined })
      for (let i = 1; i <= 6; i += 1) expect((await api.login(`user-${i}`, tutorialPassword(i))).status).toBe(200)
      expect((await api.login('user-1', tutorialPassword(2))).status).toBe(401)
      const stored = await db.select().from(users)
      for (const { password } of stored) expect(password).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
      const { body } = await api.get('/user/?username=user-3', await api.token('user-3', tutorialPassword(3)))
      expect(body).toMatchObject({ birthday: '1970-01-04', create_time: '2024-01-02T03:07:05.678Z' })
    })
  })

  /** Starts an import that has so much to do that it can't be done before it is stopped; then little is left to go on with. */
  async function interrupt(goal: Goal, signal: NodeJS.Signals) {
    const source = await newDatabase()
    await fillTutorial(source, 400)
    const report = join(temporaryFolder(), 'report.jsonl')
    const { child, ended } = startGatehouse(['import', 'tutorial', '--from', source, '--report', report], goal.env)
    await untilReported(report, 6)
    child.kill(signal)
    const outcome = await ended
    const [imported = 0] = await counts(goal)
    expect(imported).toBeLessThan(390)
    await query(
      source,
      `delete from users where username not in (select username from users order by username limit ${imported + 10})`,
    )
    return { source, outcome, imported, told: linesOf(report).length }
  }

  test('goes on after kill -9, as if nothing had happened', async () => {
    const goal = await prepare()
    const { source, imported, told } = await interrupt(goal, 'SIGKILL')
    const all = imported + 10
    const summary = summaryOf(await importTutorial(source, goal, '--json'))
    expect(summary).toMatchObject({ accounts: all, left_behind: 0, deleted_since: 0 })
    expect(summary.already_imported).toBeGreaterThanOrEqual(told)
    expect(summary.already_imported).toBeLessThan(all)
    expect(await counts(goal)).toEqual([all, all, all])
  })

  test('stops in order at Ctrl-C, says so, and goes on when it is called again', async () => {
    const goal = await prepare()
    const { source, outcome, told } = await interrupt(goal, 'SIGINT')
    expect(outcome).toMatchObject({ code: 130, stderr: '' })
    expect(outcome.stdout).toMatch(/\nInterrupted: the same command goes on from here\.\n$/)
    expect(await counts(goal)).toEqual([told, told, told])
    expect(summaryOf(await importTutorial(source, goal, '--json'))).toMatchObject({ imported: 10, already_imported: told })
  })
})

describe('gatehouse import tutorial', () => {
  test('names every account that can’t come over, and why; what can does', async () => {
    const [source, goal] = [await newDatabase(), await onPostgres()]
    await query(source, tutorialTable)
    await query(source, 'alter table users alter password drop not null')
    const rows: [name: string, columns: string, outcome: string][] = [
      [`'Robert''); DROP TABLE users;--'`, '', 'username_invalid'], // it has spaces
      [`'Robert'');DROP/**/TABLE/**/users;--'`, '', 'imported'],
      [`'Ada'`, '', 'imported'],
      [`'ada'`, '', 'username_taken'],
      [`'ﬁnn'`, '', ''],
      [`'finn'`, '', ''],
      [`'🦊'`, '', 'imported'],
      [`'%s%n\\x00'`, '', 'imported'],
      [`''`, '', 'username_missing'],
      [`'two words'`, '', 'username_invalid'],
      [`E'tab\\t'`, '', 'username_invalid'],
      [`E'\\u202Eevil'`, '', 'username_invalid'],
      [`E'\\x1b[2Jclear'`, '', 'username_invalid'],
      [`repeat('a', 100000)`, '', 'username_invalid'],
      [`'no-hash'`, 'password = null', 'password_hash_missing'],
      [`'plain-text'`, `password = 'hunter2'`, 'unknown_hash'],
      [`'ten-megabytes'`, `password = repeat('f', 10000000)`, 'unknown_hash'],
      [`'capitals'`, 'password = upper(password)', 'imported'],
      [`'brutus'`, `birthday = '0044-03-15 BC'`, 'birthday_invalid'],
      [`'forever'`, `birthday = 'infinity'`, 'birthday_invalid'],
      [`'later'`, `birthday = '10000-01-01'`, 'birthday_invalid'],
      [`'unborn'`, `create_time = '-infinity'`, 'create_time_invalid'],
      [`'unknown-age'`, 'create_time = null', 'imported'],
      [`'still-here'`, `last_login = 'infinity'`, 'last_login_invalid'],
    ]
    for (const [name, columns] of rows) {
      await query(source, `insert into users values (${name}, '${tutorialHash('x')}', null, '2024-01-02', null)`)
      if (columns !== '') await query(source, `update users set ${columns} where username = ${name}`)
    }
    const report = join(temporaryFolder(), 'report.jsonl')
    const { code, stdout, stderr } = await importTutorial(source, goal, '--report', report)
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const told = new Map(
      linesOf(report).map((line) => [
        line.username,
        'reasons' in line ? line.reasons.map((reason) => reason.code).join() : line.outcome,
      ]),
    )
    expect(told.size).toBe(rows.length)
    for (const [name, , outcome] of rows) {
      const [row] = await query(source, `select ${name} as name`)
      const key = String(row?.['name'])
      const shown = key.length > 400 ? `${key.slice(0, 400)}…` : key
      if (outcome !== '') expect([shown, told.get(shown)]).toEqual([shown, outcome])
    }
    // Which of two comes first is the order of the source's collation.
    expect([told.get('ﬁnn'), told.get('finn')]).toEqual(expect.arrayContaining(['imported', 'username_taken']))
    expect(readFileSync(report, 'utf8')).not.toContain('hunter2')
    expect(stdout).toContain('two words (record ')
    expect(stdout).toContain('\\u{1b}[2Jclear')
    expect(stdout).not.toMatch(/[^\P{C}\n]/u)
    expect(await query(source, 'select count(*) from users')).toEqual([{ count: String(rows.length) }])
  })

  test('reads a source that is being written to: what it misses comes with the next run', async () => {
    const [source, goal] = [await newDatabase(), await onPostgres()]
    await fillTutorial(source, 1100) // more than two batches of names
    await query(source, `update users set password = 'not yet' where username > 'user-102'`) // few to hash
    const report = join(temporaryFolder(), 'report.jsonl')
    const url = goal.env['DATABASE_URL'] ?? ''
    await within(goal, async () => undefined) // so that there is a table to lock
    const blocker = postgres(url, { max: 1, onnotice: () => undefined })
    const { ended } = await blocker.begin(async (transaction) => {
      await transaction`lock table users in share mode`
      const started = startGatehouse(['import', 'tutorial', '--from', source, '--report', report, '--json'], goal.env)
      // It has read the first batch, and can't go on to the next.
      await expect.poll(() => countWaiting(url), { timeout: 60_000 }).toBeGreaterThan(0)
      const added = (name: string) => `('${name}', '${tutorialHash(name)}', null, now(), null)`
      await query(source, `insert into users values ${added('a-before')}, ${added('zz-after')}`)
      await query(source, `delete from users where username = 'user-999'`)
      return started
    })
    await blocker.end()
    const first = summaryOf(await ended)
    expect(first).toMatchObject({ interrupted: false, already_imported: 0 })
    const names = linesOf(report).map(({ username }) => username)
    expect(names).toContain('zz-after')
    expect(names).not.toContain('a-before')
    expect(names).not.toContain('user-999')
    const second = summaryOf(await importTutorial(source, goal, '--json'))
    expect(second).toMatchObject({ imported: 1, already_imported: first.imported, left_behind: first.left_behind })
  })

  test('takes --source for the name of the former system', async () => {
    const [source, goal] = [await newDatabase(), await onPostgres()]
    await fillTutorial(source, 2)
    expect(summaryOf(await importTutorial(source, goal, '--json', '--source', 'old site'))).toMatchObject({
      source: 'old site',
      imported: 2,
    })
    expect(summaryOf(await importTutorial(source, goal, '--json', '--source', 'old site'))).toMatchObject({ already_imported: 2 })
    expect(summaryOf(await importTutorial(source, goal, '--json'))).toMatchObject({
      left_behind: 2,
      reasons: { username_taken: 2 },
    })
  })

  test('takes a URL as SQLAlchemy has it', async () => {
    const [source, goal] = [await newDatabase(), await onPostgres()]
    await fillTutorial(source, 1)
    expect((await importTutorial(source.replace('postgres:', 'postgresql+psycopg2:'), goal)).code).toBe(0)
  })

  describe('fails with 1 and one sentence without the password of the URL', () => {
    const withTable = async (statement: string) => {
      const url = await newDatabase()
      await query(url, statement)
      return url
    }
    let goal: Goal
    beforeAll(async () => {
      goal = await onPostgres()
      await within(goal, async () => undefined)
    })

    test.each<[string, () => Promise<string>, RegExp]>([
      [
        'nobody listens',
        async () => 'postgres://u:geheim@127.0.0.1:1/x',
        /^gatehouse: PostgreSQL at --from can't be used \(ECONNREFUSED\)/,
      ],
      [
        'the database is not there',
        async () => {
          const url = new URL(inject('clusterUrl'))
          Object.assign(url, { pathname: '/no_such_database', password: 'geheim' })
          return url.href
        },
        /\(3D000\)/,
      ],
      ['there is no table', newDatabase, /has no table users$/m],
      [
        'columns are missing',
        () => withTable('create table users (username text primary key, password text)'),
        /lacks birthday, create_time, last_login$/m,
      ],
      [
        'names are not its key',
        () =>
          withTable(
            'create table users (id int primary key, username text, password text, birthday date, create_time timestamp, last_login timestamp)',
          ),
        /primary key .* is not username$/m,
      ],
      ['it is Gatehouse’s own', async () => goal.env['DATABASE_URL'] ?? '', /--from is the database that Gatehouse itself uses/],
      [
        'it is Gatehouse’s own, spelt otherwise',
        async () => (goal.env['DATABASE_URL'] ?? '').replace('127.0.0.1', 'localhost'),
        /itself uses/,
      ],
      [
        'it is another Gatehouse',
        async () => {
          const other = await onPostgres()
          await within(other, async () => undefined)
          return other.env['DATABASE_URL'] ?? ''
        },
        /is one of Gatehouse already$/m,
      ],
    ])('where %s', async (_name, from, message) => {
      const { code, stdout, stderr } = await importTutorial(await from(), goal)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(message)
      expect(stderr).toMatch(oneLine)
      expect(stderr).not.toContain('geheim')
    })
  })

  test('leaves its own database as it was, where that is the tutorial’s', async () => {
    const source = await newDatabase()
    await fillTutorial(source, 2)
    const goal = { env: { DATABASE_URL: source, GATEHOUSE_SECRET: testSecret }, open: () => openTestPostgres(source) }
    expect((await importTutorial(source, goal)).stderr).toMatch(/itself uses/)
    expect(
      await query(source, `select count(*) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`),
    ).toEqual([{ count: '1' }])
  })
})

test('openSource() can’t write', async () => {
  const url = await newDatabase()
  await fillTutorial(url, 1)
  const { client, close } = await openSource(url)
  try {
    await expect(client`delete from users`).rejects.toMatchObject({ code: '25006' })
    await expect(client`create table more (id int)`).rejects.toMatchObject({ code: '25006' })
  } finally {
    await close()
  }
})

const records = [
  {
    username: 'ada',
    password_hash: tutorialHash('the first program'),
    birthday: '1815-12-10',
    create_time: '2024-01-02T03:04:05Z',
    role: 'admin',
  },
  { username: 'grace', password_hash: 'pbkdf2_sha256$1000$q1w2e3r4t5y6$Lrzs76dHrzk1MlmpEExEOSfR+Jw5LqSzprkWkmBmRmM=' },
  { username: 'no body', password_hash: 'a password' },
]
const asLines = records.map((record) => JSON.stringify(record)).join('\n')
const asCsv = [
  'username,password_hash,birthday,create_time,role',
  ...records.map((one) => [one.username, one.password_hash, one.birthday ?? '', one.create_time ?? '', one.role ?? ''].join(',')),
].join('\n')

const file = (name: string, text: string) => {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, text)
  return path
}

describe('gatehouse import json and csv', () => {
  test.each<[string, 'json' | 'csv', string]>([
    ['a JSON array', 'json', JSON.stringify(records, null, 2)],
    ['JSON lines', 'json', asLines],
    ['CSV', 'csv', asCsv],
  ])('bring accounts over from %s, in a file or on standard input', async (_name, kind, text) => {
    const goal = await onPostgres()
    const path = file('users.txt', text)
    const outcome = await gatehouse(['import', kind, path, '--json'], goal.env)
    expect(outcome).toMatchObject({ code: 1, stderr: '' })
    expect(summaryOf(outcome)).toMatchObject({
      source: 'users.txt',
      imported: 2,
      left_behind: 1,
      reasons: { username_invalid: 1, unknown_hash: 1 },
      notes: { role_ignored: 1, create_time_unknown: 1 },
    })
    const again = await gatehouse(['import', kind, '-', '--json', '--source', 'users.txt'], goal.env, { input: text })
    expect(summaryOf(again)).toMatchObject({ imported: 0, already_imported: 2, left_behind: 1 })
    await within(goal, async (database) => {
      const { app } = await createTestApp(database)
      const api = createApi({ fetch: async (at, init) => app.request(at, init), stop: async () => undefined })
      expect((await api.login('ada', 'the first program')).status).toBe(200)
      expect((await api.login('grace', 'naïve café')).status).toBe(200)
      expect((await api.get('/users/me', await api.token('ada', 'the first program'))).body).toMatchObject({ role: 'user' })
    })
  })

  test('take roles over with --allow-roles', async () => {
    const goal = await onPostgres()
    await gatehouse(['import', 'json', '-', '--source', 's', '--allow-roles'], goal.env, { input: asLines })
    const rows = await within(goal, ({ db }) =>
      db.select({ username: users.username, role: users.role }).from(users).orderBy(users.usernameKey),
    )
    expect(rows).toEqual([
      { username: 'ada', role: 'admin' },
      { username: 'grace', role: 'user' },
    ])
  })

  test('stop at Ctrl-C while standard input says nothing', async () => {
    const goal = await onPostgres()
    const report = join(temporaryFolder(), 'report.jsonl')
    const { child, ended } = startGatehouse(['import', 'json', '-', '--source', 's', '--report', report], goal.env)
    child.stdin.write(`${asLines}\n`)
    await untilReported(report, 0) // it is there: the import has begun
    child.kill('SIGINT')
    expect(await ended).toMatchObject({ code: 130, stderr: '' })
  })

  test.each<[string, string[], string, RegExp]>([
    ['a file that is not there', ['json', '/no/such/file'], '', /^gatehouse: \/no\/such\/file can't be read \(ENOENT\)/],
    ['no JSON array', ['json', '-', '--source', 's'], '[{', /no valid JSON array/],
    ['a CSV without a column', ['csv', '-', '--source', 's'], 'name,password_hash\n', /lacks username/],
    [
      'a report that can’t be written',
      ['json', '-', '--source', 's', '--report', '/no/such/report'],
      '[]',
      /the report can't be written/,
    ],
  ])('fail with 1 and one sentence on %s', async (_name, args, input, message) => {
    const { code, stdout, stderr } = await gatehouse(['import', ...args], { DATA_DIR: temporaryFolder() }, { input })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(oneLine)
  })

  test.each<Runtime>(['bun', 'deno'])('run on %s too, from all sources', async (runtime) => {
    const [source, goal] = [await newDatabase(), await onPostgres()]
    await fillTutorial(source, 4)
    const tutorial = await gatehouse(['import', 'tutorial', '--from', source, '--json'], goal.env, { runtime })
    expect(tutorial).toMatchObject({ code: 0, stderr: '' })
    expect(summaryOf(tutorial)).toMatchObject({ imported: 4 })
    const json = await gatehouse(['import', 'json', file('users.json', asLines), '--json'], goal.env, { runtime })
    expect(summaryOf(json)).toMatchObject({ imported: 2, left_behind: 1 })
    const csv = await gatehouse(['import', 'csv', '-', '--source', 'users.json', '--json'], goal.env, { runtime, input: asCsv })
    expect(summaryOf(csv)).toMatchObject({ already_imported: 2, left_behind: 1 })
  })
})

describe('gatehouse import', () => {
  test.each([
    [['import']],
    [['import', 'nope']],
    [['import', 'tutorial']],
    [['import', 'tutorial', '--from', 'mysql://u:geheim@host/x']],
    [['import', 'tutorial', '--from', 'geheim']],
    [['import', 'tutorial', '--from', 'postgres://127.0.0.1/x', '--allow-roles']],
    [['import', 'json']],
    [['import', 'json', '-']],
    [['import', 'json', 'one', 'two']],
    [['import', 'csv', 'one', '--from', 'x']],
    [['import', 'csv', 'one', '--source', ' ']],
  ])('%j is a usage error: one sentence, exit code 2, and no database', async (args) => {
    const { code, stdout, stderr } = await gatehouse(args, { DATA_DIR: '/nowhere' })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(oneLine)
    expect(stderr).not.toContain('geheim')
  })

  test('--help tells the commands', async () => {
    const { code, stdout } = await gatehouse(['import', '--help'], {})
    expect(code).toBe(0)
    for (const command of ['tutorial', 'json', 'csv']) expect(stdout).toContain(command)
  })
})
