import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createTestApp, openTestPostgres } from './in-process.ts'
import postgres from 'postgres'
import { type Cluster, countWaiting, createDatabase, query, startCluster } from './postgres.ts'
import { type Runtime, type SpawnedServer, spawnServer, temporaryFolder, testSecret } from './server.ts'
import { type Answer, createApi, freshName, goodPassword } from './suite/target.ts'

const runtimes: Runtime[] = ['node', 'bun', 'deno']
const apiOf = (server: SpawnedServer) => createApi({ fetch: (path, init) => fetch(server.url + path, init), stop: server.stop })

test('postgres.js rejects, and does not throw past us, when a backend dies inside a transaction', async () => {
  const url = await createDatabase(inject('clusterUrl'))
  const sql = postgres(url, { max: 2, onnotice: () => undefined })
  const outcomes: unknown[] = []
  for (let round = 0; round < 40; round += 1) {
    outcomes.push(
      await sql
        .begin(async (transaction) => {
          const [backend] = await transaction<{ pid: number }[]>`select pg_backend_pid() as pid`
          await query(url, `select pg_terminate_backend(${backend?.pid})`)
          await transaction`select 1`.catch(() => undefined)
          // Without the patch this statement, sent on a socket that is gone, ends the process.
          await transaction`select ${'x'.repeat(2000)}`
        })
        .catch((error: unknown) => error),
    )
  }
  expect(outcomes.every((outcome) => outcome instanceof Error)).toBe(true)
  expect(await sql`select 1 as one`).toEqual([{ one: 1 }])
  await sql.end()
})

describe.each(runtimes)('%s', (runtime) => {
  test('survives having its backends terminated under load, and answers 503 at worst', async () => {
    const url = await createDatabase(inject('clusterUrl'))
    const server = await spawnServer(runtime, { DATABASE_URL: url, GATEHOUSE_SECRET: testSecret })
    const api = apiOf(server)
    const { username, token } = await api.account()
    const statuses = new Map<number, number>()
    const count = ({ status }: Answer) => statuses.set(status, (statuses.get(status) ?? 0) + 1)
    const load = async (call: () => Promise<Answer>, calls: number) => {
      for (let i = 0; i < calls; i += 1) count(await call())
    }
    const terminate = `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
    const terminations = (async () => {
      for (let i = 0; i < 15; i += 1) await query(url, terminate)
    })()
    await Promise.all([
      ...Array.from({ length: 4 }, () => load(() => api.get(`/user/?username=${username}`, token), 150)),
      ...Array.from({ length: 2 }, () =>
        load(() => api.json('PATCH', '/user/', { username, birthday: '1990-05-17' }, token), 100),
      ),
      load(() => api.register(freshName()), 15),
      terminations,
    ])
    expect([...statuses.keys()].filter((status) => status !== 200 && status !== 503)).toEqual([])
    expect(statuses.get(200)).toBeGreaterThan(300)
    await expect.poll(async () => (await api.get('/health/ready')).status, { timeout: 3_000 }).toBe(200)
    expect(server.output()).not.toContain('argon2id')
    expect(await server.stop()).toBe(0)
  })

  test('kill -9 during registrations on the embedded database loses nothing that was acknowledged', async () => {
    const folder = temporaryFolder()
    await provesDurable(runtime, { DATA_DIR: folder })
  })

  test('kill -9 during registrations on PostgreSQL loses nothing that was acknowledged', async () => {
    await provesDurable(runtime, { DATABASE_URL: await createDatabase(inject('clusterUrl')), GATEHOUSE_SECRET: testSecret })
  })
})

/** Registers from several clients, kills the server in the middle, starts it again and asks for every acknowledged name. */
async function provesDurable(runtime: Runtime, env: Record<string, string>): Promise<void> {
  const acknowledged: string[] = []
  let witness: string | undefined
  for (let round = 0; round < 2; round += 1) {
    const server = await spawnServer(runtime, env)
    const api = apiOf(server)
    witness ??= (await api.account()).username
    let down = false
    const client = async () => {
      while (!down) {
        const name = freshName('durable')
        const answer = await api.register(name).catch(() => undefined)
        if (answer?.status === 200) acknowledged.push(name)
        if (acknowledged.length >= 20 * (round + 1) && !down) {
          down = true
          await server.kill()
        }
      }
    }
    await Promise.all(Array.from({ length: 6 }, client))
  }
  const server = await spawnServer(runtime, env)
  const api = apiOf(server)
  const token = await api.token(witness ?? '')
  const missing: string[] = []
  for (const name of acknowledged) {
    if ((await api.get(`/user/?username=${name}`, token)).status !== 200) missing.push(name)
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(40)
  expect(missing).toEqual([])
  expect((await api.login(acknowledged[0] ?? '', goodPassword)).status).toBe(200)
  await server.stop()
}

describe('a PostgreSQL that goes away', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster()
  })
  afterAll(() => cluster.stop())

  test.each(runtimes)('is answered with 503 and Retry-After by %s, and is found again within about a second', async (runtime) => {
    const url = await createDatabase(cluster.url)
    const server = await spawnServer(runtime, { DATABASE_URL: url, GATEHOUSE_SECRET: testSecret })
    const api = apiOf(server)
    const { username, token } = await api.account()
    await cluster.pause()
    // For a moment it is still known that the session goes on; then nothing vouches for it.
    await expect.poll(async () => (await api.get('/users/me', token)).status, { timeout: 2_000, interval: 50 }).toBe(503)
    for (const call of [
      () => api.get('/users/me', token),
      () => api.get(`/user/?username=${username}`, token),
      () => api.login(username),
      () => api.register(freshName()),
      () => api.json('PATCH', '/user/', { username, birthday: '1990-05-17' }, token),
      () => api.form('DELETE', '/user/', { username }, token),
    ]) {
      const answer = await call()
      expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } })
      expect(answer.headers.get('Retry-After')).toMatch(/^\d+$/)
      expect(JSON.stringify(answer.body)).not.toMatch(/select|insert|update|delete from|ECONN|postgres/i)
    }
    expect(await api.get('/health/ready')).toMatchObject({ status: 503, body: { checks: { database: 'unreachable' } } })
    expect((await api.get('/health/live')).status).toBe(200)
    await cluster.resume()
    const back = performance.now()
    await expect.poll(async () => (await api.get('/users/me', token)).status, { timeout: 5_000, interval: 50 }).toBe(200)
    expect(performance.now() - back).toBeLessThan(1_500)
    expect(await server.stop()).toBe(0)
  })

  test('a statement that hangs is given up after ten seconds, and its connection serves again', async () => {
    const url = await createDatabase(cluster.url)
    const server = await spawnServer('node', { DATABASE_URL: url, GATEHOUSE_SECRET: testSecret })
    const api = apiOf(server)
    const { username, token } = await api.account()
    const read = () => api.get(`/user/?username=${username}`, token)
    const blocker = postgres(url, { max: 1, onnotice: () => undefined })
    await blocker.begin(async (transaction) => {
      await transaction`lock table users, sessions in access exclusive mode`
      const answers = await Promise.all(Array.from({ length: 12 }, read))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]))
      expect((await api.get('/health/live')).status).toBe(200)
      expect((await api.get('/users/me', token)).status).toBe(200) // it reads neither account nor session
    })
    await blocker.end()
    await expect.poll(async () => (await read()).status, { timeout: 5_000 }).toBe(200)
    expect(await server.stop()).toBe(0)
  })
})

test.each<[string, string, (api: ReturnType<typeof createApi>, username: string, token: string) => Promise<Answer>]>([
  [
    'a password change',
    `password = 'changed by somebody else'`,
    (api, username, token) =>
      api.json('PATCH', '/user/', { username, password: 'another quiet harbour', current_password: goodPassword }, token),
  ],
  [
    'a deletion',
    `password = 'changed by somebody else'`,
    (api, username, token) => api.form('DELETE', '/user/', { username, current_password: goodPassword }, token),
  ],
  [
    'a password change that a sign-in proves',
    `password = 'changed by somebody else', password_change_time = now()`,
    (api, username, token) => api.json('PATCH', '/user/', { username, password: 'another quiet harbour' }, token),
  ],
  [
    'a password change of an account that is disabled meanwhile',
    'disabled_at = now()',
    (api, username, token) => api.json('PATCH', '/user/', { username, password: 'another quiet harbour' }, token),
  ],
])('%s that waited for another change of the row is refused when its proof no longer holds', async (_name, change, call) => {
  const url = await createDatabase(inject('clusterUrl'))
  const database = await openTestPostgres(url)
  const { app } = await createTestApp(database)
  const api = createApi({ fetch: async (path, init) => app.request(path, init), stop: async () => undefined })
  const { username, token } = await api.account()
  const other = postgres(url, { max: 1, onnotice: () => undefined })
  let answer: Promise<Answer> | undefined
  await other.begin(async (transaction) => {
    await transaction.unsafe(`update users set ${change}`)
    answer = call(api, username, token)
    await expect.poll(() => countWaiting(url), { timeout: 5_000 }).toBe(1)
  })
  const status = (await answer)?.status ?? 0
  expect([401, 403]).toContain(status)
  const [row] = await query(url, 'select password from users')
  expect(String(row?.['password'])).toMatch(change.startsWith('password') ? /^changed by somebody else$/ : /^\$argon2id/)
  await other.end()
  await database.close()
})
