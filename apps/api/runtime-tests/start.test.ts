import { once } from 'node:events'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { createDatabase, query } from './postgres.ts'
import { type Runtime, type SpawnedServer, launch, spawnServer, temporaryFolder, testSecret } from './server.ts'
import { createApi, freshName } from './suite/target.ts'

const runtimes: Runtime[] = ['node', 'bun', 'deno']
const running: SpawnedServer[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.kill()))
})

async function start(runtime: Runtime, env: Record<string, string>): Promise<SpawnedServer> {
  const server = await spawnServer(runtime, env)
  running.push(server)
  return server
}

const apiOf = (server: SpawnedServer) => createApi({ fetch: (path, init) => fetch(server.url + path, init), stop: server.stop })

/** Starts what is expected to end by itself. */
async function runToEnd(runtime: Runtime, env: Record<string, string>): Promise<{ code: unknown; output: string }> {
  const child = launch(runtime, env)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = await once(child, 'close')
  return { code, output }
}

test('six instances that start at once on an empty PostgreSQL all come up and accept each other’s tokens', async () => {
  const env = { DATABASE_URL: await createDatabase(inject('clusterUrl')), GATEHOUSE_SECRET: testSecret }
  const servers = await Promise.all([...runtimes, ...runtimes].map((runtime) => start(runtime, env)))
  const [first] = servers
  if (!first) throw new Error('six were started')
  const { token } = await apiOf(first).account()
  for (const server of servers) {
    expect((await apiOf(server).get('/health/ready')).status).toBe(200)
    expect((await apiOf(server).get('/users/me', token)).status).toBe(200)
  }
  expect(await query(env.DATABASE_URL, `select count(*)::int as n from signing_keys`)).toEqual([{ n: 1 }])
  const rows = await query(env.DATABASE_URL, 'select count(*)::int as n from drizzle.__drizzle_migrations')
  expect(rows[0]?.['n']).toBeGreaterThan(0)
})

describe.each(runtimes)('on %s', (runtime) => {
  test('a second process on one data folder is refused with what to do, and the first goes on', async () => {
    const folder = temporaryFolder()
    const first = await start(runtime, { DATA_DIR: folder })
    const { code, output } = await runToEnd(runtime, { DATA_DIR: folder })
    expect(code).toBe(1)
    expect(output).toContain(`is in use by process ${first.pid}`)
    expect(output).toMatch(/Stop it, or set DATA_DIR .*, or set DATABASE_URL/)
    expect(output).not.toMatch(/\bat .*:\d+:\d+/)
    expect((await apiOf(first).get('/health/ready')).status).toBe(200)
  })

  test('the embedded database keeps accounts and keys over a restart, in files for the owner only', async () => {
    const folder = temporaryFolder()
    const first = await start(runtime, { DATA_DIR: folder })
    const { username, token } = await apiOf(first).account()
    expect(await first.stop()).toBe(0)
    const second = await start(runtime, { DATA_DIR: folder })
    expect((await apiOf(second).get('/users/me', token)).body['username']).toBe(username)
    expect(statSync(join(folder, 'secret')).mode & 0o777).toBe(0o600)
  })

  test('a wrong master secret is not ready and says which key; tokens still verify and nothing is a 500', async () => {
    const url = await createDatabase(inject('clusterUrl'))
    const right = await start(runtime, { DATABASE_URL: url, GATEHOUSE_SECRET: testSecret })
    const { username, token } = await apiOf(right).account()
    const [key] = await query(url, 'select kid from signing_keys')
    const wrong = apiOf(
      await start(runtime, { DATABASE_URL: url, GATEHOUSE_SECRET: 'some other secret of thirty-two characters' }),
    )
    const ready = await wrong.get('/health/ready')
    expect(ready).toMatchObject({ status: 503, body: { code: 'not_ready', checks: { database: 'ok', migrations: 'ok' } } })
    expect(JSON.stringify(ready.body)).toContain(String(key?.['kid']))
    expect(await wrong.login(username)).toMatchObject({ status: 503, body: { code: 'not_ready' } })
    expect((await wrong.get('/users/me', token)).status).toBe(200)
    expect((await wrong.register(freshName())).status).toBe(200)
  })

  test('an older master secret, listed second, still opens the key', async () => {
    const url = await createDatabase(inject('clusterUrl'))
    const before = await start(runtime, { DATABASE_URL: url, GATEHOUSE_SECRET: testSecret })
    const { username } = await apiOf(before).account()
    const secrets = `the next secret, of more than thirty-two characters`.replace(',', '')
    const after = await start(runtime, { DATABASE_URL: url, GATEHOUSE_SECRET: `${secrets},${testSecret}` })
    expect((await apiOf(after).login(username)).status).toBe(200)
  })

  test.each<[string, Record<string, string>, RegExp]>([
    ['DATABASE_URL without a secret', { DATABASE_URL: 'postgres://127.0.0.1:1/x' }, /GATEHOUSE_SECRET is required/],
    ['several wrong values', { PORT: 'http', LOG_LEVEL: 'loud', PUBLIC_URL: 'x' }, /PORT .*\n.*PUBLIC_URL .*\n.*LOG_LEVEL /],
    ['a port below the free ones', { PORT: '99999', DATA_DIR: '/nonexistent/x' }, /PORT must be a whole number/],
  ])('%s stops the start with what to mend', async (_name, env, message) => {
    const { code, output } = await runToEnd(runtime, env)
    expect(code).toBe(1)
    expect(output).toMatch(message)
    expect(output).not.toMatch(/\bat .*:\d+:\d+/)
  })

  test('a port that is taken stops the start with one sentence', async () => {
    const first = await start(runtime, { DATA_DIR: temporaryFolder() })
    const { code, output } = await runToEnd(runtime, { DATA_DIR: temporaryFolder(), PORT: new URL(first.url).port })
    expect(code).toBe(1)
    expect(output).toMatch(/PORT|address|in use/i)
    expect(output).not.toMatch(/\bat .*:\d+:\d+/)
  })

  test('a database that refuses the login stops the start without showing the password', async () => {
    const url = new URL(inject('clusterUrl'))
    url.pathname = '/no_such_database'
    url.password = 'hunter2hunter2'
    const { code, output } = await runToEnd(runtime, { DATABASE_URL: url.href, GATEHOUSE_SECRET: testSecret })
    expect(code).toBe(1)
    expect(output).toMatch(/DATABASE_URL can't be used \(3D000\)/)
    expect(output).not.toContain('hunter2')
  })

  test('the log has one line per request, with the route and without what it carried', async () => {
    const server = await start(runtime, { DATA_DIR: temporaryFolder() })
    const api = apiOf(server)
    const { username, token } = await api.account()
    await api.get(`/user/?username=${username}`, token)
    await api.login(username, 'a wrong secret word')
    await api.send('/nope?token=abc123', { headers: { 'X-Request-Id': 'trace-42' } })
    expect(await server.stop()).toBe(0)
    const lines = server
      .output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const requests = lines.filter((line) => line['msg'] === 'request')
    expect(requests.map(({ method, route, status, code }) => ({ method, route, status, code }))).toEqual([
      { method: 'POST', route: '/user', status: 200 },
      { method: 'POST', route: '/login', status: 200 },
      { method: 'GET', route: '/user', status: 200 },
      { method: 'POST', route: '/login', status: 401, code: 'invalid_credentials' },
      { method: 'GET', route: '/*', status: 404, code: 'not_found' },
    ])
    expect(requests.at(-1)).toMatchObject({ request_id: 'trace-42', duration_ms: expect.any(Number), level: 'info' })
    for (const secret of [
      username,
      token,
      token.split('.')[2] ?? '',
      'harbour',
      'wrong secret word',
      'abc123',
      'Bearer',
      'argon2',
    ]) {
      expect(server.output()).not.toContain(secret)
    }
  })
})
