import { inspect } from 'node:util'
import { base64url, createLocalJWKSet, generateKeyPair, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestApp, openTestEmbedded, testSettings } from '../../../apps/api/runtime-tests/in-process.ts'
import { strangeTokens } from '../../../apps/api/runtime-tests/suite/strange-tokens.ts'
import { type Api, createApi } from '../../../apps/api/runtime-tests/suite/target.ts'
import {
  alphabet,
  respellPart,
  setUnusedBits,
  signSpellable,
  tokenSpellings,
} from '../../../apps/api/runtime-tests/suite/token-spellings.ts'
import type { OpenDatabase } from '../../../apps/api/src/db/open.ts'
import type { Resources } from '../../../apps/api/src/resources.ts'
import { GatehouseError } from './errors.ts'
import { type Verifier, createVerifier } from './verify.ts'

const { issuer } = testSettings
const now = Math.floor(Date.now() / 1000)
const stranger = await generateKeyPair('ES256', { extractable: true })

let database: OpenDatabase
let resources: Resources
let api: Api
let verifier: Verifier
let serve: typeof fetch
let good: string

beforeAll(async () => {
  database = await openTestEmbedded()
  const { app, ...rest } = await createTestApp(database)
  resources = rest.resources
  serve = async (input, init) => app.request(input, init)
  api = createApi({ fetch: async (path, init) => app.request(path, init), stop: async () => undefined })
  verifier = createVerifier({ issuer, fetch: serve, now: () => now * 1000 })
  good = await sign(header(), claims())
})
afterAll(() => database.close())

type Members = Record<string, unknown>

function signer() {
  if (!resources.keyring.signer) throw new Error('the app signs')
  return resources.keyring.signer
}

const header = (changed: Members = {}): Members => ({ alg: 'ES256', typ: 'at+jwt', kid: signer().kid, ...changed })
const claims = (changed: Members = {}): Members => ({
  iss: issuer,
  aud: issuer,
  sub: '019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e42',
  sid: '019aa5f2-7d5e-7c3f-9a57-0d9c6a3b1e43',
  jti: 'one',
  iat: now,
  exp: now + 1800,
  auth_time: now,
  client_id: 'gatehouse',
  username: 'ada',
  role: 'user',
  ...changed,
})

/** JSON in which a string such as `<1e400>` stands for what no JavaScript value is written as. */
const write = (members: Members) => JSON.stringify(members).replaceAll(/"<(.*?)>"/g, '$1')

/** A token with exactly this header and payload, in a true signature of the app's key. */
async function sign(head: Members | string, body: Members | string, key = signer().key, hash = 'SHA-256'): Promise<string> {
  const text = (part: Members | string) => base64url.encode(typeof part === 'string' ? part : write(part))
  const input = `${text(head)}.${text(body)}`
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash }, key, new TextEncoder().encode(input))
  return `${input}.${base64url.encode(new Uint8Array(signature))}`
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

async function expectRefusal(token: string): Promise<void> {
  const error = await failure(verifier.verify(token))
  expect(error).toBeInstanceOf(GatehouseError)
  expect(error).toMatchObject({ code: 'invalid_token', status: 401, cause: undefined })
  const shown = inspect(error, { depth: null })
  for (const part of token.split(/[^\w-]+/)) if (part.length > 12) expect(shown).not.toContain(part.slice(0, 12))
}

test('verify() gives every claim of a token that the app issued', async () => {
  const { username, token } = await api.account()
  const real = createVerifier({ issuer, fetch: serve })
  const verified = await real.verify(token)
  expect(verified).toEqual(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()))
  expect(Object.keys(verified).toSorted()).toEqual(Object.keys(claims()).toSorted())
  expect(verified).toMatchObject({ iss: issuer, aud: issuer, username, role: 'user', client_id: 'gatehouse' })
  expect(await verifier.verify(good)).toEqual(claims()) // what every row below differs from in one thing
})

test('verify() accepts the token of a session that ended: it is not seen here', async () => {
  const { token } = await api.account()
  expect((await api.json('POST', '/logout', {}, token)).status).toBe(200)
  expect((await api.get('/users/me', token)).status).toBe(401)
  await expect(createVerifier({ issuer, fetch: serve }).verify(token)).resolves.toMatchObject({ role: 'user' })
})

test('verify() asks for the audience and the key set that it was given', async () => {
  const asked: unknown[] = []
  const fetch: typeof serve = (input) => {
    asked.push(input)
    return serve(`${issuer}/.well-known/jwks.json`)
  }
  const audience = 'https://files.example.com'
  const other = createVerifier({ issuer, audience, jwksUrl: 'https://keys.example.com/set', fetch, now: () => now * 1000 })
  await expect(other.verify(await sign(header(), claims({ aud: audience })))).resolves.toMatchObject({ aud: audience })
  await expect(other.verify(good)).rejects.toMatchObject({ code: 'invalid_token' })
  expect(asked).toEqual(['https://keys.example.com/set'])
})

const otherTypes = [undefined, null, 7, true, ['user'], { user: 1 }]
const notInstants = [undefined, null, 'soon', `${now}`, '', true, [now], {}, 'NaN', '<1e400>', '<-1e400>', 2 ** 53, now + 0.5]
const rows = (names: string[], values: unknown[]) =>
  names.flatMap((name) => values.map((value): [string, Members] => [`${name} is ${JSON.stringify(value)}`, { [name]: value }]))

describe('verify() refuses a token of the app’s own key when', () => {
  test.each<[string, Members]>([
    ['it expires now', { exp: now }],
    ['it expired a second ago', { exp: now - 1 }],
    ['iat is 6 s ahead', { iat: now + 6 }],
    ['nbf is a second ahead', { nbf: now + 1 }],
    ['iss is another', { iss: 'https://accounts.example.org' }],
    ['iss has a slash more', { iss: `${issuer}/` }],
    ['iss is in another case', { iss: issuer.toUpperCase() }],
    ['iss is a list', { iss: [issuer] }],
    ['aud is another', { aud: 'https://other.example.com' }],
    ['aud is a list', { aud: [issuer] }],
    ['aud is an empty list', { aud: [] }],
    ...rows(['iss', 'aud', 'sub', 'sid', 'jti', 'client_id', 'username', 'role'], otherTypes),
    ...rows(['role'], ['root', 'User', 'user ', '', '__proto__']),
    ...rows(['exp', 'iat', 'auth_time'], notInstants),
    ...rows(['nbf'], notInstants.slice(1)),
  ])('%s', async (_name, changed) => {
    await expectRefusal(await sign(header(), claims(changed)))
  })

  test.each<[string, Members]>([
    ...rows(['typ'], ['JWT', 'jwt', 'application/at+jwt', 'AT+JWT', 'at+jwt ', '', undefined, null, 7, ['at+jwt']]),
    ...rows(['alg'], ['none', 'None', 'HS256', 'ES384', 'es256', 'RS256', 'EdDSA', '', undefined, null, 7, ['ES256']]),
    ...rows(['kid'], ['key-9', '', '__proto__', 'constructor', 'size', '../../dev/null', undefined, null, 1, ['key-1'], {}]),
    ['the header has a jku', { jku: 'https://attacker.example/jwks.json' }],
    ['the header has an x5u', { x5u: 'https://attacker.example/cert.pem' }],
    ['the header has an x5c', { x5c: ['MIIB'] }],
    ['the header has a jwk', { jwk: { kty: 'EC', crv: 'P-256' } }],
    ['the header has a crit', { crit: ['exp'] }],
    ['the header has an empty crit', { crit: [] }],
    ['the header has b64', { b64: true, crit: ['b64'] }],
    ['the header has zip', { zip: 'DEF' }],
    ['the header has enc', { enc: 'A256GCM' }],
    ['the header has what nobody knows', { other: 1 }],
  ])('%s', async (_name, changed) => {
    await expectRefusal(await sign(header(changed), claims()))
  })

  test.each<[string, () => [head: Members | string, body: Members | string]]>([
    ['the header ends in another alg', () => [write(header()).replace(/\}$/, ',"alg":"none"}'), claims()]],
    ['the header has a prototype', () => [write(header()).replace(/\}$/, ',"__proto__":{}}'), claims()]],
    ['all of the header is in a prototype', () => [`{"__proto__":${write(header())}}`, claims()]],
    ['the header is a list', () => ['[]', claims()]],
    ['the header is null', () => ['null', claims()]],
    ['the header is a string', () => ['"ES256"', claims()]],
    ['the header is empty', () => ['', claims()]],
    ['the header breaks off', () => [write(header()).slice(0, -1), claims()]],
    ['the header begins with a byte order mark', () => [`\uFEFF${write(header())}`, claims()]],
    ['the payload is a list', () => [header(), '[]']],
    ['the payload is null', () => [header(), 'null']],
    ['the payload is empty', () => [header(), '']],
    ['the payload breaks off', () => [header(), write(claims()).slice(0, -1)]],
    ['the claims are in a prototype', () => [header(), `{"__proto__":${write(claims())}}`]],
    ['the payload ends in a past exp', () => [header(), write(claims()).replace(/\}$/, `,"exp":${now - 1}}`)]],
  ])('%s', async (_name, make) => {
    await expectRefusal(await sign(...make()))
  })

  test('its payload is no UTF-8', async () => {
    const body = Buffer.from(write(claims({ username: '\u00FF' })), 'latin1')
    const input = `${base64url.encode(write(header()))}.${base64url.encode(body)}`
    const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, signer().key, new TextEncoder().encode(input))
    await expectRefusal(`${input}.${base64url.encode(new Uint8Array(signature))}`)
  })
})

describe('verify() accepts a token of the app’s own key when', () => {
  test.each<[string, Members]>([
    ['iat is 5 s ahead', { iat: now + 5 }],
    ['it expires a second later', { exp: now + 1 }],
    ['its name is in another script', { username: 'आदा 🚢\u0000' }],
    ['it is an administrator’s', { role: 'admin' }],
  ])('%s', async (_name, changed) => {
    expect(await verifier.verify(await sign(header(), claims(changed)))).toEqual(claims(changed))
  })

  test.each<[string, Members]>([
    ['nbf is now', { nbf: now }],
    ['it has claims that nobody knows', { other: 1 }],
  ])('%s, and leaves that out', async (_name, changed) => {
    expect(await verifier.verify(await sign(header(), claims(changed)))).toEqual(claims())
  })
})

describe('verify() refuses any other spelling of a valid token:', () => {
  test.each(tokenSpellings)('%s', async (_name, spell) => {
    const token = await signSpellable((filler) => sign(header(), claims(filler)))
    await expect(verifier.verify(token)).resolves.toEqual(claims())
    expect(spell(token)).not.toBe(token)
    await expectRefusal(spell(token))
  })

  test('the trailing bits of the header', async () => {
    const token = await sign(`${write(header())} `, claims())
    expect((token.split('.')[0] ?? '').length % 4).not.toBe(0)
    await expect(verifier.verify(token)).resolves.toEqual(claims())
    await expectRefusal(respellPart(token, 0, setUnusedBits))
  })

  test.each(strangeTokens)('%s', async (_name, make) => {
    const { body } = await api.login((await api.account()).username)
    const refresh = String(body['refresh_token'])
    const own = { access: refresh, refresh: good } // what is done to refresh tokens there is done to access tokens here
    const token = await make(own, { access: 'other', refresh: `a.b.${'A'.repeat(86)}` })
    if (token !== good) await expectRefusal(token)
  })

  test.each([undefined, null, 7, {}, [], ['a', 'b', 'c']])('%j', async (value) => {
    const error = await failure(verifier.verify(value as string))
    expect(error).toMatchObject({ code: 'invalid_token', status: 401 })
  })
})

describe('verify() refuses a forgery:', () => {
  test.each<[string, () => Promise<string>]>([
    ['the signature of another key', () => sign(header(), claims(), stranger.privateKey)],
    ['a hash of another length', () => sign(header(), claims(), signer().key, 'SHA-384')],
    ['alg none without signature', async () => respellPart(await sign(header({ alg: 'none' }), claims()), 2, () => '')],
    ['another payload', async () => respellPart(good, 1, () => base64url.encode(write(claims({ role: 'admin' }))))],
    ['a signature in DER', async () => respellPart(good, 2, () => base64url.encode(Uint8Array.of(0x30, 6, 2, 1, 1, 2, 1, 1)))],
    ['a JWE', async () => `${base64url.encode('{"alg":"dir","enc":"A256GCM"}')}..eA.eA.eA`],
  ])('%s', async (_name, forge) => {
    await expectRefusal(await forge())
  })
})

test.each<[number, boolean]>([
  [8192, true],
  [8194, false],
])('verify() of a valid token of %d characters: accepted %j', async (length, accepted) => {
  const bare = await sign(header(), claims({ username: '' }))
  const payload = (bare.split('.')[1] ?? '').length + length - bare.length
  const missing = Math.floor((payload * 3) / 4) - write(claims({ username: '' })).length
  const token = await sign(header(), claims({ username: 'x'.repeat(missing) }))
  expect(token.length).toBe(length)
  if (accepted) await expect(verifier.verify(token)).resolves.toMatchObject({ sub: claims()['sub'] })
  else await expectRefusal(token)
})

describe('verifyRequest()', () => {
  const request = (authorization?: string) =>
    new Request(issuer, { headers: authorization === undefined ? {} : { Authorization: authorization } })

  test.each(['Bearer ', 'bearer ', 'BEARER   '])('takes the token behind %j', async (scheme) => {
    expect(await verifier.verifyRequest(request(scheme + good))).toEqual(claims())
  })

  test.each([undefined, '', 'Bearer', 'Bearer ', 'Basic YWRhOmFkYQ==', 'Token abc', 'bearerabc'])(
    'has none in %j',
    async (value) => {
      await expect(verifier.verifyRequest(request(value))).rejects.toMatchObject({ code: 'not_authenticated', status: 401 })
    },
  )

  test('takes requests of node:http, whatever headers they have', async () => {
    const headers = { authorization: `Bearer ${good}`, get: 'x' }
    expect(await verifier.verifyRequest({ headers })).toEqual(claims())
    await expect(verifier.verifyRequest({ headers: {} })).rejects.toMatchObject({ code: 'not_authenticated' })
  })

  test.each([() => `Bearer ${good}, Bearer ${good}`, () => `Bearer ${good} x`, () => 'Bearer x'])('refuses %s', async (write) => {
    await expect(verifier.verifyRequest(request(write()))).rejects.toMatchObject({ code: 'invalid_token', status: 401 })
  })
})

/** Numbers below `bound`, the same in every run (mulberry32). */
function createDice(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

test('verify() accepts nothing that jose refuses, of a thousand tokens changed at random', async () => {
  const dice = createDice(20_261_123)
  const pick = <T>(from: readonly T[]) => from[dice(from.length)] as T
  const times = [now, now - 1, now + 1, now + 5, now + 6, now + 0.5, `${now}`, '<1e400>', 0, -1, null, now + 9999]
  const texts = [issuer, `${issuer}/`, [issuer], '', 'ada', null, 7, undefined]
  const heads: Members[] = [
    {},
    {},
    {},
    { kid: 'other' },
    { typ: 'JWT' },
    { typ: 'AT+JWT' },
    { alg: 'none' },
    { crit: ['exp'] },
    { b64: false },
  ]
  const edits: ((token: string) => string)[] = [
    (token) => respellPart(token, dice(3), setUnusedBits),
    (token) => `${token}${pick(['=', ' ', 'A', '.', '\n'])}`,
    (token) => token.slice(0, dice(token.length)),
    (token) => token.replace(token.charAt(dice(token.length)), pick(Array.from(alphabet))),
  ]
  const keys = createLocalJWKSet(resources.keyring.jwks)
  const rules = { algorithms: ['ES256'], typ: 'at+jwt', issuer, audience: issuer, currentDate: new Date(now * 1000) }
  const requiredClaims = ['exp', 'iat', 'sub', 'sid', 'jti', 'auth_time', 'client_id', 'username', 'role']
  const verdicts = { both: 0, neither: 0, joseAlone: 0 }
  for (let i = 0; i < 1000; i += 1) {
    const changed = dice(4) === 0 ? {} : { [pick([...Object.keys(claims()), 'nbf', 'other'])]: pick([...times, ...texts]) }
    const signed = await sign(header(pick(heads)), claims(changed), dice(8) === 0 ? stranger.privateKey : signer().key)
    const token = dice(4) === 0 ? pick(edits)(signed) : signed
    const own = (await failure(verifier.verify(token))) === undefined
    const joses = (await failure(jwtVerify(token, keys, { ...rules, requiredClaims }))) === undefined
    if (own && !joses) expect.fail(`jose refuses ${token}`)
    verdicts[own ? 'both' : joses ? 'joseAlone' : 'neither'] += 1
  }
  expect(verdicts.both).toBeGreaterThan(100)
  expect(verdicts.neither).toBeGreaterThan(100)
  expect(verdicts.joseAlone).toBeGreaterThan(10)
})
