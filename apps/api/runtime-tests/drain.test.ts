import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { type SpawnedServer, repository, spawnServer, temporaryFolder } from './server.ts'
import { createApi } from './suite/target.ts'

async function open(server: SpawnedServer): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

describe.each(['node', 'bun', 'deno'] as const)('on %s', (runtime) => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s lets running requests finish, closes idle connections and exits 0',
    async (signal) => {
      const server = await spawnServer(runtime, { DATA_DIR: temporaryFolder() })
      const api = createApi({ fetch: (path, init) => fetch(server.url + path, init), stop: server.stop })
      const { username } = await api.account()
      const idle = await open(server)
      idle.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n')
      await once(idle, 'data')
      idle.resume()
      const idleClosed = once(idle, 'close')
      const running = Array.from({ length: 12 }, () => api.login(username))
      await running[0] // so that the others have arrived, and wait for their hash
      const ended = once(server.child, 'close') // with the last of its log
      const begun = performance.now()
      server.child.kill(signal)
      const statuses = await Promise.all(running.map((answer) => answer.then(({ status }) => status)))
      expect(statuses).toEqual(Array.from({ length: 12 }, () => 200))
      const [[code]] = await Promise.all([ended, idleClosed])
      expect(code).toBe(0)
      expect(performance.now() - begun).toBeLessThan(3_000)
      await expect(open(server)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
      expect(server.output()).toContain('"msg":"stopped"')
    },
  )

  test('SIGTERM exits 0 when nobody reads the log any more', async () => {
    const server = await spawnServer(runtime, { DATA_DIR: temporaryFolder() })
    server.child.stdout?.destroy()
    server.child.stderr?.destroy()
    await fetch(`${server.url}/health/live`) // a line that is yet to be written
    server.child.kill('SIGTERM')
    const [code] = await once(server.child, 'exit')
    expect(code).toBe(0)
  })

  test('a second signal exits at once', async () => {
    const server = await spawnServer(runtime, { DATA_DIR: temporaryFolder() })
    const slow = await open(server)
    slow.write(
      'POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nusername=',
    )
    await new Promise<void>((resolve) => void slow.write('a', () => resolve()))
    await fetch(`${server.url}/health/live`) // answered after the bytes above were read
    server.child.kill('SIGTERM')
    await untilLogged(server, 'draining')
    const exited = once(server.child, 'exit')
    const resend = setInterval(() => server.child.kill('SIGTERM'), 100) // the first few still count as the same signal
    const [code] = await exited
    clearInterval(resend)
    expect(code).toBe(143)
  })
})

async function untilLogged(server: SpawnedServer, text: string): Promise<void> {
  while (!server.output().includes(text)) await once(server.child.stdout ?? server.child, 'data')
}

test('npm start passes a SIGTERM on, and exits 0', async () => {
  const env = { ...process.env, PORT: '0', DATA_DIR: temporaryFolder(), DATABASE_URL: '', LOG_LEVEL: 'info' }
  const npm = spawn('npm', ['start'], { cwd: repository, env, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  npm.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  while (!output.includes('"url":"')) await once(npm.stdout, 'data')
  const url = /"url":"([^"]+)"/.exec(output)?.[1] ?? ''
  expect((await fetch(`${url}/health/ready`)).status).toBe(200)
  npm.kill('SIGTERM')
  const [code] = await once(npm, 'close')
  expect(code).toBe(0)
  expect(output).toContain('"msg":"stopped"')
})
