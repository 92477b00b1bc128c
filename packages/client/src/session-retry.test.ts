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

/** A client that /token refuses, and the timers that it sets. No database is open here, whose own would be among them. */
async function open(retryAfter: string) {
  const server = { refuses: true, now: 0 }
  const fetch = (target: string) =>
    server.refuses && target.endsWith('/token')
      ? problemResponse(503, 'unavailable', { 'Retry-After': retryAfter })
      : Response.json({ token_type: 'bearer', access_token: 'a', refresh_token: 'b', expires_in: 1800 })
  const client = createClient(url, { fetch, now: () => server.now, tabs: false, retries: 0 })
  await client.signIn({ username: 'ada', password: 'a quiet harbour at dawn' })
  server.now += 1801_000
  const timers = new Set<Timer>()
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((callback: () => void, delay: number) => {
    const timer = { callback, delay }
    timers.add(timer)
    return timer
  }) as never)
  vi.spyOn(globalThis, 'clearTimeout').mockImplementation(((timer: Timer) => timers.delete(timer)) as never)
  return { client, server, timers }
}

describe('a stale session that somebody looks at is tried again unasked', () => {
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
