import { describe, expect, inject, test } from 'vitest'
import { gatehouse, oneLine } from './command.ts'
import { createDatabase, query } from './postgres.ts'
import { type Runtime, spawnServer, temporaryFolder, testSecret } from './server.ts'
import { type Json, createApi, goodPassword } from './suite/target.ts'

const onPostgres = async () => ({ DATABASE_URL: await createDatabase(inject('clusterUrl')), GATEHOUSE_SECRET: testSecret })

type Env = Record<string, string>
const users = (env: Env, ...args: string[]) => gatehouse(['users', ...args], env)
const withInput = (env: Env, input: string | Uint8Array, ...args: string[]) => gatehouse(['users', ...args], env, { input })
/** What a command answers with `--json`. */
async function view(env: Env, ...args: string[]): Promise<Json> {
  const { code, stdout, stderr } = await users(env, ...args, '--json')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as Json
}

async function serve(env: Env, runtime: Runtime = 'node') {
  const server = await spawnServer(runtime, env)
  return { server, api: createApi({ fetch: (path, init) => fetch(server.url + path, init), stop: server.stop }) }
}

describe.each<[string, () => Promise<Env>]>([
  ['an embedded database', async () => ({ DATA_DIR: temporaryFolder() })],
  ['PostgreSQL', onPostgres],
])('gatehouse users on %s', (_name, prepare) => {
  test('makes the first administrator, who sets a password with the code and administers', async () => {
    const env = await prepare()
    const made = await view(env, 'create-admin', 'Ada')
    expect(made).toEqual({
      id: expect.any(String),
      username: 'Ada',
      role: 'admin',
      disabled: false,
      code: expect.stringMatching(/^[\w-]{32}$/),
      expires_in: 3600,
    })
    expect((await withInput(env, `${goodPassword}\n`, 'create-admin', 'grace', '--password-stdin')).code).toBe(0)
    const { server, api } = await serve(env)
    expect((await api.login('Ada', '!')).status).toBe(401)
    expect((await api.json('POST', '/password/reset', { code: made['code'], password: goodPassword })).status).toBe(200)
    for (const name of ['ada', 'grace']) expect((await api.get('/users', await api.token(name))).status).toBe(200)
    await server.stop()
    expect(await view(env, 'disable', 'ADA')).toMatchObject({ username: 'Ada', role: 'admin', disabled: true, sessions_ended: 1 })
    expect(await view(env, 'disable', 'ada')).toMatchObject({ disabled: true, sessions_ended: 0 })
    for (const refused of ['demote', 'disable']) {
      const { code, stdout, stderr } = await users(env, refused, 'grace')
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toBe('gatehouse: grace is the last administrator: promote or create another first.\n')
    }
    expect(await view(env, 'enable', 'ada')).toMatchObject({ disabled: false })
    expect(await view(env, 'demote', 'grace')).toMatchObject({ role: 'user', disabled: false })
    expect(await view(env, 'promote', 'grace')).toMatchObject({ role: 'admin' })
  })
})

test('users beside a running server: what is changed there holds within a second', async () => {
  const env = await onPostgres()
  const { server, api } = await serve(env)
  const { username, token } = await api.account()
  expect((await view(env, 'promote', username))['sessions_ended']).toBe(1)
  await api.untilRefused(token)
  const admin = await api.token(username)
  expect((await api.get('/users', admin)).status).toBe(200)
  await users(env, 'create-admin', 'another')
  await view(env, 'disable', username)
  await api.untilRefused(admin)
  expect((await api.login(username)).status).toBe(401)
  await view(env, 'enable', username)
  const { code } = await view(env, 'reset-password', username)
  expect((await api.login(username)).status).toBe(200)
  const reset = { code, password: 'a lighthouse in the fog' }
  expect((await api.json('POST', '/password/reset', reset)).status).toBe(200)
  expect((await api.login(username, reset.password)).status).toBe(200)
  expect((await withInput(env, goodPassword, 'reset-password', username, '--password-stdin')).code).toBe(0)
  expect((await api.login(username)).status).toBe(200)
  await server.stop()
})

test('every command records what it did, as the operator’s doing and without names', async () => {
  const env = await onPostgres()
  await users(env, 'create-admin', 'ada')
  await withInput(env, goodPassword, 'create-admin', 'grace', '--password-stdin')
  for (const command of ['demote', 'demote', 'promote', 'disable', 'enable', 'reset-password']) await users(env, command, 'ada')
  await withInput(env, goodPassword, 'reset-password', 'ada', '--password-stdin')
  const events = await query(
    env.DATABASE_URL,
    `select event, outcome, actor, actor_id, details, username from audit_events join users on users.id = subject_id order by audit_events.id`,
  )
  const by = { outcome: 'success', actor: 'operator', actor_id: null, details: null }
  expect(events.filter(({ username }) => username === 'grace')).toEqual([
    { ...by, event: 'user_created', details: { role: 'admin' }, username: 'grace' },
  ])
  const adas = events.filter(({ username }) => username === 'ada').map(({ username: _name, ...event }) => event)
  expect(adas).toHaveLength(8)
  expect(adas).toEqual(
    expect.arrayContaining([
      { ...by, event: 'user_created', details: { role: 'admin' } },
      { ...by, event: 'password_reset_issued' },
      { ...by, event: 'role_changed', details: { to: 'user' } },
      { ...by, event: 'role_changed', details: { to: 'admin' } },
      { ...by, event: 'user_disabled' },
      { ...by, event: 'user_enabled' },
      { ...by, event: 'password_changed' },
    ]),
  )
})

test('what is refused is said in one sentence, ends with 1, and does nothing', async () => {
  const env = await onPostgres()
  await withInput(env, goodPassword, 'create-admin', 'ada', '--password-stdin')
  const rows = () => query(env.DATABASE_URL, `select users.*, code_hash from users left join password_resets on user_id = id`)
  const before = await rows()
  const refusals: [args: string[], message: RegExp, input?: string | Uint8Array][] = [
    [['create-admin', 'ADA'], /There is an account ADA already/],
    [['create-admin', 'a b'], /The username must hold no spaces/],
    [['create-admin', ''], /The username must have 1 to 64 characters/],
    [['create-admin', 'x'.repeat(65)], /The username must have at most 64|The username must have 1 to 64/],
    [['create-admin', 'grace', '--password-stdin'], /The password must have 8 to 256 characters/, 'short\n'],
    [['create-admin', 'grace', '--password-stdin'], /The password must have 8 to 256 characters/, ''],
    [['create-admin', 'grace', '--password-stdin'], /The password must not be a common password/, 'password123\n'],
    [['create-admin', 'gracehopper', '--password-stdin'], /or the username/, 'GraceHopper\r\n'],
    [
      ['create-admin', 'grace', '--password-stdin'],
      /well-formed Unicode/,
      Buffer.concat([Buffer.from(goodPassword), Buffer.from([0xff])]),
    ],
    [['create-admin', 'a b', '--password-stdin'], /The username must hold no spaces/, goodPassword],
    [['reset-password', 'ada', '--password-stdin'], /The password must have 8/, 'short'],
    [['demote', 'ada'], /last administrator/],
    [['promote', 'nobody'], /^gatehouse: There is no account nobody\.\n$/],
    [['disable', 'no\nbody'], /^gatehouse: There is no such account\.\n$/],
    [['reset-password', 'nobody'], /There is no account nobody/],
  ]
  for (const [args, message, input = ''] of refusals) {
    const { code, stdout, stderr } = await withInput(env, input, ...args)
    expect([args, code, stdout]).toEqual([args, 1, ''])
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(oneLine)
  }
  expect(await rows()).toEqual(before)
  await view(env, 'create-admin', 'grace')
  await view(env, 'disable', 'ada')
  expect((await users(env, 'reset-password', 'ada')).stderr).toBe('gatehouse: ada is disabled: enable it first.\n')
})

test.each([
  [['users']],
  [['users', 'nope']],
  [['users', 'promote']],
  [['users', 'promote', 'one', 'two']],
  [['users', 'promote', 'ada', '--nope']],
  [['users', 'promote', 'ada', '--password-stdin']],
  [['users', 'create-admin', '--password-stdin']],
  [['users', 'disable', '-h-is-no-option']],
])('%j is a usage error: one sentence, exit code 2, and no database', async (args) => {
  const { code, stdout, stderr } = await gatehouse(args, { DATABASE_URL: 'not looked at' })
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(oneLine)
})

test('a name that begins with a hyphen stands behind --', async () => {
  const env = await onPostgres()
  const { stdout } = await users(env, 'create-admin', '--json', '--', '-h')
  expect(JSON.parse(stdout)).toMatchObject({ username: '-h' })
})

test('a person is told what to do with the code, and nothing else holds it', async () => {
  const env = { ...(await onPostgres()), PUBLIC_URL: 'https://accounts.example.com' }
  const { stdout } = await users(env, 'create-admin', 'ada')
  const code = /single use: ([\w-]{32})\n/.exec(stdout)?.[1]
  expect(stdout).toContain(`curl https://accounts.example.com/password/reset`)
  expect(stdout).toContain(`"code": "${code}"`)
  const stored = JSON.stringify(await query(env.DATABASE_URL, 'select * from password_resets, users, audit_events'))
  expect(stored).not.toContain(code)
  expect(stdout).toMatch(/one hour/)
})

test('while a server has the embedded database, a command ends with the sentence of the lock', async () => {
  const env = { DATA_DIR: temporaryFolder() }
  const { server } = await serve(env)
  const { code, stderr } = await users(env, 'create-admin', 'ada')
  expect(code).toBe(1)
  expect(stderr).toContain(`is in use by process ${server.pid}`)
  expect(stderr).toMatch(oneLine)
  await server.stop()
})
