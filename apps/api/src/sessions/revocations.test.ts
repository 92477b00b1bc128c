import { eq, sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { createTestApp, openTestEmbedded, openTestPostgres, origin } from '../../runtime-tests/in-process.ts'
import { countWaiting, createDatabase, query } from '../../runtime-tests/postgres.ts'
import type { Database, OpenDatabase } from '../db/open.ts'
import { endedSessions, sessions, users } from '../db/schema.ts'
import type { Resources } from '../resources.ts'
import { register } from '../users/register.ts'
import { readEnded } from './endings/queries.ts'
import { type Session, createSessionQueries } from './queries.ts'

const password = 'a quiet harbour at dawn'
const device = { userAgent: null, addressPrefix: null }
/** Milliseconds within which an ended session is refused everywhere. */
const promise = 1000

let url: string
let databases: OpenDatabase[] = []
let instances: Resources[] = []
const [first, second] = [() => instance(0), () => instance(1)]
function instance(index: number): Resources {
  const resources = instances[index]
  if (!resources) throw new Error('two instances are open')
  return resources
}

beforeAll(async () => {
  url = await createDatabase(inject('clusterUrl'))
  databases = [await openTestPostgres(url), await openTestPostgres(url)]
  for (const database of databases) instances.push((await createTestApp(database)).resources)
})
afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()))
  instances = []
})

let account = { id: '', username: '' }
let names = 0
beforeEach(async () => {
  names += 1
  const username = `user-${names}`
  await register({ queries: first().users, passwords: first().passwords, now: new Date(), origin }, { username, password })
  account = { username, id: (await first().users.findByKey(username))?.id ?? '' }
})

const ending = () => ({ event: 'session_ended', now: new Date(), origin }) as const

const db = (): Database => databases[0]?.db as Database

async function open(queries = first().sessions): Promise<Session> {
  const proven = await first().users.findCredentials(account.username)
  const session =
    proven && (await queries.open(proven, undefined, { id: crypto.randomUUID(), ...device }, { now: new Date(), origin }))
  if (!session) throw new Error('the account is there')
  return session
}

/** Milliseconds until an instance refuses the session; fails past the promise. */
async function untilRefused(at: Resources, { id }: Session): Promise<number> {
  const begun = performance.now()
  for (;;) {
    const live = await at.revocations.isLive(id, new Date())
    const age = performance.now() - begun
    if (!live) return age
    expect(age).toBeLessThan(promise)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const set = (columns: Partial<typeof users.$inferInsert>) => db().update(users).set(columns).where(eq(users.id, account.id))

test.each<[string, (session: Session) => PromiseLike<unknown>]>([
  ['it is ended', ({ id, userId }) => first().sessions.end(id, ending(), userId)],
  ['all others are ended', ({ userId }) => first().sessions.endOthers(userId, crypto.randomUUID(), { now: new Date(), origin })],
  ['its account is deleted', () => db().delete(users).where(eq(users.id, account.id))],
  ['its account is disabled', () => set({ disabledAt: new Date() })],
  ['its account gets another role', () => set({ role: 'admin' })],
  ['its password is changed, by whatever hand', () => set({ password: 'x' })],
])('a session is refused on every instance when %s', async (_name, end) => {
  const session = await open()
  expect(await second().revocations.isLive(session.id, new Date())).toBe(true)
  await end(session)
  await Promise.all([untilRefused(first(), session), untilRefused(second(), session)])
  expect(await first().sessions.find(session.id)).toBeUndefined()
})

test.each<[string, () => PromiseLike<unknown>]>([
  ['its account is changed otherwise', () => set({ birthday: '1990-05-17', lastLogin: new Date() })],
  ['its account is enabled', () => set({ disabledAt: null })],
  [
    'a sign-in renews the hash',
    async () => {
      const proven = await first().users.findCredentials(account.username)
      return (
        proven && first().sessions.open(proven, 'renewed', { id: crypto.randomUUID(), ...device }, { now: new Date(), origin })
      )
    },
  ],
])('a session goes on when %s', async (_name, change) => {
  const session = await open()
  await change()
  await second().revocations.catchUp()
  expect(await second().revocations.isLive(session.id, new Date())).toBe(true)
  expect(await first().sessions.find(session.id)).toBeDefined()
})

test('a password change keeps the session that asks for it, and only for that statement', async () => {
  const [kept, other] = [await open(), await open()]
  const change = (password: string, sessionId: string) =>
    first().users.update(
      account.id,
      { password },
      { userId: account.id, sessionId },
      { origin: { actor: 'user' }, now: new Date() },
    )
  expect(await change('changed', kept.id)).toBe(1)
  expect([await first().sessions.find(kept.id), await first().sessions.find(other.id)]).toMatchObject([
    { id: kept.id },
    undefined,
  ])
  await set({ password: 'changed by another hand' })
  expect(await first().sessions.find(kept.id)).toBeUndefined()
})

test('a session that is opened while its account is being disabled does not outlive it', async () => {
  const committed = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<Session>()
  const signIn = db().transaction(async (transaction) => {
    opened.resolve(await open(createSessionQueries(transaction, { idle: 1000, max: 1000 })))
    await committed.promise
  })
  const session = await opened.promise
  const disabling = query(url, `update users set disabled_at = now() where id = '${account.id}'`)
  await expect.poll(() => countWaiting(url)).toBe(1)
  committed.resolve()
  await Promise.all([signIn, disabling])
  await untilRefused(second(), session)
  expect(await first().sessions.find(session.id)).toBeUndefined()
})

test('what commits late is found by the reading after', async () => {
  const session = await open()
  const committed = Promise.withResolvers<void>()
  const deleted = Promise.withResolvers<void>()
  const ending = db().transaction(async (transaction) => {
    await transaction.delete(sessions).where(eq(sessions.id, session.id))
    deleted.resolve()
    await committed.promise
  })
  await deleted.promise
  const before = await readEnded(db(), undefined, 1000)
  await query(url, `update users set last_login = now() where id = '${account.id}'`) // transactions go on meanwhile
  const between = await readEnded(db(), before.next, 1000)
  committed.resolve()
  await ending
  const after = await readEnded(db(), between.next, 1000)
  expect([before, between, after].map(({ ended }) => ended.includes(session.id))).toEqual([false, false, true])
})

test('an end is logged when it happens, however long ago its transaction began', async () => {
  const session = await open()
  const [logged] = await db().transaction(async (transaction) => {
    await transaction.execute('select pg_sleep(0.05)')
    await transaction.delete(sessions).where(eq(sessions.id, session.id))
    return transaction
      .select({ late: sql<boolean>`${endedSessions.endTime} >= now() + interval '50 ms'` })
      .from(endedSessions)
      .where(eq(endedSessions.sessionId, session.id))
  })
  expect(logged).toEqual({ late: true })
})

test.each([
  ['has no search path', `set local search_path = ''`],
  ['has tables of the same names before', 'create temp table sessions (id uuid, user_id uuid) on commit drop'],
])('a session is ended by a transaction that %s', async (_name, preparation) => {
  const session = await open()
  const change = `update public.users set disabled_at = now() where id = '${account.id}'`
  await query(url, `begin; ${preparation}; ${change}; commit`)
  await untilRefused(second(), session)
  expect(await first().sessions.find(session.id)).toBeUndefined()
})

test('what was forgotten is known again when the clock was set back', async () => {
  const session = await open()
  await first().sessions.end(session.id, ending(), session.userId)
  const database = await openTestPostgres(url)
  let now = new Date()
  const watched = await createTestApp(database, { clock: () => now })
  const { revocations } = watched.resources
  await revocations.catchUp()
  const start = now
  now = new Date(start.getTime() + 2 * 3_600_000)
  await revocations.catchUp()
  expect(await revocations.isLive(session.id, now)).toBe(true) // no token of it can be alive
  now = start
  await revocations.catchUp()
  expect(await revocations.isLive(session.id, now)).toBe(false)
  await database.close()
})

test('with its listeners killed again and again, an instance still learns in time', async () => {
  const listeners = `pg_stat_activity where query ilike 'listen %' and datname = current_database()`
  let killed = 0
  for (let round = 0; round < 5; round += 1) {
    const session = await open()
    await expect.poll(() => query(url, `select 1 from ${listeners}`)).not.toEqual([]) // again, after the round before
    const ended = await query(url, `select pg_terminate_backend(pid) from ${listeners}`)
    killed += ended.length
    await first().sessions.end(session.id, ending(), session.userId)
    await untilRefused(second(), session)
  }
  expect(killed).toBeGreaterThan(4)
})

test('while the log can’t be read, a session’s own row decides', async () => {
  const [ended, going] = [await open(), await open()]
  const released = Promise.withResolvers<void>()
  const locked = Promise.withResolvers<void>()
  const blocking = db().transaction(async (transaction) => {
    await transaction.execute('lock table ended_sessions in access exclusive mode')
    locked.resolve()
    await released.promise
  })
  await locked.promise
  await query(url, `alter table sessions disable trigger sessions_log_ended`)
  await first().sessions.end(ended.id, ending(), ended.userId)
  await query(url, `alter table sessions enable trigger sessions_log_ended`)
  await untilRefused(second(), ended)
  expect(await second().revocations.isLive(going.id, new Date())).toBe(true)
  released.resolve()
  await blocking
})

test('deleteOver() removes what expired and what was logged long ago, in batches', async () => {
  const kept = await open()
  const over = await Promise.all(Array.from({ length: 5 }, () => open()))
  const long = new Date(Date.now() - 1000)
  for (const { id } of over) await db().update(sessions).set({ expireTime: long }).where(eq(sessions.id, id))
  const counts: number[] = []
  const cleanUp = async () => {
    do counts.push(await first().sessions.deleteOver(new Date(), 3))
    while (counts.at(-1) !== 0)
  }
  await cleanUp()
  expect(counts[0]).toBe(3)
  await query(url, `update ended_sessions set end_time = now() - interval '26 hours'`)
  await cleanUp()
  expect(await first().sessions.find(kept.id)).toBeDefined()
  for (const { id } of over) expect(await first().sessions.find(id)).toBeUndefined()
  expect(await db().select().from(endedSessions)).toEqual([])
})

test('deleteOver() leaves it to the instance that has the turn', async () => {
  const { id } = await open()
  await db()
    .update(sessions)
    .set({ expireTime: new Date(0) })
    .where(eq(sessions.id, id))
  const released = Promise.withResolvers<void>()
  const taken = Promise.withResolvers<void>()
  const other = db().transaction(async (transaction) => {
    await createSessionQueries(transaction, { idle: 1, max: 1 }).deleteOver(new Date(0), 1)
    taken.resolve()
    await released.promise
  })
  await taken.promise
  expect(await second().sessions.deleteOver(new Date(), 100)).toBe(0)
  released.resolve()
  await other
  expect(await second().sessions.deleteOver(new Date(), 100)).toBe(1)
})

test('the embedded database tells its one instance, too', async () => {
  const embedded = await openTestEmbedded()
  const { resources } = await createTestApp(embedded)
  await register(
    { queries: resources.users, passwords: resources.passwords, now: new Date(), origin },
    { username: 'ada', password },
  )
  const proven = await resources.users.findCredentials('ada')
  const session =
    proven &&
    (await resources.sessions.open(proven, undefined, { id: crypto.randomUUID(), ...device }, { now: new Date(), origin }))
  if (!session) throw new Error('the account is there')
  await embedded.db.update(users).set({ disabledAt: new Date() })
  await untilRefused(resources, session)
  await embedded.close()
})
