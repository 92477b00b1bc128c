import { createHash } from 'node:crypto'
import { type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryLog } from '../../runtime-tests/in-process.ts'
import { createBreachCheck } from './breached-passwords.ts'

const digest = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase()
const known = 'a quiet harbour at dawn'
const suffix = digest(known).slice(5)
const other = '0018A45C4D1DEF81644B54AB7F969B88D65'

/** What the service saw and, per test, does. */
const seen: { url: string | undefined; method: string | undefined; headers: Record<string, unknown> }[] = []
let answer: (response: ServerResponse) => unknown = (response) => response.end()
let service: Server
let url: string

beforeAll(async () => {
  service = createServer((request, response) => {
    seen.push({ url: request.url, method: request.method, headers: request.headers })
    answer(response)
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/range`
})
afterAll(() => {
  service.closeAllConnections()
  service.close()
})

/** Asks about `known` a service that does `doing`; how it went, and what was logged. */
async function ask(doing: typeof answer, options: { url?: string; timeout?: number } = {}) {
  answer = doing
  const log = createMemoryLog()
  const clock = () => new Date('2026-01-01T00:00:00Z')
  // With time enough for a busy machine: what takes too long is a test of its own.
  const breached = await createBreachCheck({ url, clock, log, timeout: 20_000, ...options })(known)
  return { breached, reasons: log.lines.map(({ fields }) => (fields as { reason: string }).reason), log }
}

const text = (body: string) => (response: ServerResponse) => response.end(body)

describe('createBreachCheck()', () => {
  test.each<[name: string, body: string, verdict: boolean]>([
    ['the password among others', `${other}:3\r\n${suffix}:52579\r\n`, true],
    ['it alone, without a line break', `${suffix}:1`, true],
    ['lower case', `${suffix.toLowerCase()}:1\n`, true],
    ['a count of 0: padding', `${other}:3\r\n${suffix}:0\r\n`, false],
    ['padding, and the password', `${suffix}:0\r\n${suffix}:2\r\n`, true],
    ['others only', `${other}:3\r\n`, false],
    ['nothing', '', false],
  ])('takes %s for what it is', async (_name, body, verdict) => {
    expect(await ask(text(body))).toMatchObject({ breached: verdict, reasons: [] })
  })

  test('tells five digits of the hash, and asks for padding', async () => {
    seen.length = 0
    await ask(text(`${suffix}:1`))
    expect(seen).toEqual([{ url: `/range/${digest(known).slice(0, 5)}`, method: 'GET', headers: expect.anything() }])
    expect(seen[0]?.headers).toMatchObject({ 'add-padding': 'true', 'user-agent': 'gatehouse' })
    expect(JSON.stringify(seen)).not.toMatch(new RegExp(`${suffix.slice(0, 8)}|harbour|authorization|cookie`, 'i'))
  })

  const endless = (response: ServerResponse) => {
    const line = `${other}:1\r\n`.repeat(1000)
    const push = () => {
      while (!response.destroyed && response.write(line));
    }
    response.on('drain', push)
    push()
  }

  test.each<[name: string, doing: typeof answer, reason: string]>([
    ['500', (response) => response.writeHead(500).end(), 'it answered 500'],
    ['404', (response) => response.writeHead(404).end(`${suffix}:1`), 'it answered 404'],
    ['429', (response) => response.writeHead(429, { 'Retry-After': '2' }).end(), 'it answered 429'],
    ['a redirect', (response) => response.writeHead(302, { Location: url }).end(), 'it answered 302'],
    ['a page', text(`<html>\n${suffix}:1\n</html>`), 'its answer is not a range'],
    ['hashes that are too short', text('ABCDE:1'), 'its answer is not a range'],
    ['a negative count', text(`${suffix}:-1`), 'its answer is not a range'],
    ['no end', endless, 'its answer is too long'],
    ['one long line', text('A'.repeat(600 * 1024)), 'its answer is too long'],
    ['a cut connection', (response) => response.destroy(), 'it can’t be reached'],
    [
      'half an answer',
      (response) => response.writeHead(200, { 'Content-Length': 100 }).write(other, () => response.destroy()),
      'it can’t be reached',
    ],
  ])('lets a password pass when the service answers %s, and says so', async (_name, doing, reason) => {
    seen.length = 0
    expect(await ask(doing)).toMatchObject({ breached: false, reasons: [reason] })
    expect(seen).toHaveLength(1)
  })

  test.each<[name: string, doing: typeof answer]>([
    ['answers nothing', () => undefined],
    ['stops in the middle', (response) => response.write(`${other}:1\r\n`)],
    [
      'drips',
      (response) => {
        const drip = setInterval(() => response.write(`${other}:1\r\n`), 10)
        response.on('close', () => clearInterval(drip))
      },
    ],
  ])('lets a password pass when the service %s for too long', async (_name, doing) => {
    const begun = performance.now()
    expect(await ask(doing, { timeout: 100 })).toMatchObject({ breached: false, reasons: ['it took too long'] })
    expect(performance.now() - begun).toBeLessThan(2_000)
  })

  test('lets a password pass when nobody listens', async () => {
    const nobody = createServer()
    await new Promise<void>((resolve) => nobody.listen(0, '127.0.0.1', resolve))
    const { port } = nobody.address() as AddressInfo
    await new Promise((resolve) => nobody.close(resolve))
    const { breached, reasons, log } = await ask(text(''), { url: `http://127.0.0.1:${port}/range` })
    expect({ breached, reasons }).toEqual({ breached: false, reasons: ['it can’t be reached'] })
    expect(JSON.stringify(log.lines)).not.toContain(digest(known).slice(0, 5))
  })

  test('warns once a minute, and says how many passwords went unchecked', async () => {
    answer = (response) => response.writeHead(503).end()
    const log = createMemoryLog()
    let now = new Date('2026-01-01T00:00:00Z')
    const isBreached = createBreachCheck({ url, clock: () => now, log, timeout: 20_000 })
    for (let i = 0; i < 3; i += 1) await isBreached(known)
    now = new Date('2026-01-01T00:00:59Z')
    await isBreached(known)
    now = new Date('2026-01-01T00:01:00Z')
    await isBreached(known)
    await isBreached(known)
    expect(log.lines.map(({ fields }) => fields)).toEqual([
      { reason: 'it answered 503', unchecked: 1 },
      { reason: 'it answered 503', unchecked: 4 },
    ])
  })
})
