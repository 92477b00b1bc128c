import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { malformedForms, malformedJson } from './malformed-bodies.ts'
import { type Operation, readOperations, requestOf, types } from './operations.ts'
import { type Tried, sweep, sweptOperations } from './sweep.ts'
import { type Answer, type Api, goodPassword } from './target.ts'

/** What clients send that were made to break servers. Routes and their fields are taken from the OpenAPI document. */
export function hostileSuite(
  api: () => Api,
  { sql, step }: { sql?: ((statement: string) => Promise<unknown>) | undefined; step: number },
): void {
  describe('hostile input', () => {
    test(
      'no naughty string in any field of any route is a fault, and nothing is half written',
      { timeout: 120_000 },
      async () => {
        const adminToken = sql && (await administrator(api(), sql))
        const faults: string[] = []
        for (const operation of sweptOperations(await readOperations(api()))) {
          const registered = new Map<string, boolean>()
          const look = (tried: Tried, answer: Answer) => {
            faults.push(...faultsOf(answer).map((fault) => `${fault} from ${describeTry(operation, tried)}`))
            if (tried.field.name === 'username' && tried.text !== undefined) registered.set(tried.text, answer.status === 200)
          }
          const { username, token } = await sweep(api(), operation, { step, adminToken }, look)
          const { body: account } = await api().get(`/user/?username=${username}`, adminToken ?? token)
          expect([operation.name, account]).toEqual([operation.name, { ...whole, username }])
          if (operation.name === 'POST /user/') await expectRegistered(api(), registered, adminToken ?? token)
        }
        expect(faults).toEqual([])
        await expectHealthy(api())
      },
    )

    test('no malformed body of any route is a fault', async () => {
      const { username, token } = await api().account()
      const faults: string[] = []
      for (const operation of (await readOperations(api())).filter(({ bodyKind }) => bodyKind !== undefined)) {
        const { path, init } = requestOf(operation, { username, password: goodPassword }, new Map())
        const { body: good = '' } = init
        for (const [name, type, body] of operation.bodyKind === 'json' ? malformedJson(good) : malformedForms(good)) {
          const headers = { 'Content-Type': type, ...(operation.authenticated && { Authorization: `Bearer ${token}` }) }
          const answer = await api().send(path, { method: operation.method, headers, body })
          // Some of them are well-formed after all: then an account may be deleted, and its token refused.
          faults.push(...faultsOf(answer).map((fault) => `${fault} from ${operation.name} with ${name}`))
        }
      }
      expect(faults).toEqual([])
      await expectHealthy(api())
    })

    test('packed bodies are refused unread by every route', async () => {
      const token = sql ? await administrator(api(), sql) : (await api().account()).token
      // Who may not send it at all is told so first.
      const refusals = ['415 unsupported_media_type', ...(sql ? [] : ['403 forbidden'])]
      const bomb = Buffer.alloc(1024 * 1024, ' ')
      const packed: [string, Buffer<ArrayBuffer>][] = [
        ['gzip', gzipSync(bomb)],
        ['deflate', deflateSync(bomb)],
        ['br', brotliCompressSync(bomb)],
        ['x-gzip', gzipSync(bomb)],
        ['identity, gzip', gzipSync(bomb)],
        ['gzip, gzip', gzipSync(gzipSync(bomb))],
        ['zstd', Buffer.from('(\xB5/\xFD', 'latin1')],
        ['aes128gcm', Buffer.from('x')],
      ]
      for (const { name, path, method, bodyKind } of await readOperations(api())) {
        if (!bodyKind) continue
        for (const [coding, body] of packed) {
          const headers = { Authorization: `Bearer ${token}`, 'Content-Type': types[bodyKind], 'Content-Encoding': coding }
          const answer = await api().send(path.replaceAll(/\{\w+\}/g, 'x'), { method, headers, body })
          expect(refusals, `${name}, ${coding}`).toContain(`${answer.status} ${String(answer.body['code'])}`)
        }
      }
    })

    test('methods that no route has are 405 on every path, with the methods that there are', async () => {
      const operations = await readOperations(api())
      for (const path of new Set(operations.map((operation) => operation.path))) {
        const methods = operations.filter((operation) => operation.path === path).map(({ method }) => method)
        const allowed = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])]
        for (const method of ['PUT', 'OPTIONS', 'PROPFIND', 'QUERY', 'PURGE', 'M-SEARCH']) {
          const answer = await api().send(path.replaceAll(/\{\w+\}/g, 'x'), { method })
          expect([method, path, answer.status, answer.body['code']]).toEqual([method, path, 405, 'method_not_allowed'])
          expect(answer.headers.get('Allow')?.split(', ').toSorted()).toEqual(allowed.toSorted())
        }
      }
    })

    test('a method is what the request line says, whatever headers and fields say', async () => {
      const { username, token } = await api().account()
      const override = { 'X-HTTP-Method-Override': 'DELETE', 'X-HTTP-Method': 'DELETE', 'X-Method-Override': 'DELETE' }
      const headers = { Authorization: `Bearer ${token}`, ...override, 'Content-Type': types.form }
      const body = `username=${username}&password=${encodeURIComponent(goodPassword)}&_method=DELETE&method=DELETE`
      const read = await api().send(`/user/?username=${username}&_method=DELETE`, { headers })
      expect(read).toMatchObject({ status: 200, body: { username } })
      expect((await api().send('/login?_method=DELETE', { method: 'POST', headers, body })).status).toBe(200)
      expect((await api().send('/user/?_method=DELETE', { method: 'POST', headers, body })).status).toBe(415)
      expect((await api().get('/users/me', token)).status).toBe(200)
    })

    test.each(['a b', 'a,b', '../../x', '{"a":1}', '%0d%0aSet-Cookie:x=y', 'a;b=c', '\u00E4', '$(id)', 'x'.repeat(256)])(
      'the request id %s is not taken over',
      async (wanted) => {
        const answer = await api().send('/nope', { headers: { 'X-Request-Id': wanted } })
        expect(answer.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/)
        expect(answer.body['request_id']).toBe(answer.headers.get('X-Request-Id'))
      },
    )

    test('no odd Authorization and no odd cookie is a fault or lets anybody in', async () => {
      const { token } = await api().account()
      const odd = ['', ' ', 'Bearer', 'Bearer  ', `Bearer "${token}"`, `Bearer ${token},Bearer ${token}`, `Bearer ${token} x`]
      const odder = [
        `Bearer:${token}`,
        `Bearer\t${token}x`,
        `Basic ${btoa('a:b')}`,
        `Bearer ${'a'.repeat(9_000)}`,
        'Bearer \u00FF\u00FE',
        `Token ${token}`,
        'Negotiate =',
      ]
      for (const value of [...odd, ...odder]) {
        expect([value, (await api().send('/users/me', { headers: { Authorization: value } })).status]).toEqual([value, 401])
      }
      const name = '__Host-gatehouse-access'
      const cookies = [
        '=',
        ';;;=;',
        name,
        `${name}=%`,
        `${name}=%00`,
        `${name}="`,
        `${name}=${'a'.repeat(9_000)}`,
        `${name}=a; ${name}=b`,
        'a=b; '.repeat(1_000) + `${name}=x`,
        `${name}=\u00FF`,
        `__proto__=x; ${name}=x`,
      ]
      for (const value of cookies) {
        expect([value, (await api().send('/users/me', { headers: { Cookie: value } })).status]).toEqual([value, 401])
      }
    })

    test('what a proxy or a client says of the host changes no link and no cookie', async () => {
      const { username } = await api().account()
      const lies = {
        'X-Forwarded-Host': 'evil.example',
        'X-Forwarded-Proto': 'https',
        'X-Original-URL': '/evil.example',
        Forwarded: 'host=evil.example',
      }
      const path = '/.well-known/oauth-authorization-server'
      expect((await api().send(path, { headers: lies })).body).toEqual((await api().get(path)).body)
      const headers = { ...lies, 'Content-Type': types.form, 'Sec-Fetch-Site': 'same-origin' }
      const body = `username=${username}&password=${encodeURIComponent(goodPassword)}`
      const login = await api().send('/login?mode=cookie', { method: 'POST', headers, body })
      expect(login.status).toBe(200)
      for (const cookie of login.headers.getSetCookie()) expect(cookie).not.toMatch(/evil|domain/i)
      expect(login.headers.has('Location')).toBe(false)
    })
  })
}

/** A token of somebody who may use every route. */
async function administrator(api: Api, sql: (statement: string) => Promise<unknown>): Promise<string> {
  const { username, token } = await api.account()
  await sql(`update users set role = 'admin' where username = '${username}'`)
  await api.untilRefused(token)
  return api.token(username)
}

const describeTry = ({ name }: Operation, { field, spelled }: Tried) =>
  `${name} with ${field.name}=${JSON.stringify(spelled.slice(0, 80))}`

/** What no answer may be, whatever was sent. */
function faultsOf({ status, headers, body }: Answer): string[] {
  const split = [...headers].filter(([, value]) => /[\r\n]/.test(value)).map(([name]) => `a line break in ${name}`)
  const cookie = headers.has('Set-Cookie') ? ['a cookie'] : []
  const leak = /argon2|drizzle|postgres|\bat \w+ \(|node_modules|syntax error/i.test(JSON.stringify(body)) ? ['a leak'] : []
  return [...(status >= 500 ? [`${status}`] : []), ...split, ...cookie, ...leak]
}

/** An account that nobody has half changed. */
const whole = {
  birthday: null,
  create_time: expect.stringMatching(/^20\d\d-.*Z$/),
  last_login: expect.stringMatching(/^20\d\d-.*Z$/),
}

/** Whoever was told to be registered is there under that very name, and nobody else. */
async function expectRegistered(api: Api, registered: ReadonlyMap<string, boolean>, token: string): Promise<void> {
  for (const [name, accepted] of registered) {
    const { status, body } = await api.get(`/user/?username=${encodeURIComponent(name.toWellFormed())}`, token)
    if (accepted) expect([name, body['username']]).toEqual([name, name.normalize('NFC')])
    else expect([name, status]).not.toEqual([name, 200])
  }
}

async function expectHealthy(api: Api): Promise<void> {
  expect((await api.get('/health/live')).status).toBe(200)
  expect((await api.get('/health/ready')).status).toBe(200)
  const { token } = await api.account()
  const begun = performance.now()
  expect((await api.get('/users/me', token)).status).toBe(200)
  expect(performance.now() - begun).toBeLessThan(1_000)
}
