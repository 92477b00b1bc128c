import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type Socket, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Runtime, type SpawnedServer, spawnServer, temporaryFolder } from './server.ts'
import { type Api, createApi, goodPassword } from './suite/target.ts'

const runtimes: Runtime[] = ['node', 'bun', 'deno']

interface Started {
  server: SpawnedServer
  api: Api
  username: string
  token: string
}

const started = new Map<Runtime, Started>()
const running: SpawnedServer[] = []

beforeAll(async () => {
  await Promise.all(
    runtimes.map(async (runtime) => {
      const env = { DATA_DIR: temporaryFolder(), LOG_LEVEL: 'error', RATE_LIMITS: 'off' }
      const server = await spawnServer(runtime, env)
      const api = createApi({ fetch: (path, init) => fetch(server.url + path, init), stop: server.stop })
      running.push(server)
      started.set(runtime, { server, api, ...(await api.account()) })
    }),
  )
})
afterAll(() => Promise.all(running.map((server) => server.kill())))

function on(runtime: Runtime): Started {
  const found = started.get(runtime)
  if (!found) throw new Error(`no server on ${runtime}`)
  return found
}

/** Connections that this process, and so each server, may open; half are left for everything else. */
const openFiles = Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).replace('unlimited', '65536')) / 2

const form = 'Host: x\r\nContent-Type: application/x-www-form-urlencoded\r\n'

/** Connections that send this much and then nothing: how many, at most. */
const stalled: [bytes: string, count: Record<Runtime, number>][] = [
  ['', { node: 10_000, bun: 1_000, deno: 1_000 }],
  ['GET /health/live HTTP/1.1\r\nHo', { node: 200, bun: 200, deno: 200 }],
  [`POST /login HTTP/1.1\r\n${form}Content-Length: 1000\r\n\r\nusername=`, { node: 200, bun: 200, deno: 200 }],
  [`POST /login HTTP/1.1\r\n${form}Transfer-Encoding: chunked\r\n\r\n5\r\nuser`, { node: 200, bun: 200, deno: 200 }],
]

/** Milliseconds after which they are gone: 10 s, looked at every second, and the time to open and close them all. */
const patience = 25_000

test.concurrent.each(runtimes)('%s answers beside thousands of silent connections, and closes them', async (runtime) => {
  const { server, api, token } = on(runtime)
  const before = residentSize(server)
  const begun = performance.now()
  const watch = watchUser(api, token)
  const sockets: Socket[] = []
  for (const [bytes, count] of stalled) sockets.push(...(await openMany(server, Math.min(count[runtime], openFiles), bytes)))
  const growth = residentSize(server) - before
  await Promise.all(sockets.map(closed))
  const elapsed = performance.now() - begun
  const { statuses, median } = await watch.stop()
  expect(elapsed).toBeLessThan(patience)
  expect(statuses).toEqual([200])
  expect(median).toBeLessThan(250)
  expect(growth).toBeLessThan(150)
  expect((await api.get('/health/ready')).status).toBe(200)
})

describe.each(runtimes)('%s', (runtime) => {
  test('sheds a flood of 2,000 sign-ins at once, in bounded memory, and answers who is signed in', async () => {
    const { server, api, username, token } = on(runtime)
    // The first hashes make threads, each with memory of its own; on Deno they keep several hundred megabytes.
    for (let round = 0; round < 4; round += 1) await Promise.all(Array.from({ length: 12 }, () => api.login(username)))
    const before = residentSize(server, 'peak')
    const watch = watchUser(api, token)
    const body = new URLSearchParams({ username, password: goodPassword }).toString()
    const request = `POST /login HTTP/1.1\r\n${form}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const answers = await Promise.all((await openMany(server, Math.min(2_000, openFiles), request)).map(readAll))
    const { statuses, median } = await watch.stop()
    const count = (status: number) => answers.filter((answer) => answer.startsWith(`HTTP/1.1 ${status}`)).length
    // Where the machine is so busy that a request waits 10 s to be read, it is closed, with 408 or without.
    expect(answers.filter((answer) => !/^(?:HTTP\/1\.1 (?:200|503|408) |$)/.test(answer))).toEqual([])
    expect(count(503)).toBeGreaterThan(answers.length / 2)
    for (const answer of answers) if (answer.startsWith('HTTP/1.1 503')) expect(answer).toMatch(/^Retry-After: \d+\r$/im)
    expect(statuses).toEqual([200])
    expect(median).toBeLessThan(1_000)
    expect(residentSize(server, 'peak') - before).toBeLessThan(500)
    expect((await api.login(username)).status).toBe(200)
    expect(server.output()).not.toMatch(/"level":"error"/)
  })
})

/** Opens connections, a few hundred at once as a backlog holds, and sends `bytes` on each. */
async function openMany(server: SpawnedServer, count: number, bytes: string): Promise<Socket[]> {
  const port = Number(new URL(server.url).port)
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(400, count - sockets.length) }, () => connect(port, '127.0.0.1'))
    await Promise.all(batch.map((socket) => once(socket, 'connect')))
    for (const socket of batch) {
      socket.on('error', () => undefined)
      socket.on('data', (chunk: Buffer) => received.set(socket, (received.get(socket) ?? '') + chunk.toString()))
      if (bytes !== '') socket.write(bytes)
    }
    sockets.push(...batch)
  }
  return sockets
}

const received = new WeakMap<Socket, string>()

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve())) // also after an error
}

async function readAll(socket: Socket): Promise<string> {
  await closed(socket)
  return received.get(socket) ?? ''
}

/** Asks for the current user again and again; in the end, with which statuses and how fast it was answered. */
function watchUser(api: Api, token: string) {
  const statuses = new Set<number>() // 0 is no answer
  const times: number[] = []
  const stopping = new AbortController()
  const ask = () => api.get('/users/me', token)
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      const begun = performance.now()
      // The server may close a connection that was kept just when it is used again.
      statuses.add((await ask().catch(ask)).status)
      times.push(performance.now() - begun)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })().catch(() => statuses.add(0))
  return {
    async stop() {
      stopping.abort()
      await watching
      return { statuses: [...statuses], median: times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Infinity }
    },
  }
}

/** Megabytes; where the system tells the most that it ever was, that may be asked for. */
function residentSize({ pid }: SpawnedServer, which: 'now' | 'peak' = 'now'): number {
  if (process.platform !== 'linux')
    return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024
  const line = which === 'peak' ? /VmHWM:\s+(\d+)/ : /VmRSS:\s+(\d+)/
  return Number(line.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}
