import { once } from 'node:events'
import { type RequestListener, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT, exportJWK, generateKeyPair } from 'jose'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createVerifier } from './verify.ts'

const issuer = 'https://accounts.example.com'
const begun = 1_800_000_000_000
const minute = 60_000
const day = 86_400_000

async function createKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }
}
type Key = Awaited<ReturnType<typeof createKey>>
const [first, second] = [await createKey('first'), await createKey('second')]

/** A token that lives for two days from `begun`. */
function sign({ kid, privateKey }: Pick<Key, 'kid' | 'privateKey'>): Promise<string> {
  const seconds = begun / 1000
  return new SignJWT({ sid: 'a', username: 'ada', role: 'user', client_id: 'gatehouse', auth_time: seconds })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
    .setIssuer(issuer)
    .setAudience(issuer)
    .setSubject('ada')
    .setJti('one')
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + 172_800)
    .sign(privateKey)
}
const [ofFirst, ofSecond] = [await sign(first), await sign(second)]
const ofUnknown = (kid: string) => sign({ kid, privateKey: first.privateKey })

const jwks = (...keys: unknown[]) => Response.json({ keys })
const never = () => new Promise<Response>(() => undefined)
const unreachable = () => Promise.reject(new TypeError('fetch failed'))

/** A verifier, the time that it sees, and the server that it asks. */
function setUp(answer: () => Response | Promise<Response> = () => jwks(first.jwk), timeout = 5000) {
  const world = { answer, time: begun, asked: [] as [unknown, RequestInit | undefined][] }
  const fetch = async (input: unknown, init?: RequestInit) => {
    world.asked.push([input, init])
    return world.answer()
  }
  const { verify } = createVerifier({ issuer, fetch, now: () => world.time, timeout })
  /** What comes of a token: its subject, or a code. */
  const outcome = (token: string, signal?: AbortSignal): Promise<string> =>
    verify(token, { signal }).then(
      ({ sub }) => sub,
      ({ code }: { code: string }) => code,
    )
  return { world, verify, outcome }
}

/** Until what goes on in the background has ended. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('the keys are fetched', () => {
  test('with the first token, once for a hundred that come together', async () => {
    const { world, outcome } = setUp()
    expect(world.asked).toEqual([])
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => outcome(ofFirst)))
    expect(new Set(outcomes)).toEqual(new Set(['ada']))
    expect(world.asked).toEqual([[`${issuer}/.well-known/jwks.json`, expect.objectContaining({ redirect: 'manual' })]])
    world.time += 4 * minute - 1
    expect(await outcome(ofFirst)).toBe('ada')
    expect(world.asked.length).toBe(1)
  })

  test('not for what is no token', async () => {
    const { world, outcome } = setUp()
    expect(await outcome('nonsense')).toBe('invalid_token')
    expect(await outcome(ofFirst.slice(0, -2))).toBe('invalid_token')
    expect(await outcome(ofFirst.replace(/^[^.]*/, btoa('{"alg":"none","typ":"at+jwt","kid":"first"}')))).toBe('invalid_token')
    expect(world.asked).toEqual([])
  })

  test('again after four minutes, while the old ones serve', async () => {
    const { world, outcome } = setUp()
    await outcome(ofFirst)
    Object.assign(world, { time: begun + 4 * minute, answer: never })
    expect(await Promise.all([outcome(ofFirst), outcome(ofFirst)])).toEqual(['ada', 'ada'])
    expect(world.asked.length).toBe(2)
  })

  test('before a token is accepted, once they are five minutes old: a retired key ends then', async () => {
    const { world, outcome } = setUp(() => jwks(first.jwk, second.jwk))
    expect(await outcome(ofFirst)).toBe('ada')
    Object.assign(world, { time: begun + 5 * minute, answer: () => jwks(second.jwk) })
    expect(await outcome(ofFirst)).toBe('invalid_token')
    expect(await outcome(ofSecond)).toBe('ada')
  })

  test('by an age that counts from the request, not from its answer', async () => {
    const { promise, resolve } = Promise.withResolvers<Response>()
    const { world, outcome } = setUp(() => promise)
    const waiting = outcome(ofFirst)
    world.time += 4000
    resolve(jwks(first.jwk))
    expect(await waiting).toBe('ada')
    Object.assign(world, { time: begun + 4 * minute, answer: () => jwks(second.jwk) })
    await outcome(ofFirst)
    expect(world.asked.length).toBe(2)
  })

  test('when the clock was set back', async () => {
    const { world, outcome } = setUp()
    expect(await outcome(ofFirst)).toBe('ada')
    Object.assign(world, { time: begun - 5 * minute, answer: () => jwks(second.jwk) })
    await outcome(ofFirst)
    expect(world.asked.length).toBe(2)
  })
})

describe('while the server can’t be reached', () => {
  test('a token waits for the first keys, and is told to come again: five seconds pass between requests', async () => {
    const { world, verify, outcome } = setUp(unreachable)
    await expect(verify(ofFirst)).rejects.toMatchObject({
      code: 'keys_unavailable',
      status: 503,
      cause: new TypeError('fetch failed'),
    })
    world.time += 4999
    expect(await outcome(ofFirst)).toBe('keys_unavailable')
    expect(world.asked.length).toBe(1)
    Object.assign(world, { time: begun + 5000, answer: () => jwks(first.jwk) })
    expect(await outcome(ofFirst)).toBe('ada')
  })

  test('the last keys serve for a day', async () => {
    const { world, outcome } = setUp()
    await outcome(ofFirst)
    world.answer = unreachable
    for (const time of [5 * minute, 10 * minute, day / 2, day - 1]) {
      world.time = begun + time
      expect(await outcome(ofFirst)).toBe('ada')
    }
    world.time = begun + day
    expect(await outcome(ofFirst)).toBe('keys_unavailable')
    Object.assign(world, { time: begun + day + 5000, answer: () => jwks(first.jwk) })
    expect(await outcome(ofFirst)).toBe('ada')
  })

  test('the first token after five minutes waits, and none after it', async () => {
    const { world, outcome } = setUp()
    await outcome(ofFirst)
    Object.assign(world, { time: begun + 5 * minute, answer: unreachable })
    await outcome(ofFirst)
    Object.assign(world, { time: begun + 5 * minute + 5000, answer: never })
    expect(await outcome(ofFirst)).toBe('ada')
    expect(world.asked.length).toBe(3)
    expect(await outcome(ofFirst)).toBe('ada')
    expect(world.asked.length).toBe(3)
  })

  test('it is asked once in five seconds, and its return is noticed', async () => {
    const { world, outcome } = setUp()
    await outcome(ofFirst)
    Object.assign(world, { time: begun + 5 * minute, answer: unreachable })
    for (let second = 0; second < 60; second += 1, world.time += 1000) {
      expect(await outcome(ofFirst)).toBe('ada')
      await settled()
    }
    expect(world.asked.length).toBe(1 + 12)
    world.answer = () => jwks(second.jwk)
    expect(await outcome(ofFirst)).toBe('ada')
    await expect.poll(() => outcome(ofFirst)).toBe('invalid_token')
    expect(await outcome(ofSecond)).toBe('ada')
  })

  test('after five idle minutes a token waits again: nothing is known of the keys since', async () => {
    const { world, outcome } = setUp()
    await outcome(ofFirst)
    Object.assign(world, { time: begun + 5 * minute, answer: unreachable })
    await outcome(ofFirst)
    Object.assign(world, { time: begun + 10 * minute, answer: () => jwks(second.jwk) })
    expect(await outcome(ofFirst)).toBe('invalid_token')
  })
})

describe('a kid that is not known', () => {
  test('is looked for at once: a key that was published a moment ago verifies', async () => {
    const { world, outcome } = setUp()
    await outcome(ofFirst)
    Object.assign(world, { time: begun + 5000, answer: () => jwks(first.jwk, second.jwk) })
    expect(await Promise.all([outcome(ofSecond), outcome(ofSecond), outcome(ofFirst)])).toEqual(['ada', 'ada', 'ada'])
    expect(world.asked.length).toBe(2)
  })

  test('is looked for once in five seconds, whatever is sent', async () => {
    const { world, outcome } = setUp()
    for (let second = 0; second < 30; second += 1, world.time += 1000) {
      const unknown = await Promise.all(Array.from({ length: 20 }, (_, i) => ofUnknown(`random-${second}-${i}`)))
      expect(new Set(await Promise.all(unknown.map((token) => outcome(token))))).toEqual(new Set(['invalid_token']))
      expect(await outcome(ofFirst)).toBe('ada')
    }
    expect(world.asked.length).toBe(6)
  })

  test('harms no other token when it can’t be looked for', async () => {
    const { world, outcome } = setUp()
    await outcome(ofFirst)
    for (const answer of [never, unreachable, () => jwks()]) {
      Object.assign(world, { time: world.time + 5000, answer })
      void outcome(ofSecond)
      expect(await outcome(ofFirst)).toBe('ada')
    }
  })

  test('is no fault of the token while the server can’t say', async () => {
    const { world, outcome } = setUp()
    await outcome(ofFirst)
    Object.assign(world, { time: begun + 5000, answer: unreachable })
    expect(await outcome(ofSecond)).toBe('keys_unavailable')
    expect(await outcome(ofSecond)).toBe('keys_unavailable')
    Object.assign(world, { time: begun + 10_000, answer: () => jwks(first.jwk) })
    expect(await outcome(ofSecond)).toBe('invalid_token')
  })
})

/** None of these is a key set with a key for ES256. */
const badAnswers: [string, () => Response][] = [
  ['a page', () => new Response('<!doctype html><title>Sign in</title>', { headers: { 'Content-Type': 'text/html' } })],
  ['nothing', () => new Response(null)],
  ['an empty body', () => new Response('')],
  ['no content', () => new Response(null, { status: 204 })],
  ['500 with the keys', () => Response.json({ keys: [second.jwk] }, { status: 500 })],
  ['404 with the keys', () => Response.json({ keys: [second.jwk] }, { status: 404 })],
  ['201 with the keys', () => Response.json({ keys: [second.jwk] }, { status: 201 })],
  ['a redirect', () => Response.redirect('https://attacker.example/jwks.json')],
  ['null', () => Response.json(null)],
  ['a list', () => Response.json([second.jwk])],
  ['a key alone', () => Response.json(second.jwk)],
  ['keys that are an object', () => Response.json({ keys: { 0: second.jwk } })],
  ['keys that are a string', () => Response.json({ keys: 'second' })],
  ['no keys', () => jwks()],
  ['strange members', () => jwks(null, 7, 'key', [], [second.jwk], {})],
  ['half of it', () => new Response(JSON.stringify({ keys: [second.jwk] }).slice(0, -9))],
  ['much white space', () => new Response(JSON.stringify({ keys: [second.jwk] }) + ' '.repeat(65_536))],
]

/** Each differs from a good key in one thing. */
const badKeys: [string, object][] = [
  ['another kty', { kty: 'RSA' }],
  ['a symmetric kty', { kty: 'oct', k: 'AAAA' }],
  ['kty in another case', { kty: 'ec' }],
  ['no kty', { kty: undefined }],
  ['another crv', { crv: 'P-384' }],
  ['another curve', await exportJWK((await generateKeyPair('ES384', { extractable: true })).publicKey)],
  ['crv of another kind', { crv: 'secp256k1' }],
  ['another alg', { alg: 'ES384' }],
  ['no alg', { alg: undefined }],
  ['another use', { use: 'enc' }],
  ['no use', { use: undefined }],
  ['no kid', { kid: undefined }],
  ['a kid that is a number', { kid: 1 }],
  ['a kid that is a list', { kid: ['second'] }],
  ['no x', { x: undefined }],
  ['an x that is a list', { x: [second.jwk.x] }],
  ['a short y', { y: 'AAAA' }],
  ['no point of the curve', { y: second.jwk.x }],
]

describe.each([...badAnswers, ...badKeys.map(([name, changed]) => [name, () => jwks({ ...second.jwk, ...changed })] as const)])(
  'an answer with %s',
  (_name, answer) => {
    test('gives no keys', async () => {
      expect(await setUp(answer).outcome(ofSecond)).toBe('keys_unavailable')
    })

    test('does not replace good ones', async () => {
      const { world, outcome } = setUp()
      await outcome(ofFirst)
      Object.assign(world, { time: begun + 5 * minute, answer })
      expect(await outcome(ofFirst)).toBe('ada')
      expect(await outcome(ofSecond)).toBe('keys_unavailable')
    })
  },
)

test.each(badKeys)('a key with %s is left out and takes no other with it', async (_name, changed) => {
  const { outcome } = setUp(() => jwks(null, { ...second.jwk, ...changed }, first.jwk))
  expect(await outcome(ofFirst)).toBe('ada')
  expect(await outcome(ofSecond)).toBe('invalid_token')
})

test('of a key only the public members are imported', async () => {
  const { d } = await exportJWK(first.privateKey)
  const { outcome } = setUp(() => jwks({ ...first.jwk, d, key_ops: ['sign'], ext: false, x5u: 'https://attacker.example' }))
  expect(await outcome(ofFirst)).toBe('ada') // a private key can't be imported to verify
})

test.each(['__proto__', 'constructor', 'toString'])('a key may be called %s', async (kid) => {
  const { outcome } = setUp(() => new Response(`{"keys":[${JSON.stringify({ ...first.jwk, kid })}]}`))
  expect(await outcome(await ofUnknown(kid))).toBe('ada')
  expect(await outcome(ofFirst)).toBe('invalid_token')
})

describe('who waits for the keys', () => {
  test('waits for `timeout`, even where fetch heeds no signal', async () => {
    const { world, verify } = setUp(never, 20)
    await expect(verify(ofFirst)).rejects.toMatchObject({ code: 'keys_unavailable', cause: { name: 'TimeoutError' } })
    expect(world.asked[0]?.[1]?.signal?.aborted).toBe(true)
  })

  test('leaves by a signal, and the others stay', async () => {
    const { promise, resolve } = Promise.withResolvers<Response>()
    const { world, outcome } = setUp(() => promise)
    const controller = new AbortController()
    const outcomes = [
      outcome(ofFirst, controller.signal),
      outcome(ofFirst, AbortSignal.timeout(1)),
      outcome(ofFirst, AbortSignal.abort()),
      outcome(ofFirst),
    ]
    controller.abort()
    expect(await Promise.all(outcomes.slice(0, 3))).toEqual(['aborted', 'timed_out', 'aborted'])
    resolve(jwks(first.jwk))
    expect(await outcomes[3]).toBe('ada')
    expect(world.asked.length).toBe(1)
  })
})

describe('in a worker', () => {
  afterEach(() => vi.unstubAllGlobals())

  test('nobody waits for another’s request, nor leaves one behind', async () => {
    vi.stubGlobal('WebSocketPair', () => undefined)
    const answers = [never, () => jwks(first.jwk), () => jwks(second.jwk)]
    const { world, outcome } = setUp(() => (answers.shift() ?? unreachable)())
    void outcome(ofFirst) // whose worker was ended meanwhile
    expect(await outcome(ofFirst)).toBe('ada')
    world.time += 4 * minute
    expect(await outcome(ofFirst)).toBe('invalid_token')
    expect(await outcome(ofSecond)).toBe('ada')
    expect(world.asked.length).toBe(3)
  })

  test('after an idle hour all wait for today’s keys: new ones are known, and retired ones refused', async () => {
    vi.stubGlobal('WebSocketPair', () => undefined)
    const { world, outcome } = setUp()
    expect(await outcome(ofFirst)).toBe('ada')
    world.time += 60 * minute
    world.answer = () => jwks(second.jwk)
    const outcomes = await Promise.all([ofSecond, ofFirst, ofSecond, ofFirst].map((token) => outcome(token)))
    expect(outcomes).toEqual(['ada', 'invalid_token', 'ada', 'invalid_token'])
  })

  test('tokens that name unknown keys make one request, however many come while it is under way', async () => {
    vi.stubGlobal('WebSocketPair', () => undefined)
    const { world, outcome } = setUp()
    expect(await outcome(ofFirst)).toBe('ada')
    world.time += 10_000
    const { promise, resolve } = Promise.withResolvers<Response>()
    world.answer = () => promise
    const floods = Array.from({ length: 200 }, async (_, index) => outcome(await ofUnknown(`unknown-${index}`)))
    const honest = outcome(ofFirst)
    expect(await honest).toBe('ada')
    resolve(jwks(first.jwk))
    expect(new Set(await Promise.all(floods))).toEqual(new Set(['invalid_token']))
    expect(world.asked.length).toBe(2)
  })
})

test.each([0.5, 2 ** 31, Infinity])('a timeout of %d is one that can be made', async (timeout) => {
  const { outcome } = setUp(timeout < 1 ? never : undefined, timeout)
  expect(await outcome(ofFirst)).toBe(timeout < 1 ? 'keys_unavailable' : 'ada')
})

describe('over a real connection', () => {
  const attackers: RequestListener = (_request, response) => response.end(JSON.stringify({ keys: [second.jwk] }))

  async function listen(answer: RequestListener) {
    const server = createServer(answer).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
  }

  test.each<[string, RequestListener]>([
    [
      'a redirect',
      (request, response) =>
        request.url === '/other' ? attackers(request, response) : response.writeHead(302, { Location: '/other' }).end(),
    ],
    ['no answer', () => undefined],
    ['an answer that stops', (_request, response) => response.writeHead(200).write('{"keys":[')],
    [
      'an answer without end',
      (_request, response) => {
        const more = () => void response.write(' '.repeat(16_384), (error) => error ?? more())
        more()
      },
    ],
    ['a closed connection', (request) => request.socket.destroy()],
  ])('%s is no key set', async (_name, answer) => {
    const { url, server } = await listen(answer)
    const { verify } = createVerifier({ issuer, jwksUrl: `${url}/jwks.json`, now: () => begun, timeout: 200 })
    await expect(verify(ofSecond)).rejects.toMatchObject({ code: 'keys_unavailable' })
    server.closeAllConnections()
    server.close()
  })
})
