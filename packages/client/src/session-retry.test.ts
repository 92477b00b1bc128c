import { afterEach, describe, expect, test, vi } from 'vitest'
import { createClient } from './index.ts'
import { problemResponse, url } from './test-app.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

interface Timer {
  callback: () => void
  delay: number
}

/**
 * A client that /token refuses when its token lives for so many seconds more, and the timers that it sets. No database is
 * open here, whose own would be among them.
 */
async function open(retryAfter: string, left = -1) {
  const refuse = () => problemResponse(503, 'unavailable', { 'Retry-After': retryAfter })
  const server = { refuses: true, now: 0, grants: 0, says: refuse as () => Response | Promise<Response> }
  function fetch(target: string) {
    if (server.refuses && target.endsWith('/token')) return server.says()
    server.grants += 1
    return Response.json({ token_type: 'bearer', access_token: 'a', refresh_token: 'b', expires_in: 1800 })
  }
  const client = createClient(url, { fetch, now: () => server.now, tabs: false, retries: 0 })
  await client.signIn({ username: 'ada', password: 'a quiet harbour at dawn' })
  server.now += (1800 - left) * 1000
  const timers = new Set<Timer>()
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((callback: () => void, delay: number) => {
    const timer = { callback, delay }
    timers.add(timer)
    return timer
  }) as never)
  vi.spyOn(globalThis, 'clearTimeout').mockImplementation(((timer: Timer) => timers.delete(timer)) as never)
  return { client, server, timers }
}

describe('a renewal that failed is tried again unasked while somebody looks', () => {
  test('ahead of the end, so that an answer that was lost ends no session', async () => {
    const { client, server, timers } = await open('', 55)
    client.onChange(() => undefined)
    await client.restore()
    expect(client.session).toMatchObject({ status: 'signedIn' })
    expect([...timers].map(({ delay }) => delay >= 5000 && delay <= 10_000)).toEqual([true])
    server.refuses = false
    server.now += 5000
    const [timer] = timers
    timer?.callback()
    await expect.poll(() => server.grants).toBe(2)
  })

  test.each([
    ['0', 5000],
    ['7', 7000],
    ['99999999', 86_400_000],
  ])('after Retry-After: %s', async (retryAfter, least) => {
    const { client, server, timers } = await open(retryAfter)
    client.onChange(() => undefined)
    await client.restore()
    expect(client.session).toMatchObject({ status: 'stale' })
    expect([...timers].map(({ delay }) => delay >= least && delay <= 2 * least)).toEqual([true])
    server.refuses = false
    server.now += 100_000_000_000
    const [timer] = timers
    timer?.callback()
    await expect.poll(() => client.session).toMatchObject({ status: 'signedIn' })
  })

  test('soon, though a try long ago was told to wait for hours', async () => {
    const { client, server, timers } = await open('3600')
    client.onChange(() => undefined)
    await client.restore()
    server.now += 3_700_000
    server.says = () => Promise.reject(new TypeError('fetch failed'))
    await client.restore()
    expect([...timers].map(({ delay }) => delay >= 5000 && delay <= 10_000)).toEqual([true])
  })

  test('and by who comes later, but by nobody when nobody looks', async () => {
    const { client, timers } = await open('60')
    await client.restore()
    expect(timers.size).toBe(0)
    const stop = client.onChange(() => undefined)
    expect(timers.size).toBe(1)
    stop()
    expect(timers.size).toBe(0)
    client.onChange(() => undefined)
    await client.restore()
    expect(timers.size).toBe(1)
  })
})
