import { once } from 'node:events'
import { type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { GatehouseError, createClient, unwrap } from './index.ts'
import { problemResponse, url } from './test-app.ts'
import { type Fetch, createTransport } from './transport.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** Pauses end at once; how long they were meant to be. */
function skipPauses(): number[] {
  const pauses: number[] = []
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((callback: () => void, delay: number) => {
    pauses.push(delay)
    queueMicrotask(callback)
  }) as never)
  return pauses
}

const refused: Fetch = () => Promise.reject(new TypeError('fetch failed'))
const overloaded: Fetch = () => problemResponse(503, 'overloaded', { 'Retry-After': '1' })

describe('what is tried again', () => {
  test.each<[string, string, Fetch, number]>([
    ['GET without a network', 'GET', refused, 3],
    ['HEAD without a network', 'HEAD', refused, 3],
    ['GET, 503', 'GET', overloaded, 3],
    ['GET, 429', 'GET', () => problemResponse(429, 'too_many_requests', { 'Retry-After': '2' }), 3],
    ['GET, 502 of a proxy', 'GET', () => new Response('<html>', { status: 502 }), 3],
    [
      'GET, 429 for longer than anybody waits',
      'GET',
      () => problemResponse(429, 'too_many_requests', { 'Retry-After': '16' }),
      1,
    ],
    ['GET, 500', 'GET', () => problemResponse(500, 'internal_error'), 1],
    ['GET, 404', 'GET', () => problemResponse(404, 'not_found'), 1],
    ['GET, 200', 'GET', () => Response.json({}), 1],
    ['POST without a network', 'POST', refused, 1],
    ['POST, 503', 'POST', overloaded, 1],
    ['PATCH without a network', 'PATCH', refused, 1],
    ['DELETE without a network', 'DELETE', refused, 1],
  ])('%s', async (_, method, answer, attempts) => {
    const pauses = skipPauses()
    const fetch = vi.fn(answer)
    const send = createTransport({ fetch, timeout: 1000, retries: 2 })
    await send(url, { method }).catch((error: unknown) => expect(error).toBeInstanceOf(GatehouseError))
    expect(fetch).toHaveBeenCalledTimes(attempts)
    expect(pauses).toHaveLength(attempts - 1)
  })

  test('a while later: with jitter, and not before Retry-After', async () => {
    const pauses = skipPauses()
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    await createTransport({ fetch: overloaded, timeout: 1000, retries: 3 })(url, {})
    expect(pauses).toEqual([1150, 1300, 1600])
  })

  test('and what was answered before is let go', async () => {
    skipPauses()
    const cancel = vi.fn<() => void>()
    let tries = 0
    const fetch: Fetch = () => new Response(new ReadableStream({ cancel }), { status: tries++ < 2 ? 503 : 200 })
    await createTransport({ fetch, timeout: 1000, retries: 2 })(url, {})
    expect([tries, cancel.mock.calls.length]).toEqual([3, 2])
  })

  test.each([
    ['seconds', '3', 3],
    ['a time', 'Fri, 15 Jan 2027 08:00:05 GMT', 5],
    ['a time that is over', 'Fri, 15 Jan 2027 07:59:59 GMT', undefined],
    ['longer than a day', '99999999999', 86_400],
    ['no sense', 'soon', undefined],
  ])('Retry-After may be %s', async (_, value, seconds) => {
    const headers = { 'Retry-After': value, Date: 'Fri, 15 Jan 2027 08:00:00 GMT' }
    const client = createClient(url, { fetch: () => problemResponse(503, 'overloaded', headers), retries: 0 })
    await expect(client.signUp({ username: 'a', password: 'b' })).rejects.toMatchObject({ retryAfter: seconds })
  })

  test('a GET whose answer breaks off', async () => {
    skipPauses()
    const answers = [
      new Response(new ReadableStream({ pull: (controller) => controller.error(new TypeError('terminated')) })),
      Response.json({ id: '1', username: 'ada', role: 'user' }),
    ]
    const client = createClient(url, { fetch: () => answers.shift() ?? refused(url, {}), headers: { Authorization: 'Bearer x' } })
    expect(await client.me()).toMatchObject({ username: 'ada' })
  })

  test('nothing, once a used refresh token may soon be no good', async () => {
    const pauses = skipPauses()
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => now)
    const fetch = vi.fn<Fetch>(() => {
      now += 8000
      return Promise.reject(new DOMException('slow', 'TimeoutError'))
    })
    await expect(createTransport({ fetch, timeout: 8000, retries: 9 })(url, {})).rejects.toMatchObject({ code: 'timed_out' })
    expect([fetch.mock.calls.length, pauses.length]).toEqual([2, 1])
  })
})

describe('a signal', () => {
  const never: Fetch = (_, { signal }) =>
    new Promise((_resolve, reject) => {
      const end = () => reject(signal?.reason as Error)
      if (signal?.aborted) end()
      signal?.addEventListener('abort', end)
    })

  test.each([
    ['of the caller', (controller: AbortController) => controller.abort(), 'aborted'],
    ['of the caller, with a reason', (controller: AbortController) => controller.abort(new Error('enough')), 'aborted'],
    ['of the caller, with anything', (controller: AbortController) => controller.abort('enough'), 'aborted'],
    [
      'of AbortSignal.timeout()',
      (controller: AbortController) => controller.abort(new DOMException('', 'TimeoutError')),
      'timed_out',
    ],
  ])('%s ends a call', async (_, end, code) => {
    const controller = new AbortController()
    const call = createClient(url, { fetch: never }).signUp({ username: 'a', password: 'b' }, { signal: controller.signal })
    end(controller)
    await expect(call).rejects.toMatchObject({ name: 'GatehouseError', code, status: 0 })
  })

  const deaf: [string, Fetch][] = [
    ['a fetch that never ends', () => new Promise(() => undefined)],
    ['an answer that never ends', () => Object.assign(Response.json({}), { text: () => new Promise<string>(() => undefined) })],
  ]
  test.each(deaf)('%s, and heeds no signal, ends by the timeout and by the caller’s', async (_, fetch) => {
    const user = { username: 'a', password: 'b' }
    const timed = { name: 'GatehouseError', code: 'timed_out' }
    const impatient = createClient(url, { fetch, timeout: 20, headers: { Authorization: 'Bearer x' }, retries: 0 })
    const me = () => unwrap(impatient.api.users.me.$get())
    for (const call of [() => impatient.signIn(user), () => impatient.signUp(user), () => impatient.me(), me]) {
      await expect(call()).rejects.toMatchObject(timed)
    }
    const signal = () => ({ signal: AbortSignal.timeout(20) })
    const patient = createClient(url, { fetch, timeout: Infinity, headers: { Authorization: 'Bearer x' }, retries: 0 })
    await expect(patient.signIn(user, signal())).rejects.toMatchObject(timed)
    await expect(patient.me(signal())).rejects.toMatchObject(timed)
  })

  test('that nobody else holds ends the reading of a raw answer, however often garbage is collected', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const server = createServer((_, response) => response.writeHead(200).write('{')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const collecting = setInterval(collect, 20)
    try {
      const client = createClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { timeout: Infinity })
      const call = unwrap(client.api.health.live.$get({}, { init: { signal: AbortSignal.timeout(300) } }))
      await expect(call).rejects.toMatchObject({ code: 'timed_out' })
    } finally {
      clearInterval(collecting)
      server.closeAllConnections()
      server.close()
    }
  })

  test('ends the waiting for headers, too', async () => {
    const client = createClient(url, { fetch: () => Response.json({}), headers: () => new Promise(() => undefined) })
    const user = { username: 'a', password: 'b' }
    await expect(client.signIn(user, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ code: 'timed_out' })
    await expect(client.signUp(user, { signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ code: 'timed_out' })
  })

  test.each([1000 / 3, 2 ** 31, 2 ** 32, 1e12, Infinity, NaN])(
    'that a timeout of %d makes is one that can be made',
    async (timeout) => {
      const fetch: Fetch = () => Response.json({ message: 'done' })
      expect(await createClient(url, { fetch, timeout }).signUp({ username: 'a', password: 'b' })).toEqual({ message: 'done' })
    },
  )

  test.each([0.5, 0, -1])('that a timeout of %d makes ends the call', async (timeout) => {
    const send = createTransport({ fetch: () => new Promise(() => undefined), timeout, retries: 0 })
    await expect(send(url, {})).rejects.toMatchObject({ code: 'timed_out' })
  })

  test('that was ended before sends nothing', async () => {
    const fetch = vi.fn<Fetch>((_, { signal }) => {
      signal?.throwIfAborted()
      return Response.json({})
    })
    const call = createClient(url, { fetch }).signIn({ username: 'a', password: 'b' }, { signal: AbortSignal.abort() })
    await expect(call).rejects.toMatchObject({ code: 'aborted' })
    expect(fetch).not.toHaveBeenCalled()
  })

  test('ends a pause between two attempts', async () => {
    const controller = new AbortController()
    const fetch = vi.fn<Fetch>(() => {
      queueMicrotask(() => controller.abort())
      return problemResponse(503, 'overloaded', { 'Retry-After': '10' })
    })
    const call = createTransport({ fetch, timeout: 1000, retries: 2 })(url, { signal: controller.signal })
    await expect(call).rejects.toMatchObject({ code: 'aborted' })
    expect(fetch).toHaveBeenCalledTimes(1)
  })

  test.each([new Error('enough'), 'enough', undefined])('ends the reading of an answer, with the reason %s', async (reason) => {
    const controller = new AbortController()
    const fetch: Fetch = (_, { signal }) => {
      const body = new ReadableStream({
        start: (stream) => signal?.addEventListener('abort', () => stream.error(signal.reason)),
      })
      queueMicrotask(() => queueMicrotask(() => controller.abort(reason)))
      return new Response(body)
    }
    const call = createClient(url, { fetch }).signUp({ username: 'a', password: 'b' }, { signal: controller.signal })
    await expect(call).rejects.toMatchObject({ code: 'aborted' })
  })

  test('is all that ends a call without a timeout', async () => {
    const client = createClient(url, { fetch: () => Response.json({ status: 'ok' }), timeout: Infinity })
    expect(await unwrap(client.api.health.live.$get())).toEqual({ status: 'ok' })
  })

  test('of the timeout ends a call', async () => {
    const client = createClient(url, { fetch: never, timeout: 10, retries: 0 })
    await expect(unwrap(client.api.health.live.$get())).rejects.toMatchObject({ code: 'timed_out', status: 0 })
  })
})

describe('a server of another kind', () => {
  async function withServer<T>(answer: Parameters<typeof createServer>[1], use: (base: string) => Promise<T>): Promise<T> {
    const server = createServer(answer)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  }
  const credentials = { username: 'ada', password: 'a quiet harbour at dawn' }

  test('that redirects gets no password', async () => {
    const received: string[] = []
    const call = withServer(
      (request, response) => {
        received.push(request.url ?? '')
        response.writeHead(307, { Location: '/elsewhere', 'X-Request-Id': 'a-proxy' }).end()
      },
      (base) => createClient(base).signIn(credentials),
    )
    await expect(call).rejects.toMatchObject({ code: 'unexpected_response', status: 307, requestId: 'a-proxy' })
    expect(received).toEqual(['/login'])
  })

  test.each([
    [
      'breaks off',
      (response: ServerResponse) => response.writeHead(200, { 'Content-Length': '99' }).write('{'),
      60_000,
      'network_error',
    ],
    ['falls silent', (response: ServerResponse) => response.writeHead(200).write('{'), 200, 'timed_out'],
  ])('that %s in the middle of an answer', async (name, begin, timeout, code) => {
    const call = withServer(
      (_, response) => {
        begin(response)
        if (name === 'breaks off') setImmediate(() => response.destroy())
      },
      (base) => createClient(base, { timeout }).signIn(credentials),
    )
    await expect(call).rejects.toMatchObject({ name: 'GatehouseError', code })
  })

  test('that isn’t there', async () => {
    const base = await withServer(undefined, (gone) => Promise.resolve(gone))
    const call = createClient(base).signIn(credentials)
    await expect(call).rejects.toMatchObject({ code: 'network_error', status: 0, cause: expect.any(TypeError) })
  })
})
