import { describe, expect, inject, test } from 'vitest'
import type { Finding } from '../src/doctor/finding.ts'
import { gatehouse } from './command.ts'
import { createDatabase, freePort, query } from './postgres.ts'
import { type Runtime, spawnServer, temporaryFolder, testSecret } from './server.ts'

async function examine(env: Record<string, string>, runtime: Runtime = 'node') {
  const { code, stdout, stderr } = await gatehouse(['doctor', '--json'], env, { runtime })
  const { healthy, checks } = JSON.parse(stdout) as { healthy: boolean; checks: Finding[] }
  const statuses = Object.fromEntries(checks.map(({ check, status }) => [check, status]))
  return { code, healthy, stderr, statuses, messageOf: (name: string) => checks.find(({ check }) => check === name)?.message }
}

/** A database that a server has started on. */
async function migrated(env: Record<string, string> = {}) {
  const url = await createDatabase(inject('clusterUrl'))
  const all = { DATABASE_URL: url, GATEHOUSE_SECRET: testSecret, ...env }
  const server = await spawnServer('node', all)
  return { url, env: all, server }
}

describe('gatehouse doctor', () => {
  test.each<Runtime>(['node', 'bun', 'deno'])('on %s finds a running server healthy, and tells it to people', async (runtime) => {
    const port = String(await freePort())
    const { env, server } = await migrated({ PORT: port, PUBLIC_URL: `http://127.0.0.1:${port}` })
    const { code, healthy, statuses } = await examine(env, runtime)
    expect({ code, healthy, statuses }).toMatchObject({
      code: 0,
      healthy: true,
      statuses: { database: 'ok', clock: 'ok', migrations: 'ok', 'signing keys': 'ok', limits: 'ok', 'password hash': 'ok' },
    })
    expect(statuses).toMatchObject({ administrators: 'warning', 'client address': 'warning', 'public URL': 'warning' })
    const { stdout } = await gatehouse(['doctor'], env, { runtime })
    expect(stdout).toMatch(/^ok {2,}configuration/)
    expect(stdout).toMatch(/Ready to deploy: 0 failed, 3 to look at, \d+ fine\.\n$/)
    await server.stop()
  })

  test('sees that clients may choose their address', async () => {
    const port = String(await freePort())
    const { env, server } = await migrated({ PORT: port, PUBLIC_URL: `http://127.0.0.1:${port}`, TRUSTED_PROXIES: '1' })
    expect(await examine(env)).toMatchObject({ code: 1, healthy: false, statuses: { 'client address': 'failure' } })
    await server.stop()
  })

  test('sees a secret that opens no key, a pending migration and a later one, and changes nothing', async () => {
    const { url, env, server } = await migrated()
    await server.stop()
    const closed = await examine({ ...env, GATEHOUSE_SECRET: testSecret.toUpperCase() })
    expect(closed).toMatchObject({ code: 1, statuses: { 'signing keys': 'failure' } })
    const newest = 'select id from drizzle.__drizzle_migrations order by created_at desc limit 1'
    await query(url, `create table kept as select * from drizzle.__drizzle_migrations`)
    await query(url, `delete from drizzle.__drizzle_migrations where id = (${newest})`)
    const pending = await examine(env)
    expect(pending).toMatchObject({ code: 0, statuses: { migrations: 'warning' } })
    expect(pending.messageOf('migrations')).toMatch(/^1 of \d+ pending$/)
    expect(await query(url, 'select count(*)::int as n from drizzle.__drizzle_migrations')).toEqual(
      await query(url, 'select count(*)::int - 1 as n from kept'),
    )
    await query(url, `insert into drizzle.__drizzle_migrations (hash, created_at) values ('later', 9999999999999)`)
    expect(await examine(env)).toMatchObject({ code: 1, statuses: { migrations: 'failure' } })
  })

  test('sees that the database holds another application’s users', async () => {
    const url = await createDatabase(inject('clusterUrl'))
    await query(url, 'create table users (username text)')
    const found = await examine({ DATABASE_URL: url, GATEHOUSE_SECRET: testSecret })
    expect(found).toMatchObject({ code: 1, statuses: { tables: 'failure' } })
  })

  test('sees that the database is away, and says nothing of its password', async () => {
    const url = `postgres://ada:hunter2@127.0.0.1:${await freePort()}/x`
    const { code, stdout, stderr } = await gatehouse(['doctor'], { DATABASE_URL: url, GATEHOUSE_SECRET: testSecret })
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).toMatch(/FAILURE +database +it can’t be asked \(ECONNREFUSED\)/)
    expect(stdout).not.toContain('hunter2')
  })

  test('names every setting that can’t be used', async () => {
    const { code, stdout } = await gatehouse(['doctor'], { PORT: '99999', LOG_LEVEL: 'loud' })
    expect(code).toBe(1)
    expect(stdout).toMatch(
      /FAILURE +configuration +PORT must[^]*FAILURE +configuration +LOG_LEVEL must[^]*Not ready to deploy: 2 failed/,
    )
  })

  test('looks at an embedded database where nobody has it, makes none, and leaves a running server alone', async () => {
    const env = { DATA_DIR: temporaryFolder() }
    expect((await examine(env)).messageOf('database')).toBe('embedded; made at the first start')
    const server = await spawnServer('node', env)
    const busy = await examine(env)
    expect(busy).toMatchObject({ code: 0 })
    expect(busy.messageOf('database')).toBe('embedded; another process serves from it')
    await server.stop()
    expect(await examine(env)).toMatchObject({ code: 0, statuses: { 'signing keys': 'ok', migrations: 'ok', clock: 'ok' } })
  })

  test('takes no more than its options', async () => {
    expect(await gatehouse(['doctor', '--fast'], {})).toMatchObject({ code: 2, stdout: '' })
  })
})
