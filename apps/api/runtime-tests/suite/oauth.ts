import { describe, expect, test } from 'vitest'
import { type Tokens, strangeTokens } from './strange-tokens.ts'
import { type Answer, type Api, type Json, freshName, goodPassword } from './target.ts'

/** OAuth2's own endpoints, as RFC 6749, 7009 and 8414 have them. */
export function oauthSuite(api: () => Api): void {
  const token = (fields: Record<string, string> | string) => api().form('POST', '/token', fields)
  const refresh = (text: string) => token({ grant_type: 'refresh_token', refresh_token: text })
  const revoke = (text: string, rest: Record<string, string> = {}) => api().form('POST', '/revoke', { token: text, ...rest })

  async function register(): Promise<{ username: string; password: string }> {
    const username = freshName()
    await api().register(username)
    return { username, password: goodPassword }
  }

  async function signIn(): Promise<Tokens> {
    const answer = await token({ grant_type: 'password', ...(await register()) })
    expect(answer.status).toBe(200)
    return tokensOf(answer)
  }

  const expectOver = async ({ access, refresh: last }: Tokens) => {
    expect(await api().get('/users/me', access)).toMatchObject({ status: 401, body: { code: 'invalid_token' } })
    expectRefusal(await refresh(last), 'invalid_grant')
  }
  const expectLive = async ({ access }: Tokens) => expect((await api().get('/users/me', access)).status).toBe(200)

  describe('GET /.well-known/oauth-authorization-server', () => {
    test('says what is true of the server, and may be cached', async () => {
      const { status, headers, body } = await api().get('/.well-known/oauth-authorization-server')
      const { issuer } = body as { issuer: string }
      expect([status, headers.get('Cache-Control')]).toEqual([200, 'public, max-age=300'])
      expect(body).toEqual({
        issuer,
        token_endpoint: `${issuer}/token`,
        revocation_endpoint: `${issuer}/revoke`,
        jwks_uri: `${issuer}/.well-known/jwks.json`,
        grant_types_supported: ['password', 'refresh_token'],
        response_types_supported: [],
        token_endpoint_auth_methods_supported: ['none'],
        revocation_endpoint_auth_methods_supported: ['none'],
        service_documentation: `${issuer}/docs`,
      })
      const { access } = await signIn()
      const claims = JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString()) as Json
      expect(claims['iss']).toBe(issuer)
    })
  })

  describe('POST /token', () => {
    test('signs in and refreshes, urlencoded or multipart', async () => {
      const credentials = { grant_type: 'password', ...(await register()) }
      for (const encode of [(fields: Record<string, string>) => new URLSearchParams(fields), multipart]) {
        const first = await api().send('/token', { method: 'POST', body: encode(credentials) })
        expectTokens(first)
        const fields = { grant_type: 'refresh_token', refresh_token: tokensOf(first).refresh }
        const second = await api().send('/token', { method: 'POST', body: encode(fields) })
        expectTokens(second)
        expect(tokensOf(second).refresh).not.toBe(fields.refresh_token)
        await expectLive(tokensOf(second))
      }
    })

    test('accepts and ignores scope, client_id, client_secret and what it does not know', async () => {
      const rest = { scope: 'a b', client_id: 'x', client_secret: 'y', audience: 'z' }
      const answer = await token({ grant_type: 'password', ...(await register()), ...rest })
      expectTokens(answer)
      expectTokens(await token({ grant_type: 'refresh_token', refresh_token: tokensOf(answer).refresh, ...rest }))
    })

    test.each(['app:', ':', 'app:secret', 'no colon'])('ignores HTTP Basic credentials %j', async (credentials) => {
      const send = (path: string, fields: Record<string, string>) =>
        api().send(path, {
          method: 'POST',
          headers: { Authorization: `Basic ${btoa(credentials)}` },
          body: new URLSearchParams(fields),
        })
      const answer = await send('/token', { grant_type: 'password', ...(await register()) })
      expectTokens(answer)
      const next = await send('/token', { grant_type: 'refresh_token', refresh_token: tokensOf(answer).refresh })
      expectTokens(next)
      expect((await send('/revoke', { token: tokensOf(next).refresh })).status).toBe(200)
      await expectOver(tokensOf(next))
    })

    test('answers alike for a wrong password and an unknown name', async () => {
      const { username } = await register()
      for (const name of [username, freshName()]) {
        const answer = await token({ grant_type: 'password', username: name, password: 'not the password' })
        expectRefusal(answer, 'invalid_grant')
        expect(answer.body).toMatchObject({ code: 'invalid_grant', error_description: 'Incorrect username or password' })
        expect(answer.headers.has('WWW-Authenticate')).toBe(false)
      }
    })

    test.each<[string, string]>([
      ['nothing', ''],
      ['no grant type', 'refresh_token=x'],
      ['an empty grant type', 'grant_type=&refresh_token=x'],
      ['two grant types', 'grant_type=refresh_token&grant_type=refresh_token&refresh_token=x'],
      ['no refresh token', 'grant_type=refresh_token'],
      ['an empty refresh token', 'grant_type=refresh_token&refresh_token='],
      ['two refresh tokens', 'grant_type=refresh_token&refresh_token=x&refresh_token=y'],
      ['an array', 'grant_type=refresh_token&refresh_token[]=x'],
      ['two scopes', 'grant_type=refresh_token&refresh_token=x&scope=a&scope=b'],
      ['two client ids', 'grant_type=refresh_token&refresh_token=x&client_id=a&client_id=b'],
      ['no username', 'grant_type=password&password=x'],
      ['an empty username', 'grant_type=password&username=&password=x'],
      ['no password', 'grant_type=password&username=x'],
      ['an empty password', 'grant_type=password&username=x&password='],
      ['two usernames', 'grant_type=password&username=x&username=y&password=x'],
      ['a long username', `grant_type=password&username=${'x'.repeat(65)}&password=x`],
      ['NUL in a username', 'grant_type=password&username=a%00&password=x'],
    ])('answers invalid_request to %s', async (_name, body) => expectRefusal(await token(body), 'invalid_request'))

    test.each([
      'client_credentials',
      'authorization_code',
      'Password',
      'refresh_token ',
      'urn:ietf:params:oauth:grant-type:x',
      '\0',
    ])('does not support the grant type %j', async (grant_type) =>
      expectRefusal(await token({ grant_type, username: 'x', password: 'x' }), 'unsupported_grant_type'),
    )

    test('answers invalid_grant to anything but a refresh token, and repeats none of it', async () => {
      const [own, other] = [await signIn(), await signIn()]
      for (const [name, make] of strangeTokens) {
        const text = await make(own, other)
        const answer = await refresh(text)
        expectRefusal(answer, 'invalid_grant', name)
        const secrets = text.split('.').filter((part) => part.length > 7)
        for (const secret of secrets) expect(JSON.stringify(answer.body), name).not.toContain(secret.slice(0, 40))
      }
      expectTokens(await refresh(own.refresh))
      expectTokens(await refresh(other.refresh))
    })
  })

  describe('POST /revoke', () => {
    test('ends the session of a refresh token of any generation', async () => {
      const first = await signIn()
      const second = tokensOf(await refresh(first.refresh))
      const third = tokensOf(await refresh(second.refresh))
      expectRevoked(await revoke(first.refresh))
      for (const tokens of [third, first]) await expectOver(tokens)
    })

    test('ends the session of an access token, and no other', async () => {
      const [own, other] = [await signIn(), await signIn()]
      expectRevoked(await revoke(own.access))
      await expectOver(own)
      await expectLive(other)
    })

    test.each(['refresh_token', 'access_token', 'nonsense', ''])('does not mind the hint %j', async (token_type_hint) => {
      const { access, refresh: last } = await signIn()
      expectRevoked(await revoke(access, { token_type_hint, client_id: 'x', client_secret: '' }))
      await expectOver({ access, refresh: last })
      expectRevoked(await revoke(last, { token_type_hint }))
    })

    test('takes a multipart form', async () => {
      const tokens = await signIn()
      expectRevoked(await api().send('/revoke', { method: 'POST', body: multipart({ token: tokens.refresh }) }))
      await expectOver(tokens)
    })

    test('answers 200 to any other text, which ends nothing', async () => {
      const [own, other] = [await signIn(), await signIn()]
      for (const [name, make] of strangeTokens) {
        if (name !== 'an access token') expectRevoked(await revoke(await make(own, other)), name)
      }
      for (const tokens of [own, other]) await expectLive(tokens)
    })

    test.each<[string, string]>([
      ['nothing', ''],
      ['no token', 'token_type_hint=access_token'],
      ['an empty token', 'token='],
      ['two tokens', 'token=x&token=y'],
      ['two hints', 'token=x&token_type_hint=a&token_type_hint=b'],
    ])('answers invalid_request to %s', async (_name, body) =>
      expectRefusal(await api().form('POST', '/revoke', body), 'invalid_request'),
    )
  })

  describe.each(['/token', '/revoke'])('%s', (path) => {
    test('answers invalid_request to a malformed multipart body and to a file', async () => {
      const headers = { 'Content-Type': 'multipart/form-data; boundary=x' }
      const brokenOff = '--x\r\nContent-Disposition: form-data; name="token"\r\n\r\nada'
      for (const body of ['', brokenOff]) {
        expectRefusal(await api().send(path, { method: 'POST', headers, body }), 'invalid_request')
      }
      const files = new FormData()
      for (const name of ['grant_type', 'token']) files.set(name, new Blob(['x']), 'x.txt')
      expectRefusal(await api().send(path, { method: 'POST', body: files }), 'invalid_request')
    })

    test('takes forms only, up to 64 KiB', async () => {
      const json = await api().json('POST', path, { grant_type: 'refresh_token', refresh_token: 'x', token: 'x' })
      expect(json).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } })
      expect((await api().form('POST', path, { token: 'x'.repeat(64 * 1024) })).status).toBe(413)
    })
  })
}

const tokensOf = ({ body }: Answer): Tokens => ({ access: String(body['access_token']), refresh: String(body['refresh_token']) })

/** RFC 6749 §5.1. */
function expectTokens(answer: Answer): void {
  expect(answer).toMatchObject({ status: 200, body: { token_type: 'bearer', expires_in: 1800 } })
  expect(Object.keys(answer.body).toSorted()).toEqual([
    'access_token',
    'expires_in',
    'refresh_expires_in',
    'refresh_token',
    'token_type',
  ])
  expect(answer.body['refresh_expires_in']).toSatisfy((seconds) => Number(seconds) > 1800 && Number.isInteger(seconds))
  expect(answer.headers.get('Cache-Control')).toBe('no-store')
}

/** RFC 6749 §5.2, the letters that a description may have included. */
function expectRefusal({ status, headers, body }: Answer, error: string, name?: string): void {
  const type = headers.get('Content-Type')
  expect([status, body['error'], type, headers.get('Cache-Control')], name).toEqual([400, error, 'application/json', 'no-store'])
  expect(body['error_description'], name).toMatch(/^[\x20\x21\x23-\x5B\x5D-\x7E]+$/)
}

/** RFC 7009 §2.2. */
function expectRevoked({ status, headers, body }: Answer, name?: string): void {
  expect([status, body, headers.get('Cache-Control')], name).toEqual([200, { text: '' }, 'no-store'])
}

function multipart(fields: Record<string, string>): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.set(name, value)
  return form
}
