import { execFile, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { end, freePort } from '../../../apps/api/runtime-tests/postgres.ts'
import {
  type Runtime,
  type SpawnedServer,
  repository,
  runtimeCommand,
  spawnServer,
  temporaryFolder,
} from '../../../apps/api/runtime-tests/server.ts'
import { createApi } from '../../../apps/api/runtime-tests/suite/target.ts'
import { npm } from '../package-tests/npm.ts'
import { installExample } from './install-example.ts'

const data = temporaryFolder()
let server: SpawnedServer

beforeAll(async () => {
  const port = String(await freePort())
  server = await spawnServer('node', { DATA_DIR: data, PORT: port, PUBLIC_URL: `http://127.0.0.1:${port}` })
})
afterAll(async () => {
  await server?.stop()
  rmSync(data, { recursive: true, force: true })
})

test('examples/curl walks from registration to sign-out', async () => {
  const script = join(repository, 'examples/curl/walk-through.sh')
  const { stdout, stderr } = await promisify(execFile)('bash', [script, server.url])
  expect(stdout).toMatch(/^1\. Register .*All as expected\.\n$/s)
  expect(stderr).toBe('')
})

test('examples/curl ends with 1 at the first answer that is not as expected', async () => {
  const script = join(repository, 'examples/curl/walk-through.sh')
  await expect(promisify(execFile)('bash', [script, `${server.url}/nowhere`])).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('expected 200, got 404'),
  })
})

/** Each has ended a server that was written in a hurry. */
const hostile = [
  'GET // HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'TRACE /notes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'POST /notes HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nmil',
  `POST /notes HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`,
]

/** Sends the bytes and leaves, in the middle of a body or not. */
const send = (port: number, bytes: string) =>
  new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes))
    socket.on('error', () => resolve()).on('close', () => resolve())
    socket.resume()
  })

describe('examples/backend', () => {
  let folder: string
  beforeAll(async () => {
    folder = await installExample('backend')
    await npm(folder, ['run', 'check'])
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each<Runtime>(['node', 'bun'])('on %s keeps the notes of each account from the others', async (runtime) => {
    const [command, ...args] = runtimeCommand(runtime)
    const env = { PATH: '', GATEHOUSE_URL: server.url, PORT: '0' }
    const child = spawn(command, [...args, 'server.ts'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      const url = await new Promise<string>((resolve, reject) => {
        child.stdout.on('data', (chunk: Buffer) => resolve(chunk.toString().trim()))
        child.once('exit', (code) => reject(new Error(`the backend ended with ${code}`)))
      })
      const api = createApi({ fetch: (path, init) => fetch(server.url + path, init), stop: server.stop })
      const ask = async (token?: string, init: RequestInit = {}) => {
        const response = await fetch(url, { ...init, headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } })
        return { status: response.status, body: await response.json() }
      }
      const [ada, bob] = [await api.account(), await api.account()]
      const notes = { username: ada.username, notes: ['milk'] }
      expect(await ask(ada.token, { method: 'POST', body: 'milk' })).toEqual({ status: 200, body: notes })
      expect(await ask(ada.token)).toEqual({ status: 200, body: notes })
      expect(await ask(bob.token)).toEqual({ status: 200, body: { username: bob.username, notes: [] } })
      expect(await ask()).toEqual({ status: 401, body: { code: 'not_authenticated' } })
      expect(await ask(`${ada.token}x`)).toEqual({ status: 401, body: { code: 'invalid_token' } })
      for (const request of hostile) await send(Number(new URL(url).port), request)
      expect(await ask(ada.token)).toEqual({ status: 200, body: notes })
    } finally {
      await end(child, 'SIGTERM')
    }
  })
})
