import { createHash } from 'node:crypto'
import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { spawnServer, temporaryFolder } from './server.ts'
import { createApi, freshName, goodPassword } from './suite/target.ts'

const leaked = 'a password that others had'
const digest = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase()

/** Knows one password; `mood` is what it does besides answering. */
let mood: 'well' | 'failing' | 'slow' | 'elsewhere' = 'well'
let asked: string[] = []
let service: Server
let url: string

beforeAll(async () => {
  service = createServer((request, response) => {
    const prefix = request.url?.split('/').at(-1) ?? ''
    asked.push(prefix)
    if (mood === 'failing') return response.writeHead(500).end()
    if (mood === 'elsewhere') return response.writeHead(307, { Location: `${url}/${prefix}` }).end()
    if (mood === 'slow') return response.write(`${'0'.repeat(35)}:0\r\n`)
    const hash = digest(leaked)
    return response.end(`${'0'.repeat(35)}:0\r\n${prefix === hash.slice(0, 5) ? `${hash.slice(5)}:7\r\n` : ''}`)
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/range`
})
afterAll(() => {
  service.closeAllConnections()
  service.close()
})

const refused = {
  status: 422,
  body: { code: 'invalid_request', errors: [{ path: 'password', message: expect.stringMatching(/data breaches/) }] },
}

describe.each(['node', 'bun', 'deno'] as const)('BREACHED_PASSWORDS_URL on %s', (runtime) => {
  test('refuses passwords that the service knows, and no others, nor any while it fails', async () => {
    mood = 'well'
    const server = await spawnServer(runtime, { DATA_DIR: temporaryFolder(), BREACHED_PASSWORDS_URL: url })
    const api = createApi({ fetch: (path, init) => fetch(server.url + path, init), stop: server.stop })
    const name = freshName()
    expect(await api.register(name, leaked)).toMatchObject(refused)
    expect((await api.login(name, leaked)).status).toBe(401)
    const { username, token } = await api.account()
    expect(await api.json('PATCH', '/user/', { username, password: leaked }, token)).toMatchObject(refused)
    expect((await api.login(username)).status).toBe(200) // the old password
    expect(new Set(asked)).toEqual(new Set([leaked, goodPassword].map((password) => digest(password).slice(0, 5))))

    asked = []
    expect((await api.register(freshName(), 'Password1')).status).toBe(422)
    expect((await api.register(freshName(), leaked, { birthday: 'x' })).status).toBe(422)
    expect(asked).toEqual([]) // what is refused anyway is told to nobody

    for (mood of ['failing', 'elsewhere', 'slow'] as const) {
      const begun = performance.now()
      expect((await api.register(freshName(), leaked)).status).toBe(200)
      expect(performance.now() - begun).toBeLessThan(5_000)
    }
    expect(asked).toHaveLength(3) // nobody was sent elsewhere
    expect(await server.stop()).toBe(0)
    const warnings = server.output().match(/.*BREACHED_PASSWORDS_URL does not answer.*/g) ?? []
    expect(warnings).toHaveLength(1)
    expect(server.output()).not.toContain(digest(leaked).slice(0, 5))
  })
})
