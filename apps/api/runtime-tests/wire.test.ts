import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SpawnedServer, spawnServer, temporaryFolder } from './server.ts'
import { smugglingSuite } from './suite/smuggling.ts'

const form = 'Host: x\r\nContent-Type: application/x-www-form-urlencoded\r\n'

/** Bytes as they go over the wire, what drips after them every second, and the status that answers. */
const shapes: [name: string, bytes: string, drip: string | undefined, status: number | undefined][] = [
  ['nothing at all', '', undefined, 408],
  ['headers that stall', 'GET /health/live HTTP/1.1\r\nHost: x\r\n', undefined, 408],
  ['headers that drip', 'GET /health/live HTTP/1.1\r\nHost: x\r\n', 'X-A: b\r\n', 408],
  ['a body that stalls', `POST /login HTTP/1.1\r\n${form}Content-Length: 1000\r\n\r\nusername=`, undefined, 408],
  ['a body that drips', `POST /login HTTP/1.1\r\n${form}Content-Length: 1000\r\n\r\nusername=`, 'a', 408],
  ['chunks that drip', `POST /login HTTP/1.1\r\n${form}Transfer-Encoding: chunked\r\n\r\n`, '1\r\na\r\n', 408],
  ['a stalling body without a token', `DELETE /user/ HTTP/1.1\r\n${form}Content-Length: 1000\r\n\r\nusername=`, undefined, 401],
  [
    'both lengths',
    `POST /login HTTP/1.1\r\n${form}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /nope HTTP/1.1\r\nHost: x\r\n\r\n`,
    undefined,
    400,
  ],
  [
    'an unknown transfer coding',
    `POST /login HTTP/1.1\r\n${form}Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`,
    undefined,
    400,
  ],
  ['two lengths', `POST /login HTTP/1.1\r\n${form}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef`, undefined, 400],
  ['a negative length', `POST /login HTTP/1.1\r\n${form}Content-Length: -5\r\n\r\nabcdef`, undefined, 400],
  ['a broken chunk', `POST /login HTTP/1.1\r\n${form}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n`, undefined, 400],
  ['no host', 'GET /health/live HTTP/1.1\r\n\r\n', undefined, 400],
  ['a host that is none', 'GET /health/live HTTP/1.1\r\nHost: a b/..\\@\r\n\r\n', undefined, 400],
  ['bytes in the path', 'GET /user/?username=\xFF\xFE HTTP/1.1\r\nHost: a\r\n\r\n', undefined, 400],
  ['100 KB of header', `GET /health/live HTTP/1.1\r\nHost: a\r\nX-A: ${'a'.repeat(100_000)}\r\n\r\n`, undefined, 431],
  [
    'two tokens',
    'GET /users/me HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n',
    undefined,
    401,
  ],
  ['HTTP/0.9', 'GET /\r\n\r\n', undefined, 400],
  ['TRACE', 'TRACE /users/me HTTP/1.1\r\nHost: a\r\n\r\n', undefined, 405],
  ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n', undefined, undefined],
  ['an upgrade', 'GET /users/me HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n', undefined, 401],
  ['an absolute URI', 'GET http://evil.example/users/me HTTP/1.1\r\nHost: a\r\n\r\n', undefined, 401],
]

/** Milliseconds after which a slow client must be gone; it is given 10 s, and looked at every second. */
const patience = 14_000

describe.each(['node', 'bun', 'deno'] as const)('on %s', (runtime) => {
  let server: SpawnedServer
  beforeAll(async () => {
    server = await spawnServer(runtime, { DATA_DIR: temporaryFolder() })
  })
  afterAll(() => server.kill())

  test.concurrent.each(shapes)('%s is answered and the connection closed in time', async (_name, bytes, drip, status) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => (answer += chunk.toString()))
    socket.on('error', () => undefined)
    const begun = performance.now()
    socket.write(bytes, 'latin1')
    const dripping = drip === undefined ? undefined : setInterval(() => socket.write(drip), 1_000)
    await once(socket, 'close').catch(() => undefined)
    clearInterval(dripping)
    expect(performance.now() - begun).toBeLessThan(patience)
    expect(/^HTTP\/1.1 (\d{3})/.exec(answer)?.[1]).toBe(status === undefined ? undefined : String(status))
    expect(answer.match(/^HTTP\/1.1 /gm)?.length ?? 0).toBeLessThanOrEqual(1) // nothing smuggled behind it was answered
    expect(answer).not.toContain('evil.example')
  })

  smugglingSuite(() => Number(new URL(server.url).port))

  test('none of it is a fault in the log, and the server still answers', async () => {
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)
    expect(server.output()).not.toMatch(/"status":5\d\d|request failed/)
  })
})
