import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'

const head = 'Host: a\r\nContent-Type: application/x-www-form-urlencoded\r\n'
const post = `POST /revoke HTTP/1.1\r\n${head}`
const live = 'GET /health/live HTTP/1.1\r\nHost: a\r\n'
const chunked = 'Transfer-Encoding: chunked\r\n\r\n'
const nine = '9\r\ntoken=abc\r\n0\r\n\r\n'

/** A request that asks for the end of the connection, so that what was answered can be counted. */
const request = (id: string) => `GET /nope HTTP/1.1\r\nHost: a\r\nX-Request-Id: ${id}\r\nConnection: close\r\n\r\n`
const next = request('next')
const hidden = request('hidden')

/** 400 and the end of the connection, or the answers named; several where the runtimes differ and each is right. */
type Verdict = 'refused' | readonly string[]

/** Bytes that a proxy and a server may take apart differently. Behind most stands a request: `next`. */
const shapes: [name: string, bytes: string, verdict: Verdict][] = [
  // Two lengths.
  ['CL.TE', `${post}Content-Length: 6\r\n${chunked}0\r\n\r\nG${next}`, 'refused'],
  ['TE.CL', `${post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${nine}${next}`, 'refused'],
  ['two lengths', `${post}Content-Length: 9\r\nContent-Length: 10\r\n\r\ntoken=abc${next}`, 'refused'],
  ['the same length twice', `${post}Content-Length: 9\r\nContent-Length: 9\r\n\r\ntoken=abc${next}`, ['400', '200 404:next']],
  ...['9, 9', '9, 10', '-9', '+9', '0x9', '9.0', '1e1', '9 9', '', '18446744073709551625', '٩'].map(
    (length): [string, string, Verdict] => [
      `length ${length}`,
      `${post}Content-Length: ${length}\r\n\r\ntoken=abc${next}`,
      'refused',
    ],
  ),
  ['length 009', `${post}Content-Length: 009\r\n\r\ntoken=abc${next}`, ['200 404:next']],
  ['a length of 2^53 and 1', `${post}Content-Length: 9007199254740993\r\n\r\ntoken=abc${next}`, ['413']],
  ['a blank before the colon', `${post}Content-Length : 9\r\n\r\ntoken=abc${next}`, 'refused'],
  [
    'a length that Connection names',
    `${post}Connection: content-length\r\nContent-Length: 9\r\n\r\ntoken=abc${next}`,
    ['200 404:next'],
  ],

  // Transfer codings that one takes for chunked and another does not.
  ...[
    'xchunked',
    '"chunked"',
    '\x0Bchunked',
    'chunked, identity',
    'identity',
    'identity, chunked',
    'gzip',
    'gzip, chunked',
    'chunked;a=b',
    ',chunked',
  ].map((coding): [string, string, Verdict] => [
    `coding ${coding}`,
    `${post}Transfer-Encoding: ${coding}\r\n\r\n${nine}${next}`,
    'refused',
  ]),
  ['chunked, and identity', `${post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n${nine}${next}`, 'refused'],
  ['chunked twice', `${post}Transfer-Encoding: chunked\r\n${chunked}${nine}${next}`, 'refused'],
  ['chunked on a folded line', `${post}Transfer-Encoding:\r\n chunked\r\n\r\n${nine}${next}`, 'refused'],
  ['chunked behind a blank name', `${post}Transfer-Encoding : chunked\r\n\r\n${nine}${next}`, 'refused'],
  ['chunked in HTTP/1.0', `POST /revoke HTTP/1.0\r\n${head}Connection: keep-alive\r\n${chunked}${nine}${next}`, 'refused'],
  ['CHUNKED behind a tab', `${post}Transfer-Encoding:\tCHUNKED\r\n\r\n${nine}${next}`, ['200 404:next']],

  // Chunks.
  ...['-9', '0x9', '9 ', ' 9', '9\t', 'zz', '10000000000000009', '9\nx', ''].map((size): [string, string, Verdict] => [
    `chunk size ${JSON.stringify(size)}`,
    `${post}${chunked}${size}\r\ntoken=abc\r\n0\r\n\r\n${next}`,
    'refused',
  ]),
  ['a chunk shorter than it says', `${post}${chunked}a\r\ntoken=abc\r\n0\r\n\r\n${next}`, 'refused'],
  ['a chunk longer than it says', `${post}${chunked}8\r\ntoken=abc\r\n0\r\n\r\n${next}`, 'refused'],
  ['chunks ended by LF', `${post}${chunked}9\ntoken=abc\n0\n\n${next}`, 'refused'],
  ['a length in the trailer', `${post}${chunked}9\r\ntoken=abc\r\n0\r\nContent-Length: 5\r\n\r\n${next}`, 'refused'],
  ['an extension with LF', `${post}${chunked}9;a\ntoken=abc\r\n0\r\n\r\n${next}`, 'refused'],
  ['an extension', `${post}${chunked}9;a=b\r\ntoken=abc\r\n000\r\n\r\n${next}`, ['200 404:next']],
  ['an extension of 20 KB', `${post}${chunked}9;${'a'.repeat(20_000)}\r\ntoken=abc\r\n0\r\n\r\n${next}`, ['413', '200 404:next']],

  // Lines.
  ['LF alone', `POST /revoke HTTP/1.1\nHost: a\nContent-Length: 0\n\n${next}`, 'refused'],
  ['LF in a value', `${live}X-A: b\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`, 'refused'],
  ['CR in a value', `${live}X-A: b\rContent-Length: ${hidden.length}\r\n\r\n${hidden}`, 'refused'],
  ['NUL in a value', `${live}X-A: a\0b\r\n\r\n${next}`, 'refused'],
  ['a folded value', `GET /nope HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\r\n Set-Cookie: x=y\r\n\r\n${next}`, 'refused'],
  ['a header without a colon', `${live}X-A\r\n\r\n${next}`, 'refused'],
  ['a header without a name', `${live}: b\r\n\r\n${next}`, 'refused'],
  ['a name with a blank', `${live}X A: b\r\n\r\n${next}`, 'refused'],
  ['a blank line before', `\r\n\r\n${live}\r\n${next}`, ['200 404:next']],
  ['HTTP/2.0', `GET /health/live HTTP/2.0\r\nHost: a\r\n\r\n${next}`, 'refused'],
  ['the start of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'refused'],
  ['the start of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03', 'refused'],

  // Whom it is for.
  ['two hosts', `${live}Host: evil.example\r\n\r\n${next}`, 'refused'],
  ['the same host twice', `${live}HOST: a\r\n\r\n${next}`, 'refused'],
  ...['', 'a/../b', 'a@b', '"><script>', 'a:99999', '[::1', 'a, b', '\xFF\xFE', 'a?b', 'a#b', 'a\\b'].map(
    (host): [string, string, Verdict] => [
      `host ${host}`,
      `GET /health/live HTTP/1.1\r\nHost: ${host}\r\n\r\n${next}`,
      ['400 404:next'],
    ],
  ),
  ['another scheme', `GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n${next}`, ['400 404:next', '400']],
  ['a target that is an authority', `GET evil.example:80 HTTP/1.1\r\nHost: a\r\n\r\n${next}`, 'refused'],
  ['a target that is a star', `OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n${next}`, ['400 404:next', '400']],
  ['a target with backslashes', `GET \\\\evil.example\\ HTTP/1.1\r\nHost: a\r\n\r\n${next}`, 'refused'],
  ['a target with a blank', `GET /health/live x HTTP/1.1\r\nHost: a\r\n\r\n${next}`, 'refused'],
  ['a target with NUL', `GET /health/live\0 HTTP/1.1\r\nHost: a\r\n\r\n${next}`, 'refused'],
  ['a target of 20 KB', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n${next}`, ['431']],
  ['2,500 headers', `${live}${'a:b\r\n'.repeat(2_500)}\r\n${next}`, ['431', '200 404:next']],

  // Methods.
  ...['get', 'FOO', 'A'.repeat(9_000), ''].map((method): [string, string, Verdict] => [
    `method ${method.slice(0, 9)}`,
    `${method} /health/live HTTP/1.1\r\nHost: a\r\n\r\n${next}`,
    'refused',
  ]),
  ...['TRACE', 'PROPFIND', 'QUERY'].map((method): [string, string, Verdict] => [
    `method ${method}`,
    `${method} /health/live HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\n\r\n${next}`,
    ['405 404:next'],
  ]),
  ['method CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n', ['']],

  // A request where a refused one had its body.
  ['behind 401', `GET /users/me HTTP/1.1\r\nHost: a\r\n\r\n${next}`, ['401 404:next']],
  ['behind 415', `POST /revoke HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\ntoken=abc${next}`, ['415 404:next']],
  ['behind 413', `${post}Content-Length: 70000\r\n\r\n${'a'.repeat(70_000)}${next}`, ['413']],
  [
    'in the body of 401',
    `DELETE /user/ HTTP/1.1\r\n${head}Content-Length: ${hidden.length}\r\n\r\n${hidden}${next}`,
    ['401 404:next'],
  ],
  [
    'in the body of 404',
    `POST /nope HTTP/1.1\r\n${head}Content-Length: ${hidden.length}\r\n\r\n${hidden}${next}`,
    ['404 404:next'],
  ],
  [
    'in the body of 405',
    `PUT /login HTTP/1.1\r\n${head}Content-Length: ${hidden.length}\r\n\r\n${hidden}${next}`,
    ['405 404:next'],
  ],
  ['in the body of a GET', `${live}Content-Length: ${hidden.length}\r\n\r\n${hidden}${next}`, ['200 404:next']],
  [
    'in the chunks of 404',
    `POST /nope HTTP/1.1\r\n${head}${chunked}${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n${next}`,
    ['404 404:next'],
  ],
  ['in a field', `${post}Content-Length: ${hidden.length + 6}\r\n\r\ntoken=${hidden}${next}`, ['200 404:next']],
  ['behind an expectation', `${post}Content-Length: 9\r\nExpect: 100-continue\r\n\r\ntoken=abc${next}`, ['100 200 404:next']],
  ['behind another expectation', `${post}Content-Length: 9\r\nExpect: 200-ok\r\n\r\ntoken=abc${next}`, ['417 404:next']],
]

/** What a proxy before the server and the server itself could take for different requests, over raw connections. */
export function smugglingSuite(port: () => number): void {
  describe('over a raw connection', () => {
    test.each(shapes)('%s is answered once, or refused', async (_name, bytes, verdict) => {
      const { statuses, text } = await exchange(port(), bytes)
      expect(verdict === 'refused' ? ['400'] : verdict).toContain(statuses)
      expect(text).not.toMatch(/evil\.example|X-Request-Id: hidden|Set-Cookie/i)
    })

    test('a body that breaks off is answered once at most', async () => {
      for (const bytes of [`${post}Content-Length: 100\r\n\r\ntoken=abc`, `${post}${chunked}9\r\ntoken=abc\r\n`]) {
        const { statuses } = await exchange(port(), bytes, { end: true })
        expect(['400', '']).toContain(statuses)
      }
    })

    test('the host that a request names stands in no link and no cookie', async () => {
      const path = '/.well-known/oauth-authorization-server'
      const ask = async (target: string, host: string) => {
        const { text } = await exchange(port(), `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
        return text.slice(text.indexOf('\r\n\r\n'))
      }
      const honest = await ask(path, 'a')
      expect(honest).toContain('"issuer"')
      expect(await ask(path, 'evil.example')).toBe(honest)
      expect(await ask(path, '[::1]:1234')).toBe(honest)
      expect(await ask(`http://evil.example:99${path}`, 'a')).toBe(honest)
      expect(await ask(`https://evil.example${path}`, 'evil.example')).toBe(honest)
      expect(await ask(`/a/..${path}`, 'a')).toBe(honest)

      const fields = 'grant_type=refresh_token'
      const refresh = async (target: string, host: string) => {
        const { text } = await exchange(
          port(),
          `POST ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\n` +
            `Cookie: __Host-gatehouse-refresh=x\r\nContent-Type: application/x-www-form-urlencoded\r\n` +
            `Content-Length: ${fields.length}\r\n\r\n${fields}`,
        )
        return text.match(/^Set-Cookie: .*$/gim)
      }
      const cookies = await refresh('/token', 'a')
      expect(cookies).toHaveLength(2)
      expect(await refresh('/token', 'evil.example')).toEqual(cookies)
      expect(await refresh('http://evil.example/token', 'a')).toEqual(cookies)
    })
  })
}

/** Sends `bytes` and gathers what comes back until the server closes: each status, with the id of a request of ours. */
async function exchange(port: number, bytes: string, { end = false } = {}): Promise<{ statuses: string; text: string }> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => undefined)
  socket.write(bytes, 'latin1')
  if (end) socket.end()
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const text = Buffer.concat(chunks).toString('latin1')
  const answers = text.split(/(?=HTTP\/1\.1 \d{3} )/).filter((part) => part !== '')
  const describe = (answer: string) => {
    const id = /^X-Request-Id: (next|hidden)\r$/im.exec(answer)?.[1]
    return answer.slice(9, 12) + (id === undefined ? '' : `:${id}`)
  }
  return { statuses: answers.map(describe).join(' '), text }
}
