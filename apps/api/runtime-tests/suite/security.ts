import { describe, expect, test } from 'vitest'
import { type Api, type Json, goodPassword } from './target.ts'

/** Every protected route, called with a given Authorization header and otherwise a request that would succeed. */
const protectedRoutes: [name: string, path: string, init: RequestInit][] = [
  ['GET /user/', '/user/?username=somebody', {}],
  [
    'PATCH /user/',
    '/user/',
    { method: 'PATCH', headers: { 'Content-Type': 'application/json' }, body: '{"username":"somebody"}' },
  ],
  [
    'DELETE /user/',
    '/user/',
    { method: 'DELETE', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'username=somebody' },
  ],
  ['GET /users/me', '/users/me', {}],
  ['GET /users', '/users', {}],
  [
    'POST /users/:username/password-reset',
    '/users/somebody/password-reset',
    { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' },
  ],
  ['POST /logout', '/logout', { method: 'POST' }],
  ['GET /sessions', '/sessions', {}],
  ['DELETE /sessions', '/sessions', { method: 'DELETE' }],
  ['DELETE /sessions/:id', '/sessions/019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e42', { method: 'DELETE' }],
]

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Tokens made from a real one and from the published keys, none of which may pass (RFC 8725). */
const forgeries: [name: string, forge: (token: string, jwks: { keys: Json[] }) => Promise<string> | string][] = [
  ['nonsense', () => 'nonsense'],
  ['two parts', (token) => token.split('.').slice(0, 2).join('.')],
  ['four parts', (token) => `${token}.x`],
  ['an empty signature', (token) => `${token.split('.').slice(0, 2).join('.')}.`],
  ['alg none', (token) => `${encode({ alg: 'none', typ: 'at+jwt' })}.${token.split('.')[1]}.`],
  [
    'alg none and the old signature',
    (token) => `${encode({ alg: 'none', typ: 'at+jwt' })}.${token.split('.').slice(1).join('.')}`,
  ],
  ['HS256 keyed with the public key', (token, jwks) => confuse(token, JSON.stringify(jwks.keys[0]))],
  ['HS256 keyed with its coordinates', (token, jwks) => confuse(token, String(jwks.keys[0]?.['x']))],
  ['another kid', (token) => withHeader(token, { kid: 'other' })],
  ['kid of a prototype member', (token) => withHeader(token, { kid: '__proto__' })],
  ['kid of a path', (token) => withHeader(token, { kid: '../../dev/null' })],
  ['typ JWT', (token) => withHeader(token, { typ: 'JWT' })],
  ['a jwk of its own', (token, jwks) => withHeader(token, { jwk: jwks.keys[0] })],
  ['a jku', (token) => withHeader(token, { jku: 'http://127.0.0.1:9/jwks.json' })],
  ['a crit', (token) => withHeader(token, { crit: ['exp'] })],
  ['an altered payload', (token) => withPayload(token, { role: 'admin' })],
  ['another subject', (token) => withPayload(token, { sub: '00000000-0000-7000-8000-000000000000' })],
  ['a later expiry', (token) => withPayload(token, { exp: 99_999_999_999 })],
  ['base64 padding', (token) => `${token}=`],
  ['padding inside', (token) => token.split('.').join('=.')],
  ['flipped trailing bits', flipTrailingBits],
  ['white space inside', (token) => token.replace('.', ' .')],
  ['a letter changed in the signature', (token) => `${token.slice(0, -5)}${token.at(-5) === 'A' ? 'B' : 'A'}${token.slice(-4)}`],
  ['9 KiB of it', (token) => `${token}${'A'.repeat(9 * 1024)}`],
  ['a JWE', () => `${encode({ alg: 'dir', enc: 'A256GCM' })}..${encode('x')}.${encode('x')}.${encode('x')}`],
  ['a header that is an array', (token) => `${encode([])}.${token.split('.').slice(1).join('.')}`],
  ['a header that is no JSON', (token) => `${encode('{')}.${token.split('.').slice(1).join('.')}`],
]

export function securitySuite(api: () => Api): void {
  describe.each(protectedRoutes)('%s', (_name, path, init) => {
    const call = (authorization: string | undefined) =>
      api().send(path, {
        ...init,
        headers: { ...(init.headers as Record<string, string>), ...(authorization && { Authorization: authorization }) },
      })

    test.each([undefined, 'Basic YWRhOmFkYQ==', 'Bearer', 'Token abc', 'bearerabc'])(
      'answers 401 to Authorization %s',
      async (header) => {
        const answer = await call(header)
        expect(answer).toMatchObject({ status: 401, body: { detail: 'Not authenticated', code: 'not_authenticated' } })
        expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer')
      },
    )

    test('answers 401 before it looks at the body', async () => {
      if (!init.method) return
      const { status } = await api().send(path, { ...init, body: '{"broken' })
      expect(status).toBe(401)
    })

    test('accepts the scheme in any case', async () => {
      for (const scheme of ['bearer', 'BEARER']) {
        const { token } = await api().account()
        const { body } = await call(`${scheme} ${token}`)
        expect(['not_authenticated', 'invalid_token']).not.toContain(body['code'])
      }
    })

    test('refuses every forged token', async () => {
      const { token } = await api().account()
      const { body: jwks } = await api().get('/.well-known/jwks.json')
      for (const [name, forge] of forgeries) {
        const answer = await call(`Bearer ${await forge(token, jwks as { keys: Json[] })}`)
        expect([name, answer.status, answer.body['code']]).toEqual([name, 401, 'invalid_token'])
        expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer error="invalid_token"')
        expect(JSON.stringify(answer.body)).not.toContain(token.slice(0, 40))
      }
    })
  })

  test('a forged token is refused after the real one was accepted', async () => {
    const { token } = await api().account()
    expect((await api().get('/users/me', token)).status).toBe(200)
    expect((await api().get('/users/me', flipTrailingBits(token))).status).toBe(401)
    expect((await api().get('/users/me', `${token}=`)).status).toBe(401)
  })

  test('the published keys hold no private member and verify the tokens', async () => {
    const { token } = await api().account()
    const answer = await api().get('/.well-known/jwks.json')
    expect(answer.headers.get('Cache-Control')).toMatch(/^public, max-age=\d+$/)
    const keys = answer.body['keys'] as Json[]
    const kid = (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as Json)['kid']
    expect(keys.find((key) => key['kid'] === kid)).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })
    for (const key of keys) expect(Object.keys(key).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  })

  test('the token has the claims of RFC 9068', async () => {
    const { username, token } = await api().account()
    const [header, payload] = token
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json)
    expect(header).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) })
    expect(payload).toMatchObject({
      username,
      role: 'user',
      iss: expect.any(String),
      sub: expect.any(String),
      sid: expect.any(String),
    })
    expect(payload).toMatchObject({ aud: payload?.['iss'], jti: expect.any(String), client_id: expect.any(String) })
    expect(Number(payload?.['exp']) - Number(payload?.['iat'])).toBe(1800)
    expect(JSON.stringify(payload)).not.toContain(goodPassword)
  })
}

function withHeader(token: string, members: Json): string {
  const [header = '', ...rest] = token.split('.')
  return [encode({ ...(JSON.parse(Buffer.from(header, 'base64url').toString()) as Json), ...members }), ...rest].join('.')
}

function withPayload(token: string, members: Json): string {
  const [header, payload = '', signature] = token.split('.')
  return [header, encode({ ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as Json), ...members }), signature].join(
    '.',
  )
}

/** Signs with HMAC under what a careless verifier would take for the key. */
async function confuse(token: string, secret: string): Promise<string> {
  const input = withHeader(token, { alg: 'HS256' }).split('.').slice(0, 2).join('.')
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, ['sign'])
  const signature = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(input))
  return `${input}.${Buffer.from(signature).toString('base64url')}`
}

/** The same bytes in another spelling: the last character of 64 bytes carries four unused bits. */
function flipTrailingBits(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(token.at(-1) ?? '')
  return token.slice(0, -1) + alphabet[last ^ 1]
}
