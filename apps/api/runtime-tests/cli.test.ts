import { describe, expect, inject, test } from 'vitest'
import { gatehouse, oneLine } from './command.ts'
import { createDatabase, query } from './postgres.ts'
import { type Runtime, spawnServer, temporaryFolder, testSecret } from './server.ts'
import { createApi } from './suite/target.ts'

const young = 'the next master secret, longer than thirty-two characters'.replace(',', '')

interface ListedKey {
  kid: string
  state: string
}

describe.each<[string, () => Promise<Record<string, string>>]>([
  ['on an embedded database', async () => ({ DATA_DIR: temporaryFolder() })],
  ['on PostgreSQL', async () => ({ DATABASE_URL: await createDatabase(inject('clusterUrl')), GATEHOUSE_SECRET: testSecret })],
])('gatehouse keys %s', (_name, prepare) => {
  test('rotates, lists, retires and seals again, with 0 for what was done and 1 for what was refused', async () => {
    const env = await prepare()
    const list = async () => JSON.parse((await gatehouse(['keys', 'list', '--json'], env)).stdout) as ListedKey[]
    expect(await list()).toEqual([])
    for (const args of [
      ['keys', 'rotate', '--now'],
      ['keys', 'rotate'],
      ['keys', 'rotate', '--now'],
    ]) {
      expect(await gatehouse(args, env)).toMatchObject({ code: 0, stderr: '' })
    }
    const [previous, current] = await list()
    expect([previous?.state, current?.state]).toEqual(['previous', 'current'])
    expect(await gatehouse(['keys', 'retire', previous?.kid ?? ''], env)).toMatchObject({ code: 0, stderr: '' })
    const refused = await gatehouse(['keys', 'retire', current?.kid ?? ''], env)
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/rotate first/) })
    expect(refused.stderr).toMatch(oneLine)
    expect(await gatehouse(['keys', 'reseal'], env)).toEqual({
      code: 0,
      stdout: '1 key is sealed under the newest secret.\n',
      stderr: '',
    })
    const table = await gatehouse(['keys', 'list'], env)
    expect(table.stdout.trim().split('\n')).toHaveLength(3)
    expect((await list()).map(({ state }) => state)).toEqual(['retired', 'current'])
  })
})

describe('gatehouse', () => {
  test.each([
    [[]],
    [['nope']],
    [['keys']],
    [['keys', 'nope']],
    [['keys', 'list', '--nope']],
    [['keys', 'list', 'more']],
    [['keys', 'rotate', '--now=1']],
    [['keys', 'retire']],
    [['keys', 'retire', 'one', 'two']],
  ])('%j is a usage error: one sentence, exit code 2, and no database', async (args) => {
    const { code, stdout, stderr } = await gatehouse(args, { DATABASE_URL: 'not looked at' })
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(oneLine)
  })

  test('--help tells the commands', async () => {
    const { code, stdout } = await gatehouse(['keys', '--help'], {})
    expect(code).toBe(0)
    for (const command of ['list', 'rotate', 'retire', 'reseal']) expect(stdout).toContain(command)
  })

  test('keys retire takes a kid that begins with a hyphen', async () => {
    const env = { DATABASE_URL: await createDatabase(inject('clusterUrl')), GATEHOUSE_SECRET: testSecret }
    for (const kid of ['-hx', '--now', `-${'a'.repeat(42)}`]) {
      const { code, stderr } = await gatehouse(['keys', 'retire', kid], env)
      expect({ code, stderr }).toEqual({ code: 1, stderr: `gatehouse: There is no signing key ${kid}.\n` })
    }
  })

  test.each<[string, Record<string, string>, RegExp]>([
    ['a configuration that can’t be used', { DATABASE_URL: 'postgres://127.0.0.1:1/x' }, /GATEHOUSE_SECRET is required/],
    ['a database that is not there', { GATEHOUSE_SECRET: testSecret }, /^gatehouse: PostgreSQL at DATABASE_URL can't be used/],
  ])('fails with 1 on %s', async (_name, env, message) => {
    const missing = new URL(inject('clusterUrl'))
    missing.pathname = '/no_such_database'
    const { code, stderr } = await gatehouse(['keys', 'list'], { DATABASE_URL: missing.href, ...env })
    expect(code).toBe(1)
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\bat .*:\d+:\d+/)
  })

  test('fails with 1 and the sentence of the lock while a server has the data folder', async () => {
    const env = { DATA_DIR: temporaryFolder() }
    const server = await spawnServer('node', env)
    const { code, stderr } = await gatehouse(['keys', 'rotate', '--now'], env)
    expect(code).toBe(1)
    expect(stderr).toContain(`is in use by process ${server.pid}`)
    expect(stderr).toMatch(oneLine)
    expect(await server.stop()).toBe(0)
    expect((await gatehouse(['keys', 'rotate', '--now'], env)).code).toBe(0)
  })

  test.each<Runtime>(['bun', 'deno'])('runs on %s too', async (runtime) => {
    const env = { DATA_DIR: temporaryFolder() }
    expect(await gatehouse(['keys', 'rotate', '--now'], env, { runtime })).toMatchObject({ code: 0, stderr: '' })
    expect((await gatehouse(['keys', 'nope'], env, { runtime })).code).toBe(2)
  })
})

test('the master secret is replaced beside a running server, which goes on; afterwards the new one alone will do', async () => {
  const url = await createDatabase(inject('clusterUrl'))
  const server = await spawnServer('node', { DATABASE_URL: url, GATEHOUSE_SECRET: testSecret })
  const api = createApi({ fetch: (path, init) => fetch(server.url + path, init), stop: server.stop })
  const { username } = await api.account()
  const wrong = await gatehouse(['keys', 'reseal'], { DATABASE_URL: url, GATEHOUSE_SECRET: young })
  const [key] = await query(url, 'select kid from signing_keys')
  expect(wrong).toMatchObject({ code: 1, stdout: '0 keys are sealed under the newest secret.\n' })
  expect(wrong.stderr).toBe(`gatehouse: no configured GATEHOUSE_SECRET opens ${String(key?.['kid'])}\n`)
  const both = { DATABASE_URL: url, GATEHOUSE_SECRET: `${young},${testSecret}` }
  expect((await gatehouse(['keys', 'reseal'], both)).code).toBe(0)
  expect((await api.login(username)).status).toBe(200)
  await server.stop()
  const after = await spawnServer('node', { DATABASE_URL: url, GATEHOUSE_SECRET: young })
  expect((await fetch(`${after.url}/health/ready`)).status).toBe(200)
  await after.stop()
})
