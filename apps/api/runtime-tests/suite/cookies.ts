import { describe, expect, test } from 'vitest'
import { type Answer, type Api, freshName, goodPassword } from './target.ts'

const access = '__Host-gatehouse-access'
const refresh = '__Host-gatehouse-refresh'
const device = '__Host-gatehouse-device'

/** What a browser of today sends along from a page of the server's own. */
const ownPage = { 'Sec-Fetch-Site': 'same-origin' }

/** Where a browser's request may come from, and whether cookies then speak for it. */
const senders: [name: string, headers: Record<string, string>, accepted: boolean][] = [
  ['a page of this origin', ownPage, true],
  ['another origin of the site', { 'Sec-Fetch-Site': 'same-site' }, false],
  ['another site', { 'Sec-Fetch-Site': 'cross-site' }, false],
  ['another site, in a browser without Sec-Fetch-Site', { Origin: 'https://evil.example' }, false],
  ['a sandboxed frame', { Origin: 'null' }, false],
  ['a client that does not say', {}, false],
]

/** Sessions whose tokens only the browser holds. */
export function cookieSuite(api: () => Api): void {
  const login = (username: string, headers: Record<string, string> = ownPage, password = goodPassword) =>
    api().send('/login?mode=cookie', { method: 'POST', headers, body: new URLSearchParams({ username, password }) })

  async function signIn(): Promise<{ username: string; jar: Record<string, string> }> {
    const username = freshName()
    await api().register(username)
    return { username, jar: kept(await login(username)) }
  }

  /** A request from a page of ours with these cookies. */
  const call = (
    path: string,
    jar: Record<string, string>,
    init: { method?: string; headers?: Record<string, string>; body?: URLSearchParams | string } = {},
  ) => api().send(path, { ...init, headers: { ...ownPage, Cookie: spell(jar), ...init.headers } })
  const renew = (jar: Record<string, string>, headers: Record<string, string> = {}, fields: Record<string, string> = {}) =>
    call('/token', jar, { method: 'POST', headers, body: new URLSearchParams({ grant_type: 'refresh_token', ...fields }) })
  const logout = (jar: Record<string, string>, headers: Record<string, string> = {}) =>
    call('/logout', jar, { method: 'POST', headers })

  describe('cookie mode', () => {
    test('signs in without a token in the body', async () => {
      const username = freshName()
      await api().register(username)
      const answer = await login(username)
      expect(answer).toMatchObject({
        status: 200,
        body: { token_type: 'cookie', expires_in: 1800, refresh_expires_in: 14 * 86_400 },
      })
      expect(Object.keys(answer.body)).toHaveLength(3)
      const cookies = answer.headers.getSetCookie()
      expect(cookies.map((cookie) => cookie.split('=')[0])).toEqual([access, refresh, device])
      for (const cookie of cookies) {
        const attributes = cookie.split('; ').slice(1)
        expect(new Set(attributes.filter((attribute) => !attribute.startsWith('Max-Age')))).toEqual(
          new Set(['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']),
        )
      }
      expect(cookies.map((cookie) => /Max-Age=(\d+)/.exec(cookie)?.[1])).toEqual([
        '1800',
        String(14 * 86_400),
        String(365 * 86_400),
      ])
      expect(answer.headers.get('Cache-Control')).toBe('no-store')
    })

    test('sets no cookie for a wrong password, nor for a sign-in of the other kind', async () => {
      const { username } = await signIn()
      const refused = await login(username, ownPage, 'not the password')
      expect(refused).toMatchObject({ status: 401, body: { error: 'invalid_grant' } })
      expect([refused, await api().login(username)].map(({ headers }) => headers.getSetCookie())).toEqual([[], []])
    })

    test('reads, changes and deletes as a token does', async () => {
      const { username, jar } = await signIn()
      expect((await call('/users/me', jar)).body).toMatchObject({ username })
      const json = { 'Content-Type': 'application/json' }
      const change = JSON.stringify({ username, birthday: '1990-05-17' })
      expect((await call('/user/', jar, { method: 'PATCH', headers: json, body: change })).status).toBe(200)
      const deletion = new URLSearchParams({ username })
      expect((await call('/user/', jar, { method: 'DELETE', body: deletion })).status).toBe(200)
      expect((await call('/users/me', jar)).status).toBe(401)
    })

    test('refreshes by the cookie alone', async () => {
      const { username, jar } = await signIn()
      const answer = await renew({ [refresh]: jar[refresh] ?? '' })
      expect(answer).toMatchObject({ status: 200, body: { token_type: 'cookie', expires_in: 1800 } })
      const renewed = kept(answer)
      expect(renewed[refresh]).not.toBe(jar[refresh])
      expect((await call('/users/me', renewed)).body).toMatchObject({ username })
    })

    test('takes the cookies away when the session is over', async () => {
      const { jar } = await signIn()
      const answer = await logout(jar)
      expect(answer).toMatchObject({ status: 200, body: { message: 'Signed out' } })
      expect(kept(answer)).toEqual({ [access]: '', [refresh]: '' })
      expect((await call('/users/me', jar)).status).toBe(401)
      const late = await renew(jar)
      expect(late).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
      expect(kept(late)).toEqual({ [access]: '', [refresh]: '' })
    })

    test('signs out by either cookie when the other is damaged', async () => {
      for (const damaged of [access, refresh]) {
        const { jar } = await signIn()
        expect((await logout({ ...jar, [damaged]: 'x' })).status).toBe(200)
        expect((await call('/users/me', jar)).status).toBe(401)
      }
    })

    test('signs out when the access cookie has run out', async () => {
      const { jar } = await signIn()
      expect((await logout({ [refresh]: jar[refresh] ?? '' })).status).toBe(200)
      expect((await call('/users/me', jar)).status).toBe(401)
    })

    test.each(senders)('from %s', async (_name, headers, accepted) => {
      const { username, jar } = await signIn()
      const send = (path: string, method: string, body: Record<string, string>, type = 'application/x-www-form-urlencoded') =>
        api().send(path, {
          method,
          headers: { ...headers, Cookie: spell(jar), 'Content-Type': type },
          body: type.endsWith('json') ? JSON.stringify(body) : new URLSearchParams(body).toString(),
        })
      const answers = [
        await send('/user/', 'PATCH', { username, birthday: '1990-05-17' }, 'application/json'),
        await send('/token', 'POST', { grant_type: 'refresh_token' }),
        await login(username, headers),
        await send('/logout', 'POST', {}),
      ]
      for (const answer of answers) {
        if (accepted) expect(answer.status).toBe(200)
        else expect(answer).toMatchObject({ status: 403, body: { code: 'cross_site_request' } })
      }
      expect((await call('/users/me', jar)).status).toBe(accepted ? 401 : 200)
    })

    test('never mixes with a token in the header', async () => {
      const { jar } = await signIn()
      const other = await api().account()
      const headers = { Authorization: `Bearer ${other.token}` }
      for (const cookies of [jar, { [refresh]: jar[refresh] ?? '' }, { [access]: 'x' }]) {
        expect(await call('/users/me', cookies, { headers })).toMatchObject({ status: 400, body: { code: 'mixed_credentials' } })
        expect(await logout(cookies, headers)).toMatchObject({ status: 400, body: { code: 'mixed_credentials' } })
      }
      for (const both of [await renew(jar, {}, { refresh_token: jar[refresh] ?? '' }), await renew(jar, headers)]) {
        expect(both).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
      }
      expect((await call('/users/me', jar)).status).toBe(200)
    })

    test('leaves other cookies, and tokens in the wrong cookie, alone', async () => {
      const { jar } = await signIn()
      const token = jar[access] ?? ''
      expect((await call('/users/me', { theme: 'dark', ...jar })).status).toBe(200)
      for (const name of ['gatehouse-access', '__host-gatehouse-access', '__Secure-gatehouse-access', refresh]) {
        expect((await call('/users/me', { [name]: token })).status).toBe(401)
      }
    })
  })
}

/** What a browser keeps of an answer. */
function kept({ headers }: Answer): Record<string, string> {
  return Object.fromEntries(
    headers.getSetCookie().map((cookie) => {
      const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split('=')
      return [name, value]
    }),
  )
}

const spell = (jar: Record<string, string>) =>
  Object.entries(jar)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
